// The symmetric contrastive loss over a global batch, and its gradients by the two-pass gradient cache
// (docs/formats.md, "Pretraining"; GradCache, arXiv 2101.06983).
#pragma once

#include "pillar/world/world.h"

#include <cstdint>
#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// The loss over all ranks' rows, and its derivatives by this rank's.
struct ContrastiveLoss {
  double loss = 0;              // mean of both cross-entropies
  at::Tensor image_grad;        // (n, W)
  at::Tensor text_grad;         // (n, W)
  at::Tensor logit_scale_grad;  // (), the whole derivative, the same on every rank
};

// Rows are unit vectors, float32, n on this rank (0 too), image i belongs to text i. logits =
// exp(logit_scale) * image * text^T. Rows of all ranks stand in the order of ranks. Collective.
ContrastiveLoss contrastive_loss(const at::Tensor& image_embeddings, const at::Tensor& text_embeddings,
                                 const at::Tensor& logit_scale, const World& world);

// One modality's part of a step: its image tower run micro-batch by micro-batch, and its texts at once.
struct ContrastivePart {
  std::int64_t micro_batches = 0;  // of this rank; 0 where a small last batch left it none
  std::int64_t width = 0;          // of a row
  // Unit rows of micro-batch i. Called twice with the same i: without gradients, then with. It must replay
  // its random draws: the second pass has to see what the first saw.
  std::function<at::Tensor(std::int64_t i, bool with_gradients)> image_embeddings;
  std::function<at::Tensor()> text_embeddings;  // unit rows of all micro-batches, with gradients; called once
  // Called before the last backward of this part, also where it has nothing to run backwards.
  std::function<void()> before_last_backward;
};

struct ContrastiveStep {
  std::vector<double> losses;  // a part each; the step's loss is their sum
  // Seconds of this rank: features without gradients, loss with its gathering, features with gradients and
  // backward.
  double first_pass_s = 0, loss_s = 0, second_pass_s = 0;
};

// Adds to `.grad` of everything the parts are made of this rank's share of the gradient of the summed loss
// over the global batch: the sum over ranks is exact, however a batch is split. logit_scale's own is complete
// on every rank. Gradients are multiplied by `gradient_scale`. A single part of one micro-batch runs once
// only.
ContrastiveStep add_contrastive_gradients(const std::vector<ContrastivePart>& parts, at::Tensor& logit_scale,
                                          const World& world, double gradient_scale = 1);

}  // namespace pillar
