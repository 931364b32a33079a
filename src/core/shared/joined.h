// Lists as a message shows them.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace pillar {

// The elements with `separator` between them: joined(size_dhw, " x ").
template <typename Range>
std::string joined(const Range& range, std::string_view separator) {
  return fmt::format("{}", fmt::join(range, separator));
}
template <typename Iterator>
std::string joined(Iterator first, Iterator last, std::string_view separator) {
  return fmt::format("{}", fmt::join(first, last, separator));
}

}  // namespace pillar
