#include "pillar/core/fail.h"
#include "pillar/eval/evidence.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

// In float64, of one length.
struct WideQuestion {
  at::Tensor weight, mean, embedding;
};

WideQuestion widened(const StudyEvidence& study, const at::Tensor& embedding_n,
                     const ProbedQuestion& question) {
  const std::int64_t width = embedding_n.numel();
  if (question.weight_n.numel() != width || question.mean_n.numel() != width ||
      study.places_n.numel() != width) {
    fail(ErrorCategory::input, "an embedding of {} numbers, a probe for {} with a mean of {}, places of {}",
         width, question.weight_n.numel(), question.mean_n.numel(), study.places_n.numel());
  }
  return {question.weight_n.to(at::kDouble).contiguous(), question.mean_n.to(at::kDouble).contiguous(),
          embedding_n.to(at::kDouble).contiguous()};
}

TokenEvidence logits_of(const WideQuestion& wide, const ProbedQuestion& question) {
  TokenEvidence evidence;
  evidence.logit = at::dot(wide.weight, wide.embedding).item<double>() + question.bias;
  evidence.mean_logit = at::dot(wide.weight, wide.mean).item<double>() + question.bias;
  return evidence;
}

}  // namespace

TokenEvidence token_evidence(const StudyEvidence& study, const at::Tensor& embedding_n,
                             const ProbedQuestion& question) {
  const WideQuestion wide = widened(study, embedding_n, question);
  TokenEvidence evidence = logits_of(wide, question);
  const at::Tensor terms = wide.weight * (wide.embedding - wide.mean);
  const auto count = static_cast<std::int64_t>(study.scales.size());
  const std::int64_t channels = terms.numel() / count;
  for (std::int64_t s = 0; s < count; ++s) {
    const at::Tensor of_scale = at::zeros(study.scales[static_cast<std::size_t>(s)].tokens_dhw, at::kDouble);
    of_scale.view(-1).index_add_(0, study.places_n.narrow(0, s * channels, channels),
                                 terms.narrow(0, s * channels, channels));
    evidence.of_scale_dhw.push_back(of_scale);
  }
  return evidence;
}

TokenEvidence dense_evidence(const StudyEvidence& study, const at::Tensor& embedding_n,
                             const ProbedQuestion& question, const std::vector<at::Tensor>& products_dhw) {
  const WideQuestion wide = widened(study, embedding_n, question);
  if (products_dhw.size() != study.scales.size())
    fail(ErrorCategory::input, "products of {} scales for a study of {}", products_dhw.size(),
         study.scales.size());
  TokenEvidence evidence = logits_of(wide, question);
  const std::int64_t channels = wide.weight.numel() / static_cast<std::int64_t>(study.scales.size());
  for (std::size_t s = 0; s < products_dhw.size(); ++s) {
    if (products_dhw[s].sizes() != at::IntArrayRef(study.scales[s].tokens_dhw))
      fail(ErrorCategory::input, "products of another grid than the study's scale {}", s);
    const auto first = static_cast<std::int64_t>(s) * channels;
    const double of_mean =
        at::dot(wide.weight.narrow(0, first, channels), wide.mean.narrow(0, first, channels)).item<double>();
    evidence.of_scale_dhw.push_back(products_dhw[s].to(at::kDouble) - of_mean);
  }
  return evidence;
}

}  // namespace pillar
