#include "data/training_studies.h"

#include "pillar/core/file.h"

#include "support/volumes.h"

#include <fmt/format.h>

namespace pillar::test {

namespace fs = std::filesystem;

fs::path write_study(const fs::path& folder, const std::string& name, std::int64_t slices, std::uint32_t seed,
                     SampleMode mode) {
  SampleMetadata metadata;
  metadata.accession = name;
  SampleWriteOptions options;
  options.mode = mode;
  options.threads = 1;
  write_sample(folder / name, smooth_volume(slices, 40, 40, seed), metadata, options);
  return folder / name;
}

StudyPool write_pool(const fs::path& folder, std::int64_t count, std::int64_t slices,
                     const SizeDhw& size_dhw) {
  StudyPool pool;
  pool.spec = default_preprocess_spec("ct", size_dhw);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::string name = fmt::format("S{}", i);
    pool.studies.push_back({name, write_study(folder, name, slices, static_cast<std::uint32_t>(i)), "made"});
  }
  return pool;
}

void corrupt(const fs::path& sample) {
  const fs::path video = sample / "volume.mp4";
  Bytes bytes = read_file(video);
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 3), bytes.end(), std::uint8_t{0xA5});
  write_file_atomic(video, ByteView(bytes));
}

}  // namespace pillar::test
