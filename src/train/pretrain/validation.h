// Internal: how well images and reports of the validation set find each other.
#pragma once

#include "train/pretrain/pretrain_setup.h"
#include "train/run/task.h"

namespace pillar {

// Collective. All studies of all validation pools: "loss", "i2t_recall_at_1", ..., "image_spread", "count";
// with ".<modality>" where there are several, and "loss" is their sum. No values where there are no such
// studies. `model` may be another than the setup's: one with averaged weights. `should_stop` is asked before
// every batch.
Validation validate_pretrain(const PretrainOptions& options, const PretrainSetup& setup,
                             const ClipModel& model, const World& world, const StopQuestion& should_stop);

// The contrastive loss of a whole set as one batch, as contrastive_loss() has it, in blocks of rows.
// `reports_n`: int64, not defined where all differ; `logit_bias`: of siglip.
double set_loss(const at::Tensor& image_embeddings, const at::Tensor& text_embeddings, double logit_scale,
                const ContrastiveOptions& options = {}, const at::Tensor& reports_n = {},
                double logit_bias = 0);

}  // namespace pillar
