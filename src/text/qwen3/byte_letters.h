// Internal: the letters that stand for bytes in the files of byte-level tokenizers.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace pillar {

// The letter of each byte, in UTF-8. So that a vocabulary is readable text, each byte that is a visible
// character of Latin-1 stands for itself; the other 68 take the characters from U+0100 on, in order: a space
// is "Ġ" (bytes_to_unicode of GPT-2's encoder.py).
const std::array<std::string, 256>& byte_letters();

// The bytes that a token stands for. A token with any other character in it stands for its own UTF-8, which
// is how the reference decodes added tokens.
std::string bytes_of_token(std::string_view letters);

}  // namespace pillar
