// Internal: outcomes as answers to one question for each output of a model.
#pragma once

#include "pillar/labels/outcomes.h"

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace pillar {

// (N, outputs) int8 of 1 (yes), 0 (no) and -1 (not known), from rows of OutcomeTable::values. multilabel: as
// they are. multiclass: this class against all others. survival, year k: yes if the event came up to that
// year, no if the study was followed up to it or longer, else not known; an event later than year k is a no.
at::Tensor outcome_answers(OutcomeKind kind, const at::Tensor& values, std::int64_t outputs);

}  // namespace pillar
