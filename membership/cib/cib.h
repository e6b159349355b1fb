// Reads the cluster's configuration from Pacemaker's XML, and gives the bytes that stand for it.
//
// Promise: what is accepted is acted upon; what is not understood is refused by name, never
//          ignored. (A short list of attributes that Pacemaker writes for itself is skipped; see
//          docs/cib.md.) Nothing outside `text` is read: no file, no DTD, no entity.
// Errors:  Error.what is "NAME line N", so that an editor can jump there; the cause names the
//          element and attribute, the remedy says what to write instead. The first one is returned.
// Limits:  base/cib.h. Secrets are refused: the configuration is on every node and the disk.
// Source:  Pacemaker Explained 2.1; docs/cib.md is the accepted subset.
#pragma once
#include <string_view>

#include "base/bytes.h"
#include "base/cib.h"
#include "base/result.h"

namespace fencepost::cib {

// `name` is what the text is called in errors: the file's name.
[[nodiscard]] Result<Cib> ParseCib(std::string_view text, std::string_view name);

// Equal for equal configurations and different for different ones, whatever the spelling, spacing
// or comments of the text were. The caller hashes them: nodes act together only with one digest.
[[nodiscard]] Bytes CanonicalBytes(const Cib& cib);

}  // namespace fencepost::cib
