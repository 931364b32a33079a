// The multi-label loss of the public fork, its gradients, and its metrics.
#include "pillar/core/file.h"
#include "pillar/core/safetensors.h"
#include "pillar/nn/parameters.h"
#include "pillar/train/losses.h"

#include "tools/parity_finetune.h"
#include "tools/parity_finetune_metrics.h"

#include <string>
#include <utility>
#include <vector>

#include <ATen/ops/tensor.h>

namespace pillar::test {

void parity_finetune_multilabel(const FinetuneCase& golden) {
  const SafetensorsFile tensors(golden.tensors);
  const ParityJson in = ParityJson::parse(read_text_file(golden.json));
  const at::Tensor targets = tensors.tensor("in.y");
  LabelWeights weights;
  weights.positive_l = at::tensor(in.at("pos_weight").get<std::vector<float>>());
  ParityJson out;
  NamedTensors gradients;
  for (const auto& [name, of_loss] :
       {std::pair("loss", LabelWeights{}), std::pair("loss_pos_weight", std::as_const(weights))}) {
    const at::Tensor logits = tensors.tensor("in.logit").clone().requires_grad_(true);
    const at::Tensor loss = multilabel_loss(logits, targets, of_loss);
    loss.backward();
    out[name] = loss.item<double>();
    gradients.emplace_back(std::string("grad.") + name, logits.grad());
  }
  out["metrics"] = multilabel_metrics(tensors.tensor("in.logit"), targets, in.at("label_names"));
  write_safetensors(golden.out_tensors, gradients);
  write_file_atomic(golden.out_json, out.dump(1));
}

}  // namespace pillar::test
