#include "model/atlas/patch_embed.h"

#include "model/atlas/checkpointed.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gelu.h>

namespace pillar {
namespace {

constexpr double kDownEpsilon = 1e-4;      // BatchNorm of conv_down
constexpr double kResidualEpsilon = 1e-5;  // BatchNorm of conv1
constexpr double kChannelEpsilon = 1e-6;   // LayerNorm of ds1
constexpr double kMomentum = 0.1;          // LibTorch's default

void append_parameters(std::vector<at::Tensor>& all, const Conv3d& conv) {
  all.push_back(conv.weight);
  if (conv.bias.defined()) all.push_back(conv.bias);
}

// A step of the stem as the pass wants it.
template <typename Step>
at::Tensor run_step(const Step& step, const at::Tensor& x, const StemPass& pass) {
  if (!pass.checkpoint || !pass.execution.gradients) return step(x, pass);
  const NetworkPart part = [step, pass](const std::vector<at::Tensor>& inputs, bool again) {
    StemPass options = pass;
    options.execution.gradients = again;
    options.update_statistics = pass.update_statistics && !again;  // once, by the forward
    return std::vector<at::Tensor>{step(inputs[0], options)};
  };
  return run_checkpointed(part, {x}, step.parameters())[0];
}

}  // namespace

at::ScalarType stem_maps(const Execution& execution) {
  return execution.device.is_cuda() && execution.compute == at::kBFloat16 ? at::kBFloat16 : at::kFloat;
}

BatchNorm::BatchNorm(const Scope& scope, double eps)
    : weight(scope.parameter("weight")),
      bias(scope.parameter("bias")),
      running_mean(scope.buffer("running_mean")),
      running_var(scope.buffer("running_var")),
      num_batches_tracked(scope.optional_buffer("num_batches_tracked")),
      epsilon(eps) {}

at::Tensor BatchNorm::operator()(const at::Tensor& x, const PassOptions& pass) const {
  const bool update = pass.train && pass.update_statistics;
  if (update && num_batches_tracked.defined()) num_batches_tracked.add_(1);
  if (pass.train && pass.sum_over_processes) return over_processes(x, pass);
  return at::batch_norm(x, weight, bias, !pass.train || update ? running_mean : at::Tensor(),
                        !pass.train || update ? running_var : at::Tensor(), pass.train, kMomentum, epsilon,
                        true);
}

// Two passes, mean first: the sum of squares alone would cancel where the mean is far from zero.
at::Tensor BatchNorm::over_processes(const at::Tensor& x, const PassOptions& pass) const {
  const std::vector<std::int64_t> others = {0, 2, 3, 4}, per_channel = {1, -1, 1, 1, 1};
  const double own = static_cast<double>(x.numel() / x.size(1));
  const at::Tensor own_sums = x.sum(others, false, at::kFloat);
  const at::Tensor sums =
      pass.sum_over_processes(at::cat({own_sums, at::full({1}, own, own_sums.options())}));
  const at::Tensor count = sums.select(0, -1).detach();
  const at::Tensor mean = sums.narrow(0, 0, x.size(1)) / count;
  const at::Tensor centred = x - mean.view(per_channel);
  const at::Tensor variance = pass.sum_over_processes(centred.square().sum(others)) / count;
  if (pass.update_statistics) {
    const at::NoGradGuard no_gradients;
    running_mean.lerp_(mean, kMomentum);
    running_var.lerp_(variance * (count / (count - 1).clamp_min(1)), kMomentum);
  }
  const at::Tensor scale = weight * (variance + epsilon).rsqrt();
  return (centred * scale.view(per_channel) + bias.view(per_channel)).to(x.scalar_type());
}

Conv3d::Conv3d(const Scope& scope, const ConvStep& s)
    : weight(scope.parameter("weight")), bias(scope.optional_parameter("bias")), step(s) {}

at::Tensor Conv3d::operator()(const at::Tensor& x, at::ScalarType compute, at::ScalarType maps) const {
  return at::conv3d(x.to(compute), weight.to(compute), bias.defined() ? bias.to(compute) : at::Tensor(),
                    step.stride_dhw, step.padding_dhw)
      .to(maps);
}

at::Tensor PatchEmbed::Down::operator()(const at::Tensor& x, const StemPass& pass) const {
  return norm(conv(x, pass.execution.compute, pass.maps), pass).relu_();
}

std::vector<at::Tensor> PatchEmbed::Down::parameters() const {
  std::vector<at::Tensor> all = {norm.weight, norm.bias};
  append_parameters(all, conv);
  return all;
}

at::Tensor PatchEmbed::Residual::operator()(const at::Tensor& x, const StemPass& pass) const {
  const at::ScalarType compute = pass.execution.compute;
  const at::Tensor h = at::gelu(norm1(conv1(x, compute, pass.maps), pass));
  return norm2(conv2(h, compute, pass.maps), pass).add_(x);
}

std::vector<at::Tensor> PatchEmbed::Residual::parameters() const {
  std::vector<at::Tensor> all = {norm1.weight, norm1.bias, norm2.weight, norm2.bias};
  append_parameters(all, conv1);
  append_parameters(all, conv2);
  return all;
}

at::Tensor PatchEmbed::Reduction::operator()(const at::Tensor& x, const StemPass& pass) const {
  const at::Tensor normed = norm(x.to(at::kFloat).permute({0, 2, 3, 4, 1})).permute({0, 4, 1, 2, 3});
  return conv(normed, pass.execution.compute, at::kFloat);
}

std::vector<at::Tensor> PatchEmbed::Reduction::parameters() const {
  std::vector<at::Tensor> all = {norm.weight, norm.bias};
  append_parameters(all, conv);
  return all;
}

PatchEmbed::PatchEmbed(const Scope& outer, PatchEmbedKind kind) {
  const Scope scope = outer.in_group("patch_embed");
  const PatchEmbedTable& table = patch_embed_table(kind);
  views = table.views;
  for (std::size_t i = 0; i < table.conv_down.size(); ++i) {
    const Scope conv_down = scope / "conv_down";  // conv, norm, ReLU: three places each
    down.push_back(
        {Conv3d(conv_down / (3 * i), table.conv_down[i]), BatchNorm(conv_down / (3 * i + 1), kDownEpsilon)});
  }
  for (int i = 0; i < kStemResidualBlocks; ++i) {
    const Scope block = scope / "conv1" / i;
    const ConvStep same{{1, 1, 1}};
    residual.push_back({Conv3d(block / "conv1", same), Conv3d(block / "conv2", same),
                        BatchNorm(block / "norm1", kResidualEpsilon),
                        BatchNorm(block / "norm2", kResidualEpsilon)});
  }
  ds1_norm = LayerNorm(scope / "ds1" / "norm", kChannelEpsilon);
  ds1 = Conv3d(scope / "ds1" / "reduction" / std::size_t{0}, table.ds1);
  if (views > 1) view_positions = scope.parameter("pos_embed");
}

at::Tensor PatchEmbed::embed_view(const at::Tensor& image_bcdhw, const StemPass& pass) const {
  // Channels innermost: what convolutions and norms are fastest in, and what the last norm and the tokens
  // take as it is.
  at::Tensor x = image_bcdhw.contiguous(at::MemoryFormat::ChannelsLast3d);
  for (const Down& step : down) x = run_step(step, x, pass);
  for (const Residual& step : residual) x = run_step(step, x, pass);
  return run_step(Reduction{ds1_norm, ds1}, x, pass);
}

at::Tensor PatchEmbed::operator()(const at::Tensor& image_bcdhw, const StemPass& pass) const {
  if (views == 1) return embed_view(image_bcdhw, pass);
  std::vector<at::Tensor> tokens;
  const std::vector<at::Tensor> images = image_bcdhw.chunk(views, view_axis(views, image_bcdhw.size(2)));
  for (int v = 0; v < views; ++v) {
    const at::Tensor position = view_positions.select(1, v).view({1, -1, 1, 1, 1});
    tokens.push_back(embed_view(images[v], pass) + position);
  }
  return at::cat(tokens, -1);
}

}  // namespace pillar
