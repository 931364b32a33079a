// Where a linear probe's score comes from: a readout is a maximum over tokens, so the score is a sum over the
// tokens that have the maxima (docs/evidence.md derives it).
#pragma once

#include "pillar/embed/study_evidence.h"
#include "pillar/image/volume.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// One question of a linear probe on embeddings as they are stored.
struct ProbedQuestion {
  at::Tensor weight_n;  // (N) float32, what standardised training columns were divided by folded in
  double bias = 0;
  at::Tensor mean_n;  // (N) float32, the mean embedding of the training studies
};

struct TokenEvidence {
  double logit = 0;                      // of the study
  double mean_logit = 0;                 // of the mean embedding
  std::vector<at::Tensor> of_scale_dhw;  // of each scale, finest first: (d,h,w) float64 on its grid
};

// Evidence of a token: the sum of weight (embedding - mean) over the numbers whose maximum it has. That of
// all tokens and scales is logit - mean_logit. Throws Error(input) for vectors of other lengths.
TokenEvidence token_evidence(const StudyEvidence& study, const at::Tensor& embedding_n,
                             const ProbedQuestion& question);

// What the probe says of each token alone: weight (values - mean) over the numbers of its scale, as if it had
// all of the maxima. `products_dhw`: of each scale, the tokens' values times its part of the weights
// (Encoder::token_products). It adds up to nothing.
TokenEvidence dense_evidence(const StudyEvidence& study, const at::Tensor& embedding_n,
                             const ProbedQuestion& question, const std::vector<at::Tensor>& products_dhw);

enum class TokenSpread {
  evenly,  // a token's evidence is divided among the voxels that it covers: voxels add up to it
  whole,   // each voxel has all of it
};

struct EvidenceMap {
  Volume map;              // float32
  double beside_scan = 0;  // evidence of tokens that cover no voxel of the grid, which the map lacks
};

// The tokens of one study on a grid that lies in the patient as the study does.
class TokenVoxels {
 public:
  TokenVoxels(const Placement& placement, const std::vector<TokenScale>& scales, const Grid& grid);

  // A voxel belongs to the tokens that its centre lies in. A token that lies on the grid and yet holds no
  // centre, since voxels are larger than it, gives its evidence to the voxel that it lies in. `scale`: of
  // that one alone; unset: of all.
  EvidenceMap map(const std::vector<at::Tensor>& of_scale_dhw, TokenSpread spread,
                  std::optional<std::size_t> scale = std::nullopt) const;

  // For each scale, what a voxel of each of its tokens has by TokenSpread: (d,h,w) float64.
  std::vector<at::Tensor> of_voxels(const std::vector<at::Tensor>& of_scale_dhw, TokenSpread spread) const;

  // The finest token of voxel (d,h,w) is floor(first + d along[0] + h along[1] + w along[2]).
  struct FinestWay {
    std::array<double, 3> first_dhw;
    std::array<std::array<double, 3>, 3> along_dhw;
  };
  FinestWay finest_way() const;

  // The token of each scale at a voxel, -1 where there is none.
  std::vector<std::int64_t> tokens_at(const std::array<std::int64_t, 3>& voxel_dhw) const;

 private:
  std::int64_t parent(std::int64_t finest, std::size_t scale) const;

  Placement placement_;
  std::vector<TokenScale> scales_;
  Grid grid_;
  at::Tensor finest_dhw_;                             // int32: the finest token of each voxel, or -1
  std::vector<std::vector<std::int64_t>> voxels_of_;  // of each scale, the voxels that each token covers
};

// A place where a map is high.
struct StrongPlace {
  std::array<std::int64_t, 3> voxel_dhw = {0, 0, 0};
  PatientXyz point_xyz_mm = {0, 0, 0};  // its centre
  double evidence = 0;                  // of all voxels that are as high
  double value = 0;                     // of `values` at the voxel
  double mean_value = 0;                // over all voxels that are as high
};

// The `most` highest places of a map, at least `apart_mm` from each other. All voxels of one height, those of
// a token, are one place: the one of them that lies nearest to their middle. `values_dhw`, if defined, of any
// type: what a place is described by (HU). Empty where nothing of the map is above 0.
std::vector<StrongPlace> strongest_places(const Volume& map, const at::Tensor& values_dhw, int most,
                                          double apart_mm);

}  // namespace pillar
