// Words between ranks: collectives, as those of World are.
#pragma once

#include "pillar/world/world.h"

#include <cstdint>
#include <string>
#include <vector>

namespace pillar {

// The text that rank `from` gives.
std::string broadcast_text(const World& world, const std::string& text, std::int64_t from = 0);
std::vector<std::string> gather_texts(const World& world, const std::string& text);  // of all ranks, in order

}  // namespace pillar
