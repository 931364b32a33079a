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

std::vector<std::string> known_architectures() {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(data_folder() / "configs", error)) {
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

fs::path find_architecture(const std::string& text) {
  if (fs::is_regular_file(text)) return text;
  const std::vector<std::string> names = known_architectures();
  if (std::find(names.begin(), names.end(), text) != names.end()) {
    return data_folder() / "configs" / fmt::format("{}.json", text);
  }
  const std::string near = nearest_name(text, names);
  fail(ErrorCategory::usage, "{}: no such file, nor the name of a configuration{}; there are: {}", text,
       near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near),
       fmt::format("{}", fmt::join(names, ", ")));
}

}  // namespace pillar
