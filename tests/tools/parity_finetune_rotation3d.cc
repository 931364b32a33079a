// Rotation of whole volumes: matrices and voxels for the angles that the golden gives, and the angles that
// the public augmentation draws.
#include "pillar/core/file.h"
#include "pillar/core/safetensors.h"
#include "pillar/data/volume_rotation.h"

#include "tools/parity_finetune.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/bernoulli.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <nlohmann/json.hpp>

namespace pillar::test {
namespace {

using RotationJson = nlohmann::ordered_json;

// What kornia draws with LibTorch's generator for one study a call: whether it is rotated, and if so yaw,
// pitch and roll, each in float32.
RotationJson drawn_rolls(const RotationJson& golden, std::uint64_t seed, double probability,
                         double max_roll) {
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  RotationJson out = golden;
  for (RotationJson& draw : out) {
    const bool applied = at::bernoulli(at::full({1}, probability, at::kFloat), generator).item<double>() != 0;
    draw["applied"] = applied;
    draw["roll"] = nullptr;
    if (!applied) continue;
    at::Tensor unit;
    for (int angle = 0; angle < 3; ++angle) unit = at::rand({1}, generator, at::TensorOptions(at::kFloat));
    draw["roll"] = unit.mul(2 * max_roll).add(-max_roll).item<double>();
  }
  return out;
}

// "param_stream_seed42_p0.5"; the largest roll is that of the golden's first case.
void draw_streams(const RotationJson& golden, RotationJson& out) {
  const std::string begins = "param_stream_seed";
  for (const auto& [key, stream] : golden.items()) {
    if (!key.starts_with(begins)) continue;
    const std::size_t middle = std::min(key.find("_p", begins.size()), key.size() - 2);
    const std::uint64_t seed = std::stoull(key.substr(begins.size(), middle - begins.size()));
    const double max_roll = golden.at("cases").at(0).at("degrees").at(2);
    out[key] = drawn_rolls(stream, seed, std::stod(key.substr(middle + 2)), max_roll);
  }
}

}  // namespace

void parity_finetune_rotation3d(const FinetuneCase& golden) {
  const SafetensorsFile file(golden.tensors);
  std::vector<std::pair<std::string, at::Tensor>> out;
  for (int i = 0; file.contains(std::to_string(i) + ".in"); ++i) {
    const std::string prefix = std::to_string(i) + ".";
    const at::Tensor in = file.tensor(prefix + "in");
    std::vector<YawPitchRoll> degrees(static_cast<std::size_t>(in.size(0)));
    for (std::int64_t study = 0; study < in.size(0); ++study) {
      std::size_t axis = 0;
      for (const char* name : {"yaw", "pitch", "roll"})
        degrees[static_cast<std::size_t>(study)][axis++] = file.tensor(prefix + name)[study].item<double>();
    }
    out.emplace_back(prefix + "matrix",
                     volume_rotation_matrix(degrees, in.size(2), in.size(3), in.size(4), RotationGrid::kornia)
                         .to(at::kFloat));
    out.emplace_back(prefix + "out", rotate_volume(in, degrees, 0, RotationGrid::kornia));
  }
  write_safetensors(golden.out_tensors, out);
  RotationJson values = RotationJson::object();
  draw_streams(RotationJson::parse(read_text_file(golden.json)), values);
  write_file_atomic(golden.out_json, values.dump(1));
}

}  // namespace pillar::test
