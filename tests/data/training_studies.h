// Small studies to train on.
#pragma once

#include "pillar/data/study_pool.h"
#include "pillar/rave/sample.h"

#include <filesystem>
#include <string>

namespace pillar::test {

// A sample <folder>/<name> of smooth CT, 40 x 40 voxels a slice, different for each seed.
std::filesystem::path write_study(const std::filesystem::path& folder, const std::string& name,
                                  std::int64_t slices, std::uint32_t seed,
                                  SampleMode mode = SampleMode::lossless);

// Studies S0, S1, ... of `slices` each.
StudyPool write_pool(const std::filesystem::path& folder, std::int64_t count, std::int64_t slices,
                     const SizeDhw& size_dhw);

// A loader must find these bytes no video.
void corrupt(const std::filesystem::path& sample);

}  // namespace pillar::test
