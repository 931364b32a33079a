// Internal: one fit of a probe, by whichever solver, and what it says of the test split.
#pragma once

#include "pillar/eval/probe_job.h"

#include <cstdint>
#include <optional>

#include <ATen/core/Tensor.h>

namespace pillar {

struct ProbeFit {
  std::optional<LinearProbe> probe;  // of raw embeddings; none of nearest neighbours
  at::Tensor probabilities_qn;       // (Q,N) float32, of the test split
  at::Tensor ranking_qn;             // (Q,N): what its studies are ranked by
};

// `valid` may be null where the solver needs none. `seed`: of the start and the order of rows. Throws as the
// solvers do.
ProbeFit fit_and_score(const ProbeJob& job, const ProbeData& train, const ProbeData* valid,
                       const at::Tensor& test_nd, std::uint64_t seed, bool quiet);

}  // namespace pillar
