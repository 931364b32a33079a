// What the processes of a test do together.
#pragma once

#include <filesystem>
#include <string>

namespace pillar::test {

// Throws what the library throws; returns 10, after a line on standard error, where something is not as
// expected.
int run_scenario(const std::string& name, const std::filesystem::path& folder);

}  // namespace pillar::test
