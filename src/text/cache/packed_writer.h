// Internal: the packed file, written as its vectors come, since they may be more than memory holds.
#pragma once

#include "pillar/core/file.h"

#include "core/shared/descriptor.h"
#include "text/cache/study_digest.h"

#include <filesystem>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// A category at a time, its studies sorted.
class PackedWriter {
 public:
  // `info`: metadata.json without text_to_path.
  PackedWriter(const std::filesystem::path& file, at::ScalarType dtype, std::int64_t width,
               const std::string& info);
  void begin_category(const std::string& name);
  void add(const StudyDigest& study, const at::Tensor& vector);  // (width) float32
  void finish();                                                 // the file appears

 private:
  struct Category {
    std::string name;
    std::vector<StudyDigest> studies;
  };
  std::string header() const;

  std::filesystem::path path_;
  PartialPath partial_;
  Descriptor file_;
  at::ScalarType dtype_;
  std::int64_t width_;
  std::string metadata_;     // JSON, the header's part that is known from the start
  std::size_t header_size_;  // room left for it
  std::vector<Category> categories_;
};

}  // namespace pillar
