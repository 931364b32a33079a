// Every golden folder of windows, and how near ours must be to each.
#pragma once

#include "pillar/core/config.h"

#include "support/goldens.h"

#include <algorithm>
#include <filesystem>
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

// 1e-6; 1e-5 where windows depend on percentiles or the standard deviation.
inline double golden_window_tolerance(const std::filesystem::path& folder) {
  return Config::load(folder / "case.json").get("modality").as_string() == "CT" ? 1e-6 : 1e-5;
}

}  // namespace pillar::test
