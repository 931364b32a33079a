// Internal: cells of a table of outcomes.
#pragma once

#include "pillar/labels/outcomes.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace pillar {

std::string_view trimmed(std::string_view cell);              // without white space around it
bool is_unknown(std::string_view cell);                       // empty, NaN, NA or null, in any case
std::optional<double> number_in(std::string_view cell);       // finite; none where the cell is no number
std::optional<std::int64_t> whole_in(std::string_view cell);  // also written as 3.0; below 2^53
std::optional<OutcomeSplit> split_in(std::string_view cell);

// Empty where `cell` is not a JSON list of [d0,h0,w0,d1,h1,w1], whole numbers from 0 on, each first below its
// end.
std::optional<std::vector<VoxelBox>> boxes_in(std::string_view cell);

}  // namespace pillar
