#include "train/pretrain/row_losses.h"

#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/zeros_like.h>

namespace pillar {
namespace {

// (n, N) bool: the place of each row itself.
at::Tensor own_places(const at::Tensor& same_rn, std::int64_t first) {
  at::Tensor own = at::zeros_like(same_rn);
  own.narrow(1, first, own.size(0)).diagonal().fill_(true);
  return own;
}

at::Tensor clip_rows(const at::Tensor& logits_rn, const at::Tensor& same_rn, std::int64_t first,
                     SameReport same_report) {
  const std::int64_t rows = logits_rn.size(0);
  if (same_report == SameReport::positive) {
    const at::Tensor belongs = same_rn.to(logits_rn.scalar_type());
    const at::Tensor share = belongs / belongs.sum(1, true);
    return -(share * at::log_softmax(logits_rn, 1)).sum(1);
  }
  at::Tensor logits = logits_rn;
  if (same_report == SameReport::leave_out) {
    logits = logits.masked_fill(same_rn.logical_and(own_places(same_rn, first).logical_not()),
                                -std::numeric_limits<double>::infinity());
  }
  return at::logsumexp(logits, {1}) - logits.narrow(1, first, rows).diagonal();
}

at::Tensor siglip_rows(const at::Tensor& logits_rn, const at::Tensor& same_rn, std::int64_t first,
                       SameReport same_report) {
  const at::Tensor own = own_places(same_rn, first);
  const at::Tensor belongs = same_report == SameReport::positive ? same_rn : own;
  // -log sigmoid(x) = softplus(-x), where x is the logit of a yes.
  const at::Tensor sign = 1 - 2 * belongs.to(logits_rn.scalar_type());
  at::Tensor losses = at::softplus(sign * logits_rn);
  if (same_report == SameReport::leave_out)
    losses = losses.masked_fill(same_rn.logical_and(own.logical_not()), 0);
  return losses.sum(1);
}

}  // namespace

at::Tensor same_report_rows(const at::Tensor& reports_n, std::int64_t first, std::int64_t rows) {
  const at::Tensor own = reports_n.narrow(0, first, rows).unsqueeze(1);
  const at::Tensor same = own.eq(reports_n.unsqueeze(0)).logical_and(own.ge(0));
  return same.logical_or(own_places(same, first));
}

at::Tensor row_losses(const at::Tensor& logits_rn, const at::Tensor& same_rn, std::int64_t first,
                      const ContrastiveOptions& options) {
  return options.kind == ContrastiveKind::siglip ? siglip_rows(logits_rn, same_rn, first, options.same_report)
                                                 : clip_rows(logits_rn, same_rn, first, options.same_report);
}

}  // namespace pillar
