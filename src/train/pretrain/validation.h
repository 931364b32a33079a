// Internal: how well images and reports of the validation set find each other.
#pragma once

#include "pillar/metrics/retrieval.h"

#include "train/pretrain/pretrain_setup.h"

#include <string>
#include <utility>
#include <vector>

namespace pillar {

// "loss", "i2t_recall_at_1", ..., "image_spread", "count"; with ".<modality>" where there are several. The
// loss is the sum over modalities.
struct ValidationReport {
  double loss = 0;
  std::vector<std::pair<std::string, double>> values;
  std::vector<BadStudy> bad;  // of this rank
};

// Collective. All studies of all validation pools; empty values where there are none. `weights`: those to
// validate, if not the model's own.
ValidationReport validate(const PretrainOptions& options, const PretrainSetup& setup, const ClipModel& model,
                          const World& world);

// The symmetric contrastive loss of a whole set as one batch, in blocks of rows.
double set_loss(const at::Tensor& image_embeddings, const at::Tensor& text_embeddings, double logit_scale);

}  // namespace pillar
