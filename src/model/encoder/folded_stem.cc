#include "model/encoder/folded_stem.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/sqrt.h>

namespace pillar {

FoldedConv::FoldedConv(const Conv3d& conv, const BatchNorm* norm, at::ScalarType compute, StemConvs convs)
    : step(conv.step), in_channels(conv.weight.size(1)), out_channels(conv.weight.size(0)) {
  at::Tensor folded = conv.weight.detach(), shifted = conv.bias.defined() ? conv.bias.detach() : at::Tensor();
  if (norm != nullptr) {
    const at::Tensor scale =
        norm->weight.to(at::kDouble) / at::sqrt(norm->running_var.to(at::kDouble) + norm->epsilon);
    const at::Tensor shift = shifted.defined() ? shifted.to(at::kDouble) - norm->running_mean
                                               : -norm->running_mean.to(at::kDouble);
    folded = (folded.to(at::kDouble) * scale.view({-1, 1, 1, 1, 1})).to(at::kFloat);
    shifted = (shift * scale + norm->bias).to(at::kFloat);
  }
  const bool same = step.stride_dhw == Size3{1, 1, 1} && step.padding_dhw == Size3{1, 1, 1};
  if (same && convs == StemConvs::winograd && WinogradConv::usable(folded, compute)) {
    winograd.emplace(folded, shifted, compute);
    return;
  }
  weight = folded.to(compute).contiguous(at::MemoryFormat::ChannelsLast3d);
  if (shifted.defined()) bias = shifted.to(compute), exact_bias = shifted.to(at::kFloat).clone();
}

FoldedStem::FoldedStem(const PatchEmbed& embed, at::ScalarType compute, StemConvs convs)
    : norm(embed.ds1_norm),
      ds1(embed.ds1, nullptr, compute, convs),
      view_positions(embed.view_positions),
      views(embed.views) {
  for (const PatchEmbed::Down& each : embed.down) down.emplace_back(each.conv, &each.norm, compute, convs);
  for (const PatchEmbed::Residual& block : embed.residual) {
    residual.emplace_back(FoldedConv(block.conv1, &block.norm1, compute, convs),
                          FoldedConv(block.conv2, &block.norm2, compute, convs));
  }
  norm.freeze();
}

}  // namespace pillar
