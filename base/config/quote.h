// What a file or an operator wrote, shown back in an error.
#pragma once
#include <string>
#include <string_view>

namespace fencepost::config {

// The text in quotes, fit for one line of a terminal: no control characters, cut when long.
[[nodiscard]] std::string Quoted(std::string_view text);

}  // namespace fencepost::config
