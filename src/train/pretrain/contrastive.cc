#include "pillar/train/contrastive.h"

#include "pillar/core/fail.h"

#include "device/shared/cuda_tensor.h"
#include "device/shared/profiled_range.h"
#include "train/pretrain/row_losses.h"
#include "train/run/clock.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

namespace pillar {
namespace {

// What a part's forward passes gave: kept graph where it ran once only.
struct Features {
  at::Tensor image, text;  // (n, W) of this rank
  std::vector<std::int64_t> rows;
};

Features features(const ContrastivePart& part, const at::Tensor& logit_scale, bool once) {
  Features out;
  std::vector<at::Tensor> rows;
  for (std::int64_t i = 0; i < part.micro_batches; ++i) {
    const at::AutoGradMode mode(once);
    rows.push_back(part.image_embeddings(i, once));
    out.rows.push_back(rows.back().size(0));
  }
  out.image =
      rows.empty() ? at::empty({0, part.width}, logit_scale.options().dtype(at::kFloat)) : at::cat(rows);
  const at::AutoGradMode mode(true);
  out.text = rows.empty() ? out.image : part.text_embeddings();
  if (out.text.sizes() != out.image.sizes()) {
    fail(ErrorCategory::input, "{} text rows of {} numbers stand against {} image rows of {}",
         out.text.size(0), out.text.size(1), out.image.size(0), out.image.size(1));
  }
  return out;
}

void backward(const ContrastivePart& part, const Features& seen, const ContrastiveLoss& loss, bool once,
              double gradient_scale) {
  const at::Tensor image_grad = loss.image_grad * gradient_scale, text_grad = loss.text_grad * gradient_scale;
  std::int64_t first = 0;
  for (std::int64_t i = 0; i < part.micro_batches; ++i) {
    const bool last = i + 1 == part.micro_batches;
    const at::AutoGradMode mode(true);
    std::vector<at::Tensor> outputs = {once ? seen.image : part.image_embeddings(i, true)};
    std::vector<at::Tensor> grads = {image_grad.narrow(0, first, seen.rows[i])};
    if (last && seen.text.requires_grad()) {
      outputs.push_back(seen.text);
      grads.push_back(text_grad);
    }
    if (last) part.before_last_backward();
    torch::autograd::backward(outputs, grads);
    first += seen.rows[i];
  }
  if (part.micro_batches == 0) part.before_last_backward();
}

// (n, 2) int64 of this rank's rows: the rank, and which report it is (-1: one that no other row has).
at::Tensor row_tags(const std::vector<std::int64_t>& reports, std::int64_t count, std::int64_t rank) {
  if (!reports.empty() && static_cast<std::int64_t>(reports.size()) != count)
    fail(ErrorCategory::usage, "{} reports for {} rows", reports.size(), count);
  at::Tensor tags = at::full({count, 2}, -1, at::TensorOptions().dtype(at::kLong));
  auto* tag = tags.mutable_data_ptr<std::int64_t>();
  for (std::int64_t row = 0; row < count; ++row, tag += 2) {
    tag[0] = rank;
    if (!reports.empty()) tag[1] = reports[static_cast<std::size_t>(row)];
  }
  return tags;
}

// Of images over texts and of texts over images.
at::Tensor both_ways(const at::Tensor& logits, const at::Tensor& same, const ContrastiveOptions& options) {
  if (options.same_report != SameReport::negative)
    return (row_losses(logits, same, 0, options).mean() + row_losses(logits.t(), same, 0, options).mean()) /
           2;
  const at::Tensor target = at::arange(logits.size(0), logits.options().dtype(at::kLong));
  return (at::cross_entropy_loss(logits, target) + at::cross_entropy_loss(logits.t(), target)) / 2;
}

void add_gradient(at::Tensor& parameter, const at::Tensor& gradient, double factor) {
  const at::NoGradGuard no_gradients;
  at::Tensor& grad = parameter.mutable_grad();
  if (!grad.defined()) grad = at::zeros_like(parameter);
  grad.add_(gradient, factor);
}

}  // namespace

const char* to_string(ContrastiveKind kind) noexcept {
  return kind == ContrastiveKind::siglip ? "siglip" : "clip";
}

ContrastiveKind parse_contrastive_kind(std::string_view text) {
  if (text == "clip") return ContrastiveKind::clip;
  if (text == "siglip") return ContrastiveKind::siglip;
  fail(ErrorCategory::usage, "loss.kind: '{}' is no contrastive loss: clip or siglip", text);
}

const char* to_string(SameReport same) noexcept {
  switch (same) {
    case SameReport::negative:
      return "negative";
    case SameReport::positive:
      return "positive";
    case SameReport::leave_out:
      return "leave_out";
  }
  return "";
}

SameReport parse_same_report(std::string_view text) {
  for (const SameReport same : {SameReport::negative, SameReport::positive, SameReport::leave_out}) {
    if (text == to_string(same)) return same;
  }
  fail(ErrorCategory::usage, "loss.same_report: '{}' is none of negative, positive, leave_out", text);
}

ContrastiveLoss contrastive_loss(const at::Tensor& image_embeddings, const at::Tensor& text_embeddings,
                                 const at::Tensor& logit_scale, const World& world,
                                 const ContrastiveOptions& options, const std::vector<std::int64_t>& reports,
                                 const at::Tensor& logit_bias) {
  const bool siglip = options.kind == ContrastiveKind::siglip;
  if (siglip && !logit_bias.defined()) fail(ErrorCategory::usage, "a siglip loss needs a logit_bias");
  // Both in one exchange, so that ranks bring as many images as texts.
  const at::Tensor own = at::cat({image_embeddings.detach(), text_embeddings.detach()}, 1).contiguous();
  const std::int64_t width = image_embeddings.size(1), count = own.size(0);
  const at::Tensor tags = world.all_gather_rows(row_tags(reports, count, world.rank()));
  const std::int64_t before = tags.select(1, 0).lt(world.rank()).sum().item<std::int64_t>();
  const at::Tensor all = world.all_gather_rows(own);
  const at::Tensor same = same_report_rows(queued_to(tags.select(1, 1), all.device()), 0, all.size(0));

  const at::AutoGradMode mode(true);
  const at::Tensor image = all.narrow(1, 0, width).contiguous().requires_grad_(true);
  const at::Tensor text = all.narrow(1, width, width).contiguous().requires_grad_(true);
  std::vector<at::Tensor> inputs = {image, text, logit_scale.detach().clone().requires_grad_(true)};
  if (siglip) inputs.push_back(logit_bias.detach().clone().requires_grad_(true));
  const at::Tensor logits = inputs[2].exp() * at::matmul(image, text.t());
  const at::Tensor loss =
      siglip ? row_losses(logits + inputs[3], same, 0, options).mean() : both_ways(logits, same, options);
  const auto grads = torch::autograd::grad({loss}, inputs);
  return {loss.detach(), grads[0].narrow(0, before, count), grads[1].narrow(0, before, count),
          grads[2],      siglip ? grads[3] : at::Tensor(),  same.sum(1).gt(1).to(at::kDouble).mean()};
}

ContrastiveStep add_contrastive_gradients(const std::vector<ContrastivePart>& parts, at::Tensor& logit_scale,
                                          const World& world, double gradient_scale,
                                          const ContrastiveOptions& options, at::Tensor logit_bias) {
  const bool once = parts.size() == 1 && parts[0].micro_batches == 1;
  ContrastiveStep step;
  std::vector<Features> seen;
  std::vector<ContrastiveLoss> losses;
  for (const ContrastivePart& part : parts) {
    const double started = steady_seconds();
    seen.push_back(features(part, logit_scale, once));
    const double computed = steady_seconds();
    const ProfiledRange range("loss", logit_scale.device());
    losses.push_back(contrastive_loss(seen.back().image, seen.back().text, logit_scale, world, options,
                                      part.reports, logit_bias));
    step.losses.push_back(losses.back().loss);
    step.same_report.push_back(losses.back().same_report);
    step.first_pass_s += computed - started;
    step.loss_s += steady_seconds() - computed;
  }
  const ProfiledRange range("backward", logit_scale.device());
  const double started = steady_seconds();
  for (std::size_t p = 0; p < parts.size(); ++p) backward(parts[p], seen[p], losses[p], once, gradient_scale);
  step.second_pass_s = steady_seconds() - started;
  for (const ContrastiveLoss& loss : losses) {
    add_gradient(logit_scale, loss.logit_scale_grad, gradient_scale);
    if (loss.logit_bias_grad.defined()) add_gradient(logit_bias, loss.logit_bias_grad, gradient_scale);
  }
  return step;
}

}  // namespace pillar
