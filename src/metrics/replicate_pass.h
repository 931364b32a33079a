// Internal: the inner loop of the bootstrap.
#pragma once

#include "metrics/shared/resamples.h"

namespace pillar {

// `counts`: (units, kReplicateLanes), how often each unit was drawn. Writes kReplicateLanes values each, by
// the formulas of metrics.h; `average_precision` may be null.
void replicate_pass(const RankedUnits& ranked, const std::uint8_t* counts, double* auroc,
                    double* average_precision);

}  // namespace pillar
