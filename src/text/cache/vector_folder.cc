// The public layout: metadata.json and a .pt file a study.
#include "pillar/core/fail.h"

#include "text/cache/cache_metadata.h"
#include "text/cache/vector_file.h"
#include "text/cache/vector_store.h"

namespace pillar {
namespace {

namespace fs = std::filesystem;

class VectorFolder final : public VectorStore {
 public:
  explicit VectorFolder(const fs::path& folder) : folder_(folder), metadata_(read_cache_metadata(folder)) {
    studies_.reserve(metadata_.files.size());
    for (const auto& [study, path] : metadata_.files) studies_.push_back(study);
  }

  std::int64_t width() const noexcept override { return metadata_.width; }
  const std::vector<StudyDigest>& studies() const noexcept override { return studies_; }
  const std::string& info() const noexcept override { return metadata_.info; }
  StoredVectors stored(std::size_t place) const override { return read_vector_file(file(place)); }
  fs::path file(std::size_t place) const override { return folder_ / metadata_.files[place].second; }

 private:
  fs::path folder_;
  CacheMetadata metadata_;
  std::vector<StudyDigest> studies_;
};

}  // namespace

std::unique_ptr<VectorStore> open_vector_folder(const fs::path& folder) {
  return std::make_unique<VectorFolder>(folder);
}

}  // namespace pillar
