// What a file or an operator wrote, shown back in an error.
//
// Promise: the text stays on one line, holds no control character and no cut UTF-8. Errors: none.
#pragma once
#include <string>
#include <string_view>

namespace fencepost::config {

// The text in quotes, fit for one line of a terminal: no control characters, cut when long.
[[nodiscard]] std::string Quoted(std::string_view text);

}  // namespace fencepost::config
