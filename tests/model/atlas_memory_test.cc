#include "pillar/model/atlas_memory.h"

#include "pillar/model/weights.h"

#include "support/atlas_configs.h"
#include "support/memory_meter.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/rand.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

namespace pillar {
namespace {

// Large enough that what does not grow with the maps weighs little.
AtlasConfig measured_config() {
  AtlasConfig config = test::small_config();
  config.towers[0].image_size_hwd = {96, 96, 96};
  config.towers[0].merge_ratio_dhw = {4, 4, 4};
  config.towers[0].num_features = 48;
  config.dim = 96;
  return config;
}

// Bytes that a forward and a backward hold at most beside weights and their gradients, the image included.
double measured_peak(const AtlasConfig& config, const AtlasPass& pass) {
  WeightMap weights = random_weights(config, 1);
  double gradients = 0;
  for (auto& [name, tensor] : weights) {
    if (!tensor.is_floating_point() || name.find("running_") != std::string::npos) continue;
    tensor.requires_grad_(true);
    gradients += static_cast<double>(tensor.nbytes());
  }
  const Atlas atlas(config, "", weights, "random");
  const at::Tensor image = at::rand({1, 2, 96, 96, 96}, at::detail::createCPUGenerator(3))
                               .to(pass.execution.compute)
                               .contiguous(at::MemoryFormat::ChannelsLast3d);
  const test::MemoryMeter meter;
  torch::autograd::backward({atlas.forward(image, pass).readout.sum()}, {});
  return static_cast<double>(meter.peak_bytes()) - gradients + static_cast<double>(image.nbytes());
}

TEST(AtlasMemory, IsWhatATrainingPassHolds) {
  struct Case {
    at::ScalarType compute;
    bool stem, blocks, frozen;
  };
  const AtlasConfig config = measured_config();
  for (const Case& c : {Case{at::kFloat, false, false, false}, Case{at::kFloat, true, true, false},
                        Case{at::kFloat, true, false, false}, Case{at::kFloat, false, true, true},
                        Case{at::kBFloat16, false, false, false}, Case{at::kBFloat16, true, true, false}}) {
    AtlasPass pass;
    pass.train = pass.execution.gradients = true;
    pass.execution.compute = c.compute;
    pass.checkpoint_stem = c.stem;
    pass.checkpoint_blocks = c.blocks;
    pass.frozen_patch_embed = c.frozen;
    const double found = measured_peak(config, pass);
    const double said = atlas_memory(config, config.towers[0], PatchEmbedKind::volume_666, pass).peak();
    EXPECT_NEAR(said / found, 1, 0.1)
        << at::toString(c.compute) << " stem " << c.stem << " blocks " << c.blocks << " frozen " << c.frozen;
  }
}

// The figures of atlas-small-abdomen-ct on a GPU, in GB.
TEST(AtlasMemory, FallsWithWhatIsComputedTwice) {
  AtlasConfig config = test::small_config();
  config.stages = {2, 2, 8};
  config.dim = 384;
  config.num_heads = 6;
  TowerConfig& tower = config.towers[0];
  tower.image_size_hwd = {384, 384, 384};
  tower.in_chans = 11;
  tower.num_features = 192;
  tower.merge_ratio_dhw = {8, 8, 8};
  tower.local2global_dhw = {4, 4, 4};
  AtlasPass pass;
  pass.train = pass.execution.gradients = true;
  pass.execution = {at::Device(at::kCUDA, 0), at::kBFloat16, true};
  const auto peak = [&] {
    return atlas_memory(config, tower, PatchEmbedKind::volume_666, pass).peak() / 1e9;
  };
  const double plain = peak();
  pass.checkpoint_blocks = true;
  const double blocks = peak();
  pass.checkpoint_stem = true;
  const double both = peak();
  EXPECT_NEAR(plain, 27.2, 0.05);
  EXPECT_NEAR(blocks, 23.3, 0.05);
  EXPECT_NEAR(both, 10.9, 0.05);
}

}  // namespace
}  // namespace pillar
