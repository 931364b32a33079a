// What runs on a GPU against its twin on the CPU. Skipped, and says so, where there is none.
#include "pillar/model/encoder.h"
#include "pillar/model/weights.h"

#include "device/shared/cuda_module.h"
#include "model/atlas/token_maximum.h"
#include "nn/shared/attention.h"
#include "support/atlas_configs.h"
#include "support/temp_dir.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#define PILLAR_NEEDS_GPU() \
  if (!cuda_available()) GTEST_SKIP() << "no CUDA device can be used here"

namespace pillar {
namespace {

TEST(CudaTwins, AttentionAndItsGradients) {
  PILLAR_NEEDS_GPU();
  std::vector<std::vector<at::Tensor>> results;
  for (const at::Device device : {at::Device(at::kCPU), at::Device(at::kCUDA, 0)}) {
    std::uint64_t seed = 1;
    const auto random = [&](at::IntArrayRef shape) {
      return at::randn(shape, at::detail::createCPUGenerator(seed++), at::kFloat)
          .to(device)
          .requires_grad_(true);
    };
    const at::Tensor query = random({12, 10, 3, 16});
    const std::vector<KeyValuePart> parts = {{random({12, 10, 3, 16}), random({12, 10, 3, 16})},
                                             {random({3, 33, 3, 16}), random({3, 33, 3, 16})}};
    const at::Tensor out = merged_attention(query, parts, {device, at::kFloat, true});
    std::vector<at::Tensor> all = torch::autograd::grad(
        {out.pow(2).sum()}, {query, parts[0].key, parts[0].value, parts[1].key, parts[1].value});
    all.push_back(out.detach());
    for (at::Tensor& t : all) t = t.to(at::kCPU);
    results.push_back(all);
  }
  for (std::size_t i = 0; i < results[0].size(); ++i) {
    EXPECT_TRUE(at::allclose(results[0][i], results[1][i], 1e-3, 1e-3)) << i;
  }
}

TEST(CudaTwins, TheEncoder) {
  PILLAR_NEEDS_GPU();
  const test::TempDir dir;
  const AtlasConfig config = test::small_config();
  write_checkpoint(dir / "model", format_atlas_config(config), random_weights(config, 21));
  const std::vector<Window> windows = parse_windows("lung,bone", WindowFamily::ct);
  const at::Tensor voxels =
      at::randint(-1000, 1500, {2, 1, 48, 48, 48}, at::detail::createCPUGenerator(8), at::kShort);
  EncoderOptions options;
  options.dtype = "fp32";
  options.device = "cpu";
  const at::Tensor expected = Encoder::load(dir / "model", options).readout(voxels, windows);
  options.device = "cuda:0";
  const at::Tensor ours = Encoder::load(dir / "model", options).readout(voxels, windows);
  EXPECT_LE(at::abs(ours - expected).max().item<double>(), 1e-3);
}

TEST(CudaTwins, PlacesOfMaxima) {
  PILLAR_NEEDS_GPU();
  // Few whole numbers, so that there are many ties.
  const at::Tensor tokens = at::randint(-3, 4, {2, 5000, 7}, at::detail::createCPUGenerator(3), at::kFloat);
  const TokenMaximum expected = token_maximum(tokens), found = token_maximum(tokens.to(at::kCUDA));
  EXPECT_TRUE(at::equal(found.value_bc.cpu(), expected.value_bc));
  EXPECT_TRUE(at::equal(found.token_bc.cpu(), expected.token_bc));
}

}  // namespace
}  // namespace pillar
