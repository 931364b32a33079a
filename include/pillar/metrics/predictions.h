// What a model said of a test set, and what is true.
#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct Predictions {
  std::vector<std::string> accessions;  // N
  std::vector<std::string> questions;   // Q
  std::vector<std::string> categories;  // Q; empty text where a question has none
  at::Tensor scores_qn;                 // (Q,N) float32 or float64; higher: yes
  at::Tensor answers_qn;                // (Q,N) int8: 1 yes, 0 no, -1 not known (left out of that question)
  // Scores are probabilities from 0 to 1. Otherwise there is no threshold, Brier score or calibration error.
  bool probabilities = true;
  // (Q,N) float64 or float32: what studies are ranked by, where it is not scores_qn: logits, say, which do
  // not tie where the sigmoid is 1 in float32, and which a calibration leaves in their order.
  at::Tensor ranking_qn = {};
  // (Q,N) int8, values of Answer: what the labels say, where answers_qn counts some that are missing or
  // uncertain as a yes or a no. Left undefined where it does not.
  at::Tensor given_qn = {};
};

}  // namespace pillar
