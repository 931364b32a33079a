// Where a model's images and texts meet: what compares embeddings of scans with embeddings of texts.
#pragma once

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

// What the encoder made of scans as unit rows in double, (S, image width). `accessions` name the rows in
// messages. Throws Error(input): another width than the projection's, naming both; an embedding of zeros,
// naming the accession.
at::Tensor image_embeddings(const JointSpace& space, const at::Tensor& embeddings_sw,
                            const std::vector<std::string>& accessions);

// What a text model made of texts, projected, as unit rows in double, (N, image width). `names` name the rows
// in messages, `source` is where the vectors are from. Throws Error(input): another width than the
// projection's, naming both; NaN or infinity, or a text that the projection takes to zero, by its name.
at::Tensor text_embeddings(const JointSpace& space, const at::Tensor& vectors_nw,
                           const std::vector<std::string>& names, const std::string& source);

}  // namespace pillar
