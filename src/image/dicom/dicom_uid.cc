#include "image/dicom/dicom_uid.h"

#include "pillar/core/sha256.h"

#include <algorithm>

namespace pillar {

std::string dicom_uid(std::string_view seed) {
  const auto digest = sha256(as_bytes(seed));
  unsigned __int128 number = 0;
  for (int i = 0; i < 16; ++i) number = (number << 8) | digest[static_cast<std::size_t>(i)];
  std::string digits;
  do {
    digits += static_cast<char>('0' + static_cast<int>(number % 10));
    number /= 10;
  } while (number != 0);
  std::reverse(digits.begin(), digits.end());
  return "2.25." + digits;
}

bool is_dicom_uid(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace pillar
