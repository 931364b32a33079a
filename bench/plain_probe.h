// The public probe's training loop in plain LibTorch calls.
#pragma once

#include "pillar/eval/probe.h"

namespace pillar::bench {

// Each batch: a row a study is taken, stacked and copied, as a data loader collates; logits, loss and
// gradients by autograd; Adam a tensor at a time. Returns the weights.
LinearProbe plain_probe_adam(const ProbeData& train, const LinearProbe& start,
                             const AdamProbeOptions& options);

}  // namespace pillar::bench
