#include "train/finetune/outcome_answers.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/where.h>

namespace pillar {
namespace {

at::Tensor year_answers(const at::Tensor& event_and_time_n2, std::int64_t years) {
  const at::Tensor event = event_and_time_n2.narrow(1, 0, 1), time = event_and_time_n2.narrow(1, 1, 1);
  const at::Tensor year = at::arange(years, at::kLong).unsqueeze(0);
  const at::Tensor yes = at::logical_and(event == 1, time <= year), followed = time >= year;
  const at::Tensor unknown = at::full_like(yes, -1, at::kChar);
  return at::where(yes, at::full_like(unknown, 1), at::where(followed, at::full_like(unknown, 0), unknown));
}

}  // namespace

at::Tensor outcome_answers(OutcomeKind kind, const at::Tensor& values, std::int64_t outputs) {
  switch (kind) {
    case OutcomeKind::multilabel:
      return values.isnan().logical_not().to(at::kChar) * (values == 1).to(at::kChar) -
             values.isnan().to(at::kChar);
    case OutcomeKind::multiclass: {
      const at::Tensor known = values.unsqueeze(1);
      const at::Tensor own = (known == at::arange(outputs, at::kLong).unsqueeze(0)).to(at::kChar);
      return own - (known < 0).to(at::kChar);
    }
    case OutcomeKind::survival:
      return year_answers(values, outputs);
  }
  return {};
}

}  // namespace pillar
