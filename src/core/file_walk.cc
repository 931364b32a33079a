#include "pillar/core/file_walk.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <set>
#include <system_error>

#include <sys/stat.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

using RealFile = std::pair<dev_t, ino_t>;

struct FoundPath {
  RealFile id;
  bool is_folder = false;
  bool is_file = false;
};

std::optional<FoundPath> find_path(const fs::path& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return FoundPath{{status.st_dev, status.st_ino}, S_ISDIR(status.st_mode), S_ISREG(status.st_mode)};
}

class Walk {
 public:
  explicit Walk(const fs::path& skip) {
    if (!skip.empty()) skip_ = find_path(skip);
  }

  FileWalk result;

  void visit(const fs::path& path, std::size_t root, bool counted_only) {
    const auto found = find_path(path);
    if (!found) return;  // a link to nothing, or gone since its folder was read
    if (!met_.insert(found->id).second) return;
    if (found->is_folder) {
      visit_folder(path, root, counted_only || (skip_ && skip_->id == found->id));
    } else if (found->is_file && counted_only) {
      ++result.skipped_files;
    } else if (found->is_file) {
      result.files.push_back({path, root});
    }
  }

 private:
  void visit_folder(const fs::path& folder, std::size_t root, bool counted_only) {
    std::vector<fs::path> files, subfolders;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
      std::error_code ignored;
      (entry->is_directory(ignored) ? subfolders : files).push_back(entry->path());
    }
    if (error) result.unreadable.emplace_back(folder, error.message());
    std::sort(files.begin(), files.end());  // the file system's order is nobody's
    std::sort(subfolders.begin(), subfolders.end());
    for (const fs::path& file : files) visit(file, root, counted_only);
    for (const fs::path& subfolder : subfolders) visit(subfolder, root, counted_only);
  }

  std::optional<FoundPath> skip_;
  std::set<RealFile> met_;
};

}  // namespace

FileWalk walk_files(const std::vector<fs::path>& roots, const fs::path& skip) {
  Walk walk(skip);
  for (std::size_t i = 0; i < roots.size(); ++i) {
    if (!find_path(roots[i])) walk.result.unreadable.emplace_back(roots[i], std::strerror(errno));
    walk.visit(roots[i], i, false);
  }
  return std::move(walk.result);
}

}  // namespace pillar
