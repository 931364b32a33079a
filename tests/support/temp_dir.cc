#include "support/temp_dir.h"

#include <atomic>

#include <unistd.h>

namespace pillar::test {

TempDir::TempDir() {
  // Messages name files, and tests say which words a message must not have. A name of random letters has any
  // short word once in a while ("0x" did), so that this one is made of digits. The space is deliberate: every
  // path in the tests has one. A folder that exists was left behind by a process of the same number.
  static std::atomic<int> next = 0;
  const std::string prefix = "pillar test " + std::to_string(::getpid()) + "-";
  do {
    path_ = std::filesystem::temp_directory_path() / (prefix + std::to_string(next++));
  } while (!std::filesystem::create_directory(path_));
}

TempDir::~TempDir() {
  std::error_code ignored;
  for (auto it = std::filesystem::recursive_directory_iterator(path_, ignored);
       it != std::filesystem::end(it);) {
    // A test may have taken permissions away.
    if (it->is_directory(ignored))
      std::filesystem::permissions(it->path(), std::filesystem::perms::owner_all, ignored);
    it.increment(ignored);
  }
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace pillar::test
