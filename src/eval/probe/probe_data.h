// Internal: what both solvers ask of their data.
#pragma once

#include "pillar/eval/probe.h"

#include "eval/probe/logistic_pass.h"

namespace pillar {

// Checked and laid out by rows. Throws Error(input).
LogisticData logistic_data(const ProbeData& data);

// Of each question: how many answers are known, and how many of those are yes.
struct KnownAnswers {
  std::vector<std::int64_t> known_q, yes_q;
};
KnownAnswers count_answers(const at::Tensor& answers_qn);

}  // namespace pillar
