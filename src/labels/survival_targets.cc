#include "pillar/core/fail.h"
#include "pillar/labels/outcomes.h"

#include <ATen/ops/zeros.h>

namespace pillar {

SurvivalTargets survival_targets(const at::Tensor& event_and_time_n2, std::int64_t horizon) {
  const bool is_table = event_and_time_n2.defined() && event_and_time_n2.dim() == 2 &&
                        event_and_time_n2.size(1) == 2 && event_and_time_n2.scalar_type() == at::kLong;
  if (!is_table || horizon < 1)
    fail(ErrorCategory::usage, "survival targets: (N, 2) int64 and a horizon from 1 on are wanted");
  const at::Tensor rows = event_and_time_n2.cpu().contiguous();
  const auto* row = rows.const_data_ptr<std::int64_t>();
  const std::int64_t studies = rows.size(0);
  SurvivalTargets targets{at::zeros({studies, horizon}, at::kFloat),
                          at::zeros({studies, horizon}, at::kFloat)};
  auto* is_event = targets.is_event_ny.mutable_data_ptr<float>();
  auto* is_known = targets.is_known_ny.mutable_data_ptr<float>();
  for (std::int64_t n = 0; n < studies; ++n) {
    const std::int64_t event = row[2 * n], time = row[2 * n + 1];
    if ((event != 0 && event != 1) || time < 0 || time >= horizon) {
      fail(ErrorCategory::usage, "survival targets: study {} has event {} and time {}; a horizon of {} years",
           n, event, time, horizon);
    }
    for (std::int64_t year = 0; year < horizon; ++year) {
      is_event[n * horizon + year] = event == 1 && year >= time ? 1.0F : 0.0F;
      is_known[n * horizon + year] = year <= time ? 1.0F : 0.0F;
    }
  }
  return targets;
}

}  // namespace pillar
