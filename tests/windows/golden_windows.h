// Every golden folder of windows, and how near ours must be to each.
#pragma once

#include "pillar/core/config.h"

#include "support/goldens.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace pillar::test {

inline std::vector<std::filesystem::path> golden_window_folders() {
  std::vector<std::filesystem::path> folders;
  for (const auto& entry : std::filesystem::directory_iterator(golden("windows"))) {
    if (entry.is_directory()) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

inline std::vector<std::string> golden_strings(const Config& list) {
  std::vector<std::string> strings;
  for (std::size_t i = 0; i < list.size(); ++i) strings.push_back(list.at(i).as_string());
  return strings;
}

// 1e-6; 1e-5 where windows depend on percentiles or the standard deviation.
inline double golden_window_tolerance(const std::filesystem::path& folder) {
  return Config::load(folder / "case.json").get("modality").as_string() == "CT" ? 1e-6 : 1e-5;
}

}  // namespace pillar::test
