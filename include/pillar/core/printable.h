// Internal: text out of a file, made fit for a one-line message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pillar {

// Control characters and bytes that are no UTF-8 become `\xNN`; what is longer than `max_bytes` ends in
// "...".
std::string printable(std::string_view text, std::size_t max_bytes = 120);

// True for UTF-8 without control characters other than tabs and line ends.
bool is_text(std::string_view text);

}  // namespace pillar
