// Internal: what LibTorch throws, without the stack trace below it.
#pragma once

#include <string>
#include <string_view>

namespace pillar {

inline std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

}  // namespace pillar
