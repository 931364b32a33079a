// The table of docs/formats.md: what each storage mode and x265 preset costs and keeps.
#include "pillar/rave/sample.h"

#include "rave_cases.h"

#include <cmath>

#include <ATen/ops/empty.h>
#include <fmt/format.h>

namespace pillar::bench {
namespace {

namespace fs = std::filesystem;

struct Mode {
  std::string name;
  SampleWriteOptions write;
  bool full_range = false;  // spread to more than 4,096 levels first, as metal or a full 16-bit MR would
};

std::vector<Mode> modes() {
  std::vector<Mode> list;
  for (const char* preset : {"ultrafast", "medium"}) {
    SampleWriteOptions write;
    write.preset = preset;
    write.mode = SampleMode::rave10;
    list.push_back({fmt::format("mode.rave10.{}", preset), write});
    write.mode = SampleMode::lossless;
    list.push_back({fmt::format("mode.lossless12.{}", preset), write});
  }
  list.push_back({"mode.lossless16.ffv1", SampleWriteOptions(), true});
  return list;
}

Volume source_volume(const RaveOptions& options, bool full_range) {
  Volume volume = Sample::open(options.sample).read();
  if (!full_range) return volume;
  at::Tensor spread = at::empty(volume.voxels_dhw.sizes(), volume.voxels_dhw.options());
  const std::int16_t* in = volume.voxels_dhw.const_data_ptr<std::int16_t>();
  std::int16_t* out = spread.mutable_data_ptr<std::int16_t>();
  for (std::int64_t i = 0; i < spread.numel(); ++i) out[i] = static_cast<std::int16_t>(in[i] * 8);
  volume.voxels_dhw = spread;
  return volume;
}

Measurement write_and_read(const Volume& volume, const SampleWriteOptions& write, const fs::path& target) {
  SampleMetadata metadata;
  metadata.accession = "bench";
  Measurement m;
  const double begin = now_seconds();
  const std::uint64_t bytes = write_sample(target, volume, metadata, write);
  m.seconds = now_seconds() - begin;
  const double decode_begin = now_seconds();
  const Volume back = Sample::open(target).read({}, write.threads);
  const double decode_seconds = now_seconds() - decode_begin;
  const std::int16_t* a = volume.voxels_dhw.const_data_ptr<std::int16_t>();
  const std::int16_t* b = back.voxels_dhw.const_data_ptr<std::int16_t>();
  double sum = 0;
  double largest = 0;
  for (std::int64_t i = 0; i < volume.voxels_dhw.numel(); ++i) {
    const double error = std::abs(static_cast<double>(a[i]) - b[i]);
    sum += error;
    largest = std::max(largest, error);
  }
  m.figures = {
      {"bytes", static_cast<double>(bytes)},
      {"ratio_to_int16", static_cast<double>(volume.voxels_dhw.nbytes()) / static_cast<double>(bytes)},
      {"decode_seconds", decode_seconds},
      {"mean_abs_error", sum / static_cast<double>(volume.voxels_dhw.numel())},
      {"max_abs_error", largest}};
  return m;
}

}  // namespace

std::vector<Case> mode_cases(const RaveOptions& options) {
  std::vector<Case> cases;
  for (const Mode& mode : modes()) {
    SampleWriteOptions ours = mode.write;
    ours.threads = options.threads;
    SampleWriteOptions lz4;
    lz4.archive = Archive::tar_lz4;
    cases.push_back({mode.name,
                     [=] {
                       return write_and_read(source_volume(options, mode.full_range), ours,
                                             options.scratch / mode.name);
                     },
                     "volume.npy in a .tar.lz4 (the public lossless way)",
                     [=] {
                       return write_and_read(source_volume(options, mode.full_range), lz4,
                                             options.scratch / (mode.name + ".tar.lz4"));
                     }});
  }
  return cases;
}

}  // namespace pillar::bench
