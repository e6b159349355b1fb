// fence_scsi: see docs/man/fence_scsi.8.
#include "base/text.h"
#include "fence-agents/agent/host_linux.h"
#include "fence-agents/agent/run.h"
#include "fence-agents/scsi/scsi_device.h"
#include "fence-agents/scsi/table.h"
#include "fence-agents/scsi/units.h"

using namespace fencepost;  // NOLINT: the whole of a program

namespace {

agent::Failure Bad(std::string what, std::string why, std::string remedy = {}) {
  return agent::Failed(agent::Phase::kOptions, agent::Cause::kBadOption, std::move(what),
                       std::move(why), std::move(remedy));
}

Result<scsi::Key, agent::Failure> FindKey(const agent::Values& values, const char* option,
                                          const std::string& node) {
  if (!values.Has(option)) return scsi::KeyOf(node);
  const auto key = scsi::ParseKey(values.Text(option));
  if (key) return *key;
  return Bad(Cat("option ", option), "is not a hexadecimal key of up to 16 digits, or is 0");
}

Result<std::vector<std::unique_ptr<scsi::Unit>>, agent::Failure> FindUnits(
    const agent::Values& values, const std::string& node) {
  constexpr std::size_t kMaxDisks = 64;
  scsi::IscsiSettings iscsi;
  iscsi.initiator =
      values.Has("initiator") ? values.Text("initiator") : Cat("iqn.2026-01.org.fencepost:", node);
  iscsi.secret = values.Text("chap_secret");
  iscsi.login_limit = values.Time("login_timeout");
  iscsi.answer_limit = values.Time("shell_timeout");
  std::vector<std::unique_ptr<scsi::Unit>> out;
  for (const std::string& each : Split(values.Text("devices"), ',')) {
    const auto url = config::ParseDiskUrl(Trim(each));
    if (!url) return Bad("option devices", url.error().Text());
    if (url->kind == config::DiskUrl::Kind::kPath) {
      out.push_back(scsi::MakeBlockUnit(url->path, iscsi.answer_limit));
    } else {
      out.push_back(scsi::MakeIscsiUnit(*url, iscsi));
    }
  }
  if (out.size() > kMaxDisks) return Bad("option devices", Cat("names more than ", kMaxDisks));
  return out;
}

Result<std::unique_ptr<agent::Device>, agent::Failure> MakeDevice(const agent::Values& values,
                                                                  const agent::Login&) {
  scsi::ScsiSettings s;
  s.target_node = values.Text("plug");
  s.this_node = values.Has("this_node") ? values.Text("this_node") : scsi::MachineName();
  if (s.this_node.empty()) return Bad("option this_node", "is missing", "name this node");
  const auto target = FindKey(values, "key", s.target_node);
  if (!target) return target.error();
  const auto own = FindKey(values, "own_key", s.this_node);
  if (!own) return own.error();
  s.target = *target;
  s.own = *own;
  if (s.own == s.target && s.this_node != s.target_node) {
    return Bad("option key", Cat("is that of this node, ", agent::OneLine(s.this_node)),
               "each node needs a key of its own");
  }
  s.need_abort = values.Text("preempt_abort") == "always";
  s.aptpl = values.Flag("aptpl");
  auto units = FindUnits(values, s.this_node);
  if (!units) return units.error();
  return scsi::MakeScsiDevice(std::move(*units), std::move(s));
}

}  // namespace

int main(int argc, char** argv) {
  agent::LinuxHost host(argc, argv);
  return agent::RunAgent(scsi::ScsiSpec(), agent::Words(argc, argv), MakeDevice, host);
}
