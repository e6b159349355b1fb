// What a file or an operator wrote, shown back in an error.
//
// Promise: the text stays on one line, holds no control character and no cut UTF-8. Errors: none.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace fencepost::config {

// Fit for one line of a terminal: '?' for each control character, cut after `limit` bytes.
[[nodiscard]] std::string Printable(std::string_view text, std::size_t limit);
// Printable, in quotes.
[[nodiscard]] std::string Quoted(std::string_view text);

}  // namespace fencepost::config
