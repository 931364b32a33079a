// What a model says of scans without having been taught: how near each is to prompts.
#pragma once

#include "pillar/embed/embedding_cache.h"
#include "pillar/eval/prompts.h"
#include "pillar/model/joint_space.h"

#include <filesystem>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct ZeroShotScores {
  std::vector<std::string> questions;  // Q, in the order of the prompts
  at::Tensor scores_qn;                // (Q,N) float64, contiguous
  // Of pairs: 1 / (1 + exp(-logit_factor (cosine with the positive - cosine with the negative))). Else
  // cosines.
  bool probabilities = false;
  at::Tensor logits_qn =
      {};  // (Q,N) float64, contiguous: what the probabilities are of; undefined of cosines
};

// Throws Error(input): what image_embeddings() and text_embeddings() throw; half of a pair, a question twice,
// pairs and single prompts together.
ZeroShotScores zero_shot_scores(const JointSpace& space, const EmbeddingSet& images,
                                const PromptSet& prompts);

// CSV accession,question,score (cosines: accession,prompt,score), a row for every two. Atomic.
void write_scores(const std::filesystem::path& file, const std::vector<std::string>& accessions,
                  const ZeroShotScores& scores);

}  // namespace pillar
