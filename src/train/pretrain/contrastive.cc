#include "pillar/train/contrastive.h"

#include "pillar/core/fail.h"

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
    rows.push_back(part.image_rows(i, once));
    out.rows.push_back(rows.back().size(0));
  }
  out.image =
      rows.empty() ? at::empty({0, part.width}, logit_scale.options().dtype(at::kFloat)) : at::cat(rows);
  const at::AutoGradMode mode(true);
  out.text = rows.empty() ? out.image : part.text_rows();
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
    std::vector<at::Tensor> outputs = {once ? seen.image : part.image_rows(i, true)};
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

}  // namespace

ContrastiveLoss contrastive_loss(const at::Tensor& image_rows, const at::Tensor& text_rows,
                                 const at::Tensor& logit_scale, const World& world) {
  // Both in one exchange, so that ranks bring as many images as texts.
  const at::Tensor own = at::cat({image_rows.detach(), text_rows.detach()}, 1).contiguous();
  const std::int64_t width = image_rows.size(1), count = own.size(0);
  const at::Tensor counts =
      world.all_gather_rows(at::full({1, 1}, count, at::TensorOptions().dtype(at::kLong)));
  const std::int64_t before = counts.narrow(0, 0, world.rank()).sum().item<std::int64_t>();
  const at::Tensor all = world.all_gather_rows(own);

  const at::AutoGradMode mode(true);
  const at::Tensor image = all.narrow(1, 0, width).contiguous().requires_grad_(true);
  const at::Tensor text = all.narrow(1, width, width).contiguous().requires_grad_(true);
  const at::Tensor scale = logit_scale.detach().clone().requires_grad_(true);
  const at::Tensor logits = scale.exp() * at::matmul(image, text.t());
  const at::Tensor target = at::arange(all.size(0), all.options().dtype(at::kLong));
  const at::Tensor loss =
      (at::cross_entropy_loss(logits, target) + at::cross_entropy_loss(logits.t(), target)) / 2;
  const auto grads = torch::autograd::grad({loss}, {image, text, scale});
  return {loss.item<double>(), grads[0].narrow(0, before, count), grads[1].narrow(0, before, count),
          grads[2]};
}

ContrastiveStep add_contrastive_gradients(const std::vector<ContrastivePart>& parts, at::Tensor& logit_scale,
                                          const World& world, double gradient_scale) {
  const bool once = parts.size() == 1 && parts[0].micro_batches == 1;
  ContrastiveStep step;
  std::vector<Features> seen;
  std::vector<ContrastiveLoss> losses;
  for (const ContrastivePart& part : parts) {
    const double started = steady_seconds();
    seen.push_back(features(part, logit_scale, once));
    const double computed = steady_seconds();
    losses.push_back(contrastive_loss(seen.back().image, seen.back().text, logit_scale, world));
    step.losses.push_back(losses.back().loss);
    step.first_pass_s += computed - started;
    step.loss_s += steady_seconds() - computed;
  }
  const double started = steady_seconds();
  for (std::size_t p = 0; p < parts.size(); ++p) backward(parts[p], seen[p], losses[p], once, gradient_scale);
  step.second_pass_s = steady_seconds() - started;
  const at::NoGradGuard no_gradients;
  for (const ContrastiveLoss& loss : losses) {
    at::Tensor& grad = logit_scale.mutable_grad();
    if (!grad.defined()) grad = at::zeros_like(logit_scale);
    grad.add_(loss.logit_scale_grad, gradient_scale);
  }
  return step;
}

}  // namespace pillar
