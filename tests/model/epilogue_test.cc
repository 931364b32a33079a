// What follows a convolution, by our kernel, against float64.
#include "device/shared/cuda_tensor.h"
#include "support/kernel_places.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

struct EpilogueCase {
  std::int64_t rows, channels;
  bool bias, residual;
};

at::Tensor numbers(at::IntArrayRef shape, std::uint64_t seed) {
  return at::randn(shape, at::detail::createCPUGenerator(seed), at::kFloat) * 2;
}

void finish(const test::KernelPlace& place, const at::Tensor& x, const at::Tensor& bias,
            const at::Tensor& residual, PillarCudaActivation activation) {
  PillarCudaEpilogueJob job = {};
  job.x = x.mutable_data_ptr();
  job.bias = bias.defined() ? bias.const_data_ptr<float>() : nullptr;
  job.residual = residual.defined() ? residual.const_data_ptr() : nullptr;
  job.rows = x.size(0), job.channels = x.size(1);
  job.type = cuda_type(x.scalar_type());
  job.activation = activation;
  check_cuda(place.kernels->epilogue(&job, nullptr), *place.kernels, "epilogue");
}

at::Tensor defined_as(const at::Tensor& x, const at::Tensor& bias, const at::Tensor& residual,
                      PillarCudaActivation activation) {
  at::Tensor y = x.to(at::kDouble);
  if (bias.defined()) y = y + bias;
  if (activation == PILLAR_CUDA_RELU) y = at::relu(y);
  if (activation == PILLAR_CUDA_GELU) y = at::gelu(y);
  return residual.defined() ? y + residual : y;
}

double rounding(at::ScalarType type) {
  if (type == at::kBFloat16) return 2.5e-3;
  return type == at::kHalf ? 3e-4 : 2e-7;
}

TEST(EpilogueKernel, IsBiasActivationAndResidual) {
  // One row; rows that no block divides; widths whose packs do and do not divide a block's threads.
  const std::vector<EpilogueCase> cases = {{1, 8, true, true},      {777, 64, true, false},
                                           {1000, 192, true, true}, {333, 384, false, true},
                                           {50, 24, false, false},  {4099, 40, true, true}};
  for (const test::KernelPlace& place : test::kernel_places()) {
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf}) {
      for (const auto activation : {PILLAR_CUDA_NONE, PILLAR_CUDA_RELU, PILLAR_CUDA_GELU}) {
        for (const EpilogueCase& c : cases) {
          SCOPED_TRACE(fmt::format("{} rows of {} {}, activation {}", c.rows, c.channels, at::toString(type),
                                   static_cast<int>(activation)));
          const at::Tensor x = numbers({c.rows, c.channels}, 1).to(place.device, type);
          const at::Tensor bias = c.bias ? numbers({c.channels}, 2).to(place.device) : at::Tensor();
          const at::Tensor residual =
              c.residual ? numbers({c.rows, c.channels}, 3).to(place.device, type) : at::Tensor();
          const at::Tensor expected = defined_as(x, bias, residual, activation);
          finish(place, x, bias, residual, activation);
          const at::Tensor apart = at::linalg_vector_norm(x.to(at::kDouble) - expected);
          EXPECT_LE(apart.item<double>(), rounding(type) * at::linalg_vector_norm(expected).item<double>());
        }
      }
    }
  }
}

TEST(EpilogueKernel, KeepsNaN) {
  for (const test::KernelPlace& place : test::kernel_places()) {
    for (const auto activation : {PILLAR_CUDA_NONE, PILLAR_CUDA_RELU, PILLAR_CUDA_GELU}) {
      const at::Tensor x = numbers({4, 8}, 1).to(place.device);
      x[2][3] = std::nan("");
      finish(place, x, {}, {}, activation);
      EXPECT_EQ(at::isnan(x).sum().item<std::int64_t>(), 1) << static_cast<int>(activation);
    }
  }
}

}  // namespace
}  // namespace pillar
