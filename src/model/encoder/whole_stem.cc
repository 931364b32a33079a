#include "model/encoder/whole_stem.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/gelu.h>

namespace pillar {
namespace {

at::Tensor convolve(const at::Tensor& x, const FoldedConv& conv) {
  return at::conv3d(x, conv.weight, conv.bias, conv.step.stride_dhw, conv.step.padding_dhw);
}

}  // namespace

at::Tensor WholeStem::view_tokens(const at::Tensor& image_bcdhw) const {
  at::Tensor x = image_bcdhw.to(compute_, false, false, at::MemoryFormat::ChannelsLast3d);
  for (const FoldedConv& step : stem_.down) x = convolve(x, step).relu_();
  for (const auto& [first, second] : stem_.residual) {
    at::Tensor hidden = convolve(x, first);
    at::gelu_(hidden);
    x = convolve(hidden, second).add_(x);
  }
  const at::Tensor normed = stem_.norm(x.permute({0, 2, 3, 4, 1}).to(at::kFloat)).to(compute_);
  return convolve(normed.permute({0, 4, 1, 2, 3}), stem_.ds1).permute({0, 2, 3, 4, 1}).to(at::kFloat);
}

at::Tensor WholeStem::operator()(const at::Tensor& image_bcdhw) const {
  const int views = stem_.views;
  if (views == 1) return view_tokens(image_bcdhw);
  std::vector<at::Tensor> tokens;
  const std::vector<at::Tensor> images = image_bcdhw.chunk(views, view_axis(views, image_bcdhw.size(2)));
  for (int v = 0; v < views; ++v) {
    tokens.push_back(view_tokens(images[v]) + stem_.view_positions.select(1, v).view({1, 1, 1, 1, -1}));
  }
  return at::cat(tokens, 3);
}

}  // namespace pillar
