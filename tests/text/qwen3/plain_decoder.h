// The Qwen3 decoder written down once more, in double and for one text, as an oracle.
#pragma once

#include "pillar/text/qwen3_model.h"

#include "text/qwen3/small_models.h"

namespace pillar::test {

// (tokens, width) float64 after the last norm. `tensors` have bare names; biases are added where there are
// some.
at::Tensor plain_hidden(const TensorsByName& tensors, const Qwen3Config& config, const TokenIds& ids);

}  // namespace pillar::test
