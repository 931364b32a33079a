// Internal: text that may hold any bytes, made valid UTF-8 and composed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pillar {

// The text with each maximal invalid sequence of bytes replaced by one U+FFFD ("U+FFFD substitution of
// maximal subparts" of the Unicode standard, 3.9). It is the text itself where that is valid, else a view of
// `buffer`.
std::string_view as_valid_utf8(std::string_view text, std::string& buffer);

// Unicode's normalization form C of valid UTF-8: the text itself where nothing in it can change, else a view
// of `buffer`.
std::string_view as_nfc(std::string_view text, std::string& buffer);

// One after the last byte of the character that begins at `begin`, which may be the end of the text.
std::size_t end_of_character(std::string_view text, std::size_t begin);

// Where the last character before byte `end`, which is not 0, begins.
std::size_t begin_of_character(std::string_view text, std::size_t end);

}  // namespace pillar
