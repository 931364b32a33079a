// What TensorBoard's own reader makes of our event files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace pillar::test {

// "TAG STEP VALUE" of each point, sorted by tag; fails the test, and says what to do, where that reader is
// not installed or finds fault.
std::vector<std::string> tensorboard_points(const std::filesystem::path& folder);

}  // namespace pillar::test
