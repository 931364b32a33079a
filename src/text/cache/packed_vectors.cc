// The packed file, mapped.
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"
#include "pillar/core/safetensors.h"

#include "text/cache/cache_metadata.h"
#include "text/cache/packed_layout.h"
#include "text/cache/vector_store.h"

#include <algorithm>
#include <cstring>

namespace pillar {
namespace {

namespace fs = std::filesystem;

std::string header_text(const SafetensorsFile& file, const char* key) {
  const auto found = file.metadata().find(key);
  return found == file.metadata().end() ? "" : found->second;
}

struct Category {
  std::vector<StudyDigest> studies;  // sorted
  at::Tensor vectors_nw;
};

class PackedVectors final : public VectorStore {
 public:
  explicit PackedVectors(const fs::path& path) : path_(path), file_(path) {
    if (header_text(file_, kFormatKey) != kPackedFormat)
      fail(ErrorCategory::input, "{}: not a packed text cache (made by `pillar-text pack`)", path_);
    if (header_text(file_, kVersionKey) != kPackedVersion) {
      fail(ErrorCategory::unsupported, "{}: a packed text cache of version '{}'", path_,
           printable(header_text(file_, kVersionKey)));
    }
    const CacheMetadata metadata = parse_cache_info(header_text(file_, kInfoKey), path_);
    info_ = metadata.info;
    width_ = metadata.width;
    for (const auto& [name, entry] : file_.entries()) {
      if (name.starts_with(kVectorsPrefix)) add_category(name.substr(kVectorsPrefix.size()));
    }
    if (file_.entries().size() != 2 * categories_.size())
      fail(ErrorCategory::input, "{}: has tensors that no packed text cache has", path_);
    collect_studies();
  }

  std::int64_t width() const noexcept override { return width_; }
  const std::vector<StudyDigest>& studies() const noexcept override { return studies_; }
  const std::string& info() const noexcept override { return info_; }
  fs::path file(std::size_t) const override { return path_; }
  void release_pages() const noexcept override { file_.mapping()->release_pages(); }

  StoredVectors stored(std::size_t place) const override {
    StoredVectors vectors;
    for (const auto& [name, category] : categories_) {
      const auto& of = category.studies;
      const auto found = std::lower_bound(of.begin(), of.end(), studies_[place]);
      if (found != of.end() && *found == studies_[place])
        vectors.emplace(name, category.vectors_nw[found - of.begin()]);
    }
    return vectors;
  }

 private:
  void add_category(const std::string& name) {
    Category category;
    category.vectors_nw = file_.tensor(kVectorsPrefix + name);
    const at::Tensor digests = file_.tensor(kStudiesPrefix + name);
    const auto dtype = category.vectors_nw.scalar_type();
    if ((dtype != at::kFloat && dtype != at::kBFloat16) || category.vectors_nw.dim() != 2 ||
        category.vectors_nw.size(1) != width_) {
      fail(ErrorCategory::input, "{}: '{}' is not (N,{}) of F32 or BF16", path_,
           printable(kVectorsPrefix + name), width_);
    }
    const std::int64_t rows = category.vectors_nw.size(0);
    constexpr auto kBytes = static_cast<std::int64_t>(sizeof(StudyDigest));
    if (digests.scalar_type() != at::kByte || digests.sizes() != at::IntArrayRef{rows, kBytes}) {
      fail(ErrorCategory::input, "{}: '{}' is not ({},{}) of U8", path_, printable(kStudiesPrefix + name),
           rows, kBytes);
    }
    category.studies.resize(static_cast<std::size_t>(rows));
    if (rows > 0) std::memcpy(category.studies.data(), digests.const_data_ptr(), digests.nbytes());
    const auto unsorted = std::adjacent_find(category.studies.begin(), category.studies.end(),
                                             [](const auto& a, const auto& b) { return a >= b; });
    if (unsorted != category.studies.end()) {
      fail(ErrorCategory::input, "{}: '{}' is not sorted, or has a study twice", path_,
           printable(kStudiesPrefix + name));
    }
    categories_.emplace(name, std::move(category));
  }

  void collect_studies() {
    for (const auto& [name, category] : categories_) {
      std::vector<StudyDigest> all;
      std::set_union(studies_.begin(), studies_.end(), category.studies.begin(), category.studies.end(),
                     std::back_inserter(all));
      studies_ = std::move(all);
    }
  }

  fs::path path_;
  SafetensorsFile file_;
  std::string info_;
  std::int64_t width_ = 0;
  std::map<std::string, Category> categories_;
  std::vector<StudyDigest> studies_;
};

}  // namespace

std::unique_ptr<VectorStore> open_packed_vectors(const fs::path& file) {
  return std::make_unique<PackedVectors>(file);
}

}  // namespace pillar
