// What the operator's command asks of fencepostd, and how it is answered: small JSON texts, one
// message each way over RUN_DIR/fencepostd.sock. docs/format/status.md.
//
// Promise: survives any bytes.
// Errors:  ParseToolRequest says what is wrong and what may be asked. An answer is an object: with
//          "error", with "done", or it is the status.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/cib.h"
#include "base/result.h"
#include "base/time.h"
#include "membership/node/member.h"

namespace fencepost::daemon {

inline constexpr std::string_view kToolSocket = "fencepostd.sock";  // in paths.run_dir

inline constexpr std::size_t kMaxToolText = 200;  // of a name or a reason

enum class ToolCommand {
  kStatus,
  kLeave,
  kCleanup,
  kSetAttribute,
  kShowAttributes,
  kConfirm,
  kFenced
};
struct ToolRequest {
  ToolCommand command = ToolCommand::kStatus;
  std::string resource;              // of a cleanup
  std::string attribute;             // allowed by base/attributes.h; to show: empty is all
  std::optional<std::string> value;  // to set; none: it is removed
  Duration lapses_after{};           // of the value; 0: never
  std::string node, by, reason;      // confirm: a named operator says that the node is off
  std::string device;                // fenced: by `by`, with this device,
  MonoTime begun_at{};               // seen off by a query begun then (CLOCK_BOOTTIME of this node)
};

[[nodiscard]] Result<ToolRequest> ParseToolRequest(ByteView message);
[[nodiscard]] std::string ErrorAnswer(const Error& error);
[[nodiscard]] std::string DoneAnswer();
// Transient attributes of the nodes that are heard, as they are: not yet settled.
[[nodiscard]] std::string AttributesAnswer(const node::MemberStatus& status,
                                           std::string_view attribute);
[[nodiscard]] std::optional<NodeId> NodeNamed(const Cib& cib, std::string_view name);
[[nodiscard]] bool HasPrimitive(const Cib& cib, std::string_view id);

}  // namespace fencepost::daemon
