#include "pillar/model/text_projection.h"

#include "pillar/core/fail.h"

#include "nn/shared/scope.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>

namespace pillar {
namespace {

constexpr const char* kLinear = "text.proj.weight";
constexpr const char* kInner = "text.proj.fc1.weight";
constexpr const char* kInnerBias = "text.proj.fc1.bias";
constexpr const char* kOuter = "text.proj.fc2.weight";

const at::Tensor* find(const WeightMap& weights, const char* name) {
  const auto found = weights.find(name);
  return found == weights.end() ? nullptr : &found->second;
}

const at::Tensor& matrix(const WeightMap& weights, const char* name, const std::string& source) {
  const at::Tensor* weight = find(weights, name);
  if (weight == nullptr) fail(ErrorCategory::input, "{}: the text projection has no {}", source, name);
  if (weight->dim() != 2 || weight->numel() == 0 || !weight->is_floating_point())
    fail(ErrorCategory::input, "{}: {} is no matrix", source, name);
  return *weight;
}

}  // namespace

const char* to_string(TextProjectionKind kind) noexcept {
  return kind == TextProjectionKind::linear ? "linear" : "mlp";
}

TextProjectionKind parse_text_projection(std::string_view text) {
  if (text == "linear") return TextProjectionKind::linear;
  if (text == "mlp") return TextProjectionKind::mlp;
  fail(ErrorCategory::usage, "'{}' is no text projection: linear or mlp", text);
}

TextProjection text_projection(const WeightMap& weights, const std::string& source) {
  const bool linear = find(weights, kLinear) != nullptr;
  const bool mlp = find(weights, kInner) != nullptr || find(weights, kOuter) != nullptr;
  if (linear && mlp)
    fail(ErrorCategory::input, "{}: two text projections, {} and {}", source, kLinear, kInner);
  if (linear) {
    const at::Tensor& weight = matrix(weights, kLinear, source);
    return {TextProjectionKind::linear, weight.size(1), weight.size(0)};
  }
  if (!mlp) {
    fail(ErrorCategory::input,
         "{}: no text projection ({}): this model knows images only; texts need one that was pretrained with "
         "reports",
         source, kLinear);
  }
  const at::Tensor& inner = matrix(weights, kInner, source);
  const at::Tensor& outer = matrix(weights, kOuter, source);
  const at::Tensor* bias = find(weights, kInnerBias);
  if (bias == nullptr || bias->dim() != 1 || bias->size(0) != inner.size(0))
    fail(ErrorCategory::input, "{}: {} is missing or is not as long as {} is high", source, kInnerBias,
         kInner);
  if (outer.size(1) != inner.size(0))
    fail(ErrorCategory::input, "{}: {} takes {} numbers, {} gives {}", source, kOuter, outer.size(1), kInner,
         inner.size(0));
  return {TextProjectionKind::mlp, inner.size(1), outer.size(0)};
}

at::Tensor project_text(const WeightMap& weights, const at::Tensor& text_nw, at::ScalarType compute) {
  const at::Tensor text = text_nw.to(compute);
  const auto weight = [&](const char* name) { return weights.at(name).to(compute); };
  at::Tensor rows;
  if (weights.count(kLinear) != 0) {
    rows = at::linear(text, weight(kLinear));
  } else {
    const at::Tensor inside = at::gelu(at::linear(text, weight(kInner), weight(kInnerBias)));
    rows = at::linear(inside, weight(kOuter));
  }
  if (compute != at::kDouble) rows = rows.to(at::kFloat);
  return rows / rows.norm(2, {1}, true).clamp_min(1e-12);
}

Parameters text_projection_parameters(const WeightMap& weights) {
  Parameters found;
  const Scope scope = Scope(weights, {}, &found).in_group("text");
  for (const char* name : {kLinear, kInner, kInnerBias, kOuter}) scope.optional_parameter(name);
  return found;
}

}  // namespace pillar
