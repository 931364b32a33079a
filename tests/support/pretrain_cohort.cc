#include "support/pretrain_cohort.h"

#include "pillar/core/file.h"
#include "pillar/core/npy.h"
#include "pillar/rave/sample.h"

#include "support/text_caches.h"
#include "support/volumes.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string_view>

#include <fmt/format.h>

namespace pillar::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kArchitecture = R"({
  "model": {"stages": [1, 1], "atlas_args": {"dim": 16, "num_heads": 2, "mlp_ratio": 2.0}},
  "modalities": {"abdomen_ct": {"image_size": [24, 24, 24], "patch_size": [6, 6, 6], "in_chans": 2,
    "num_features": 8, "merge_ratio": [2, 2, 2], "local2global": [2, 2, 2]}},
  "preprocess": {"abdomen_ct": {"target_spacing_xyz_mm": [0.75, 0.8, 2.5], "size_dhw": [24, 24, 24], "pad_value": -1000, "windows": "lung,bone",
    "intensity": "native"}}
})";

// Three epochs of three steps.
constexpr const char* kConfig = R"(output: {0}/run
model: {{architecture: {0}/arch.json}}
data:
  root: {0}
  train:
    - {{modality: abdomen_ct, manifest: samples.csv, text: text}}
loader: {{threads: 1, memory_gb: 0.1}}
augment: {{rotation: {{probability: 0}}}}
train: {{epochs: 3, batch_size: 4, micro_batch: 2}}
optimizer: {{lr: 1.0e-3, warmup_steps: 2}}
checkpoint: {{every_steps: 1, keep: 10}}
log: {{every_steps: 1}}
)";

std::string name_of(int study) {
  return fmt::format("S{:02}", study);
}

}  // namespace

PretrainCohort::PretrainCohort(int studies) {
  std::vector<int> all(static_cast<std::size_t>(studies));
  std::iota(all.begin(), all.end(), 0);
  fs::create_directories(folder() / "samples");
  for (const int study : all) {
    SampleMetadata metadata;
    metadata.accession = name_of(study);
    SampleWriteOptions options;
    options.threads = 1;
    write_sample(sample(study), smooth_volume(24, 40, 40, static_cast<std::uint32_t>(study)), metadata,
                 options);
  }
  write_manifest(all);
  write_text(all);
  write_file_atomic(folder() / "arch.json", std::string_view(kArchitecture));
  write_file_atomic(config(), fmt::format(fmt::runtime(kConfig), folder().string()));
}

fs::path PretrainCohort::sample(int study) const {
  return folder() / "samples" / name_of(study);
}

fs::path PretrainCohort::checkpoint(int step) const {
  return output() / "checkpoints" / fmt::format("step-{:010}", step);
}

void PretrainCohort::write_manifest(const std::vector<int>& studies) const {
  std::string text = "sample_name,image_cache_path\n";
  for (const int study : studies) text += fmt::format("{0},samples/{0}\n", name_of(study));
  write_file_atomic(folder() / "samples.csv", text);
}

void PretrainCohort::write_text(const std::vector<int>& studies, std::int64_t width) const {
  std::map<std::string, Vectors> vectors;
  for (const int study : studies) {
    at::Tensor vector = ramp(width, 0);
    vector[study % width] = -10;
    vectors[name_of(study)] = {{"all_findings", vector}};
  }
  fs::remove_all(folder() / "text");
  write_public_cache(folder() / "text", vectors, width);
}

void PretrainCohort::spoil(int study) const {
  const fs::path video = sample(study) / "volume.mp4";
  Bytes bytes = read_file(video);
  // The box of coded frames; others say how many there are and where.
  const std::string_view mark = "mdat";
  const auto box = std::search(bytes.begin(), bytes.end(), mark.begin(), mark.end());
  const std::ptrdiff_t size = (box[-4] << 24 | box[-3] << 16 | box[-2] << 8 | box[-1]) - 8;
  std::fill(box + 4 + size / 2, box + 4 + size, std::uint8_t{0xA5});
  write_file_atomic(video, ByteView(bytes));
}

void PretrainCohort::put_nan(int study) const {
  at::Tensor voxels_dhw = random_voxels(24, 40, 40, at::kFloat, -1000, 1000);
  voxels_dhw[5][6][7] = std::numeric_limits<float>::quiet_NaN();
  fs::remove_all(sample(study));
  fs::create_directories(sample(study));
  write_npy(sample(study) / "volume.npy", voxels_dhw);
}

std::vector<std::string> PretrainCohort::command(const std::vector<std::string>& more) const {
  std::vector<std::string> words = {"pillar-train",    "pretrain", "--config",
                                    config().string(), "--device", "cpu"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace pillar::test
