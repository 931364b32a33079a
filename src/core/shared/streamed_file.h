// Internal: a large file that is written piece by piece and appears all at once.
#pragma once

#include "pillar/core/file.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace pillar {

class StreamedFile {
 public:
  explicit StreamedFile(const std::filesystem::path& path);
  StreamedFile& operator<<(std::string_view text);
  void commit();  // throws Error(io): a full disk, say; what was there before stays

 private:
  void flush();

  std::filesystem::path path_;
  PartialPath partial_;
  std::ofstream out_;
  std::string buffer_;
};

}  // namespace pillar
