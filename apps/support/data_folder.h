// Files that come with the programs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

// share/pillar of the tree that the running program is in: an installation's, or the build's.
std::filesystem::path data_folder();

// Names of the configurations that come with libpillar, sorted, without ".json".
std::vector<std::string> known_architectures();

// `text` itself if there is such a file, else the configuration of that name. Throws Error(usage) with the
// names there are.
std::filesystem::path find_architecture(const std::string& text);

}  // namespace pillar
