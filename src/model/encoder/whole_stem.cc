#include "model/encoder/whole_stem.h"

#include "device/shared/cuda_tensor.h"

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/gelu.h>

namespace pillar {
namespace {

constexpr std::int64_t kChannelsOfFastConvolutions = 16;

at::Tensor convolve(const at::Tensor& x, const FoldedConv& conv) {
  return at::conv3d(x, conv.weight, {}, conv.step.stride_dhw, conv.step.padding_dhw);
}

// Channels innermost as a matrix of rows.
at::Tensor channels_innermost(const at::Tensor& x_bcdhw) {
  return x_bcdhw.permute({0, 2, 3, 4, 1});
}

void finish_by_kernel(const at::Tensor& x, const FoldedConv& conv, PillarCudaActivation activation,
                      const at::Tensor& residual, const CudaModule& kernels) {
  PillarCudaEpilogueJob job = {};
  job.x = x.mutable_data_ptr();
  job.bias = conv.exact_bias.defined() ? conv.exact_bias.const_data_ptr<float>() : nullptr;
  job.residual = residual.defined() ? residual.const_data_ptr() : nullptr;
  job.channels = x.size(1);
  job.rows = x.numel() / job.channels;
  job.type = cuda_type(x.scalar_type());
  job.activation = activation;
  job.device = cuda_index(x.device());
  check_cuda(kernels.epilogue(&job, current_stream(x.device())), kernels, "what follows a convolution");
}

void pad_channels(at::Tensor& weight_oidhw, std::int64_t multiple) {
  const std::int64_t missing = (multiple - weight_oidhw.size(1) % multiple) % multiple;
  weight_oidhw = at::constant_pad_nd(weight_oidhw, {0, 0, 0, 0, 0, 0, 0, missing}, 0)
                     .contiguous(at::MemoryFormat::ChannelsLast3d);
}

}  // namespace

WholeStem::WholeStem(const PatchEmbed& embed, at::ScalarType compute, const CudaModule* kernels)
    : compute_(compute), kernels_(kernels), stem_(embed, compute, StemConvs::direct) {
  const bool fast = kernels != nullptr && compute != at::kFloat;
  if (fast) pad_channels(stem_.down.front().weight, kChannelsOfFastConvolutions);
}

Execution WholeStem::execution() const {
  Execution execution;
  execution.compute = compute_;
  execution.kernels = kernels_;
  return execution;
}

at::Tensor WholeStem::finished(at::Tensor x, const FoldedConv& conv, PillarCudaActivation activation,
                               const at::Tensor& residual) const {
  if (kernels_ != nullptr && x.size(1) % 8 == 0) {
    x = x.contiguous(at::MemoryFormat::ChannelsLast3d);
    finish_by_kernel(x, conv, activation, residual, *kernels_);
    return x;
  }
  if (conv.bias.defined()) x.add_(conv.bias.view({1, -1, 1, 1, 1}));
  if (activation == PILLAR_CUDA_RELU) x.relu_();
  if (activation == PILLAR_CUDA_GELU) at::gelu_(x);
  return residual.defined() ? x.add_(residual) : x;
}

std::uint64_t WholeStem::estimated_bytes(const Size3& size_dhw) const {
  const auto map_bytes = [&](const Size3& size, std::int64_t channels) {
    return static_cast<std::uint64_t>(size[0] * size[1] * size[2] * channels) * c10::elementSize(compute_);
  };
  // Each convolution has its input and its output; a residual block what goes around it, too.
  Size3 size = size_dhw;
  std::uint64_t input = map_bytes(size, channels()), most = 0;
  for (const FoldedConv& step : stem_.down) {
    size = convolved(size, step.step);
    const std::uint64_t output = map_bytes(size, step.out_channels);
    most = std::max(most, input + output);
    input = output;
  }
  return std::max(most, (stem_.residual.empty() ? 2 : 3) * input);
}

at::Tensor WholeStem::view_tokens(at::Tensor image_bcdhw) const {
  at::Tensor x = image_bcdhw.to(compute_, false, false, at::MemoryFormat::ChannelsLast3d);
  image_bcdhw.reset();
  for (const FoldedConv& step : stem_.down) x = finished(convolve(x, step), step, PILLAR_CUDA_RELU, {});
  for (const auto& [first, second] : stem_.residual) {
    const at::Tensor hidden = finished(convolve(x, first), first, PILLAR_CUDA_GELU, {});
    x = finished(convolve(hidden, second), second, PILLAR_CUDA_NONE, x);
  }
  x = stem_.norm(channels_innermost(x), execution()).permute({0, 4, 1, 2, 3});
  const at::Tensor tokens = channels_innermost(convolve(x, stem_.ds1)).to(at::kFloat);
  return stem_.ds1.exact_bias.defined() ? tokens + stem_.ds1.exact_bias : tokens;
}

at::Tensor WholeStem::operator()(at::Tensor image_bcdhw) const {
  const int views = stem_.views;
  if (views == 1) return view_tokens(std::move(image_bcdhw));
  std::vector<at::Tensor> tokens;
  tokens.reserve(static_cast<std::size_t>(views));
  std::vector<at::Tensor> images = image_bcdhw.chunk(views, view_axis(views, image_bcdhw.size(2)));
  image_bcdhw.reset();
  for (int v = 0; v < views; ++v) {
    tokens.push_back(view_tokens(std::move(images[v])) +
                     stem_.view_positions.select(1, v).view({1, 1, 1, 1, -1}));
  }
  return at::cat(tokens, 3);
}

}  // namespace pillar
