#include "support/temp_dir.h"

#include <stdexcept>

#include <stdlib.h>

namespace pillar::test {

TempDir::TempDir() {
  // The space is deliberate: every path in the tests has one.
  std::string pattern = (std::filesystem::temp_directory_path() / "pillar test XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
  path_ = pattern;
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
