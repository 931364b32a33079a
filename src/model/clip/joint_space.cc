#include "pillar/model/joint_space.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/model/clip_model.h"

#include <algorithm>
#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>

namespace pillar {
namespace {

// Index of the first row where `good_n` is false; none if all are good.
std::optional<std::size_t> first_bad(const at::Tensor& good_n) {
  const at::Tensor good = good_n.contiguous();
  const bool* values = good.const_data_ptr<bool>();
  const bool* bad = std::find(values, values + good.numel(), false);
  if (bad == values + good.numel()) return std::nullopt;
  return static_cast<std::size_t>(bad - values);
}

}  // namespace

JointSpace load_joint_space(const std::filesystem::path& model) {
  JointSpace space;
  space.model = model;
  const WeightMap weights = load_weights(model);
  for (const Parameter& part : text_projection_parameters(weights))
    space.weights.emplace(part.name, part.tensor.clone());
  const auto scale = weights.find("logit_scale");
  if (scale != weights.end()) space.weights.emplace(scale->first, scale->second.clone());
  space.projection = text_projection(space.weights, model.string());
  return space;
}

double logit_factor(const JointSpace& space) {
  const auto found = space.weights.find("logit_scale");
  if (found == space.weights.end() || found->second.numel() != 1)
    fail(ErrorCategory::input, "{}: no logit_scale, which pairs of prompts are compared by", space.model);
  check_logit_scale(found->second, space.model.string());
  return std::exp(found->second.item<double>());
}

at::Tensor image_embeddings(const JointSpace& space, const at::Tensor& embeddings_sw,
                            const std::vector<std::string>& accessions) {
  const at::NoGradGuard no_gradients;
  const std::int64_t width = embeddings_sw.size(1);
  if (width != space.projection.image_width) {
    fail(
        ErrorCategory::input,
        "{}: its projection takes texts to {} numbers, the embeddings of the scans have {}: of another model",
        space.model, space.projection.image_width, width);
  }
  const at::Tensor rows = embeddings_sw.to(at::kDouble);
  const at::Tensor norms = rows.norm(2, {1}, true);
  if (const auto bad = first_bad((norms > 0).squeeze(1)))
    fail(ErrorCategory::input, "the embedding of {} is zero", printable(accessions[*bad]));
  return rows / norms;
}

at::Tensor text_embeddings(const JointSpace& space, const at::Tensor& vectors_nw,
                           const std::vector<std::string>& names, const std::string& source) {
  const at::NoGradGuard no_gradients;
  if (vectors_nw.size(1) != space.projection.text_width) {
    fail(ErrorCategory::input, "{}: vectors of {} numbers, the text projection of {} takes {}", source,
         vectors_nw.size(1), space.model, space.projection.text_width);
  }
  if (const auto bad = first_bad(at::isfinite(vectors_nw).all(1)))
    fail(ErrorCategory::input, "{}: '{}' has NaN or infinite numbers", source, printable(names[*bad]));
  const at::Tensor rows = project_text(space.weights, vectors_nw, at::kDouble);
  if (const auto bad = first_bad(rows.norm(2, {1}) > 0.5))
    fail(ErrorCategory::input, "{}: '{}' becomes zero in the projection", source, printable(names[*bad]));
  return rows;
}

}  // namespace pillar
