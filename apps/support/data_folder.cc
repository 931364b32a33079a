#include "support/data_folder.h"

#include "pillar/core/config.h"
#include "pillar/core/fail.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace pillar {

namespace fs = std::filesystem;

fs::path data_folder() {
  return fs::read_symlink("/proc/self/exe").parent_path().parent_path() / PILLAR_DATADIR / "pillar";
}

namespace {

// Of towers for scans, and of models of texts.
std::vector<fs::path> architecture_files() {
  std::vector<fs::path> files;
  for (const fs::path& folder : {data_folder() / "configs", data_folder() / "configs" / "text"}) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      if (entry.path().extension() == ".json") files.push_back(entry.path());
    }
  }
  return files;
}

}  // namespace

std::vector<std::string> known_architectures() {
  std::vector<std::string> names;
  for (const fs::path& file : architecture_files()) names.push_back(file.stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

fs::path find_architecture(const std::string& text) {
  if (fs::is_regular_file(text)) return text;
  for (const fs::path& file : architecture_files()) {
    if (file.stem() == text) return file;
  }
  const std::vector<std::string> names = known_architectures();
  const std::string near = nearest_name(text, names);
  fail(ErrorCategory::usage, "{}: no such file, nor the name of a configuration{}; there are: {}", text,
       near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near),
       fmt::format("{}", fmt::join(names, ", ")));
}

}  // namespace pillar
