// Internal: words between ranks.
#pragma once

#include "pillar/world/world.h"

#include <string>
#include <vector>

namespace pillar {

std::string broadcast_text(const World& world, const std::string& text);
std::vector<std::string> gather_texts(const World& world, const std::string& text);  // of all ranks, in order

}  // namespace pillar
