// Internal: a file that grows by whole records.
#pragma once

#include "core/shared/descriptor.h"

#include <cstdint>
#include <string_view>

namespace pillar {

class AppendFile {
 public:
  explicit AppendFile(const std::filesystem::path& path);  // made if it is not there; throws Error(io)
  // All of `record` in one write(2), or nothing of it. Returns 0 or the errno of what was in the way.
  int append(std::string_view record) noexcept;
  int sync() noexcept;
  std::int64_t size() const noexcept { return size_; }  // bytes of whole records

 private:
  int drop_half_record() noexcept;
  Descriptor file_;
  std::int64_t size_ = 0;  // of whole records
  bool half_ = false;      // something follows them
};

}  // namespace pillar
