// Internal: what a finetuning's micro-batch is judged by.
#pragma once

#include "pillar/model/finetuned_model.h"
#include "pillar/train/finetune_config.h"
#include "pillar/train/losses.h"

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// What is known of the studies of a micro-batch.
struct MicroTargets {
  at::Tensor values;         // their rows of OutcomeTable::values
  at::Tensor masks_bdhw;     // uint8, turned as the images were; undefined: none of them is annotated
  at::Tensor laterality_b3;  // float32
};

class FinetuneLoss {
 public:
  // `table`: the training studies' labels decide on weights. Tensors go to `device`.
  FinetuneLoss(const FinetuneConfig& config, const OutcomeTable& table, at::Device device);

  // Of the labels alone: what a validation measures, too.
  at::Tensor of_outcome(const at::Tensor& logits, const at::Tensor& values) const;
  // With what the configuration adds for annotations. Terms are named for the log.
  LossWithTerms operator()(const FinetunedOutput& output, const MicroTargets& targets) const;

  // Of the terms that operator() gives, in its order.
  std::vector<std::string> term_names() const;
  bool wants_detection() const noexcept;
  bool wants_masks() const noexcept;

 private:
  void add_attention(const FinetunedOutput& output, const MicroTargets& targets, LossWithTerms& loss) const;
  void add_detection(const FinetunedOutput& output, const MicroTargets& targets, LossWithTerms& loss) const;

  const FinetuneConfig& config_;
  LabelWeights weights_;
  at::Device device_;
};

}  // namespace pillar
