// Where a model's images and texts meet: what compares embeddings of scans with embeddings of texts.
#pragma once

#include "pillar/embed/embedding_cache.h"
#include "pillar/model/text_projection.h"

#include <filesystem>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct JointSpace {
  std::filesystem::path model;
  WeightMap weights;  // the projection's, and logit_scale if the model has one
  TextProjection projection;
};
// Throws what load_weights() and text_projection() throw.
JointSpace load_joint_space(const std::filesystem::path& model);

// exp(logit_scale), what cosines are multiplied by. Throws Error(input): the model has none, or one that is
// no number above 0.
double logit_factor(const JointSpace& space);

// Unit rows in double, (S, image width). Throws Error(input): another width than the projection's, naming
// both; an embedding of zeros, naming the accession.
at::Tensor image_rows(const JointSpace& space, const EmbeddingSet& images);

// Projected, unit rows in double, (N, image width). `source` is where the vectors are from. Throws
// Error(input): another width than the projection's, naming both; NaN or infinity, or a text that the
// projection takes to zero, by its name.
at::Tensor text_rows(const JointSpace& space, const at::Tensor& vectors_nw,
                     const std::vector<std::string>& names, const std::string& source);

}  // namespace pillar
