// The part of a model that takes frozen text embeddings to where images are.
#pragma once

#include "pillar/model/weights.h"
#include "pillar/nn/parameters.h"

#include <cstdint>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>

namespace pillar {

enum class TextProjectionKind {
  linear,  // text.proj.weight (image width, text width)
  mlp,     // text.proj.fc1.{weight,bias}, GELU, text.proj.fc2.weight; as wide inside as an image's embedding
};
const char* to_string(TextProjectionKind kind) noexcept;
TextProjectionKind parse_text_projection(std::string_view text);  // throws Error(usage)

struct TextProjection {
  TextProjectionKind kind = TextProjectionKind::linear;
  std::int64_t text_width = 0, image_width = 0;
};
// What `weights` (of load_weights()) hold. Throws Error(input) that begins with `source`, the model: no
// projection, half of one, tensors that do not fit each other.
TextProjection text_projection(const WeightMap& weights, const std::string& source);

// (N, text width) on the weights' device to (N, image width), unit rows: float32, or float64 where `compute`
// is that. `compute` is the type of the products. Gradients flow into the weights that require them.
at::Tensor project_text(const WeightMap& weights, const at::Tensor& text_nw, at::ScalarType compute);

// The tensors of `weights` that are parts of a text projection, in group "text".
Parameters text_projection_parameters(const WeightMap& weights);

}  // namespace pillar
