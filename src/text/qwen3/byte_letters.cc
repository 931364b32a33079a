#include "text/qwen3/byte_letters.h"

#include <cstdint>

namespace pillar {
namespace {

constexpr std::size_t kFirstStandIn = 0x100;
constexpr std::size_t kLetterEnd = 0x144;  // one after the stand-in of the last of 68 bytes

bool is_visible_latin1(std::size_t byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD);
}

struct LetterTables {
  std::array<std::string, 256> letters;
  std::array<int, kLetterEnd> byte_of{};  // by code point; -1 where it is the letter of no byte
};

LetterTables make_letter_tables() {
  LetterTables tables;
  tables.byte_of.fill(-1);
  std::size_t stand_in = kFirstStandIn;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const std::size_t letter = is_visible_latin1(byte) ? byte : stand_in++;
    tables.byte_of[letter] = static_cast<int>(byte);
    if (letter < 0x80) {
      tables.letters[byte] = {static_cast<char>(letter)};
    } else {
      tables.letters[byte] = {static_cast<char>(0xC0 | letter >> 6),
                              static_cast<char>(0x80 | (letter & 0x3F))};
    }
  }
  return tables;
}

const LetterTables& letter_tables() {
  static const LetterTables tables = make_letter_tables();
  return tables;
}

}  // namespace

const std::array<std::string, 256>& byte_letters() {
  return letter_tables().letters;
}

std::string bytes_of_token(std::string_view letters) {
  const auto& byte_of = letter_tables().byte_of;
  std::string bytes;
  bytes.reserve(letters.size());
  for (std::size_t i = 0; i < letters.size(); ++i) {
    std::size_t letter = static_cast<std::uint8_t>(letters[i]);
    if (letter >= 0x80 && i + 1 < letters.size())  // longer characters come out beyond the table
      letter = (letter - 0xC0) << 6 | (static_cast<std::uint8_t>(letters[++i]) & 0x3Fu);
    if (letter >= kLetterEnd || byte_of[letter] < 0) return std::string(letters);
    bytes += static_cast<char>(byte_of[letter]);
  }
  return bytes;
}

}  // namespace pillar
