// Internal: answers of the nearest training studies, a probe that fits nothing.
#pragma once

#include "pillar/eval/probe.h"

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace pillar {

// (Q,M) float64: of each question the weighted share of yes among the `neighbours` training studies with a
// known answer whose embeddings have the highest cosine with the study's. A neighbour weighs exp(cosine /
// 0.07) (Wu et al., 2018, "Unsupervised feature learning via non-parametric instance discrimination"). Where
// no answer is known: 0.5. Throws Error(input) for another width, Error(usage) for no neighbours.
at::Tensor nearest_answers(const ProbeData& train, const at::Tensor& test_md, std::int64_t neighbours);

}  // namespace pillar
