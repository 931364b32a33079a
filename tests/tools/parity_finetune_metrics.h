// Metrics of a golden under its own names.
#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <nlohmann/json.hpp>

namespace pillar::test {

using ParityJson = nlohmann::ordered_json;

// "<label>_auroc", "_ap", "_precision", "_recall" and "_f1" of each label and "macro_..." of their mean, as
// torchmetrics 0.7 has them: a yes is a probability of at least 0.5. `names`: one for each column.
ParityJson multilabel_metrics(const at::Tensor& logits_nl, const at::Tensor& targets_nl,
                              const std::vector<std::string>& names);

}  // namespace pillar::test
