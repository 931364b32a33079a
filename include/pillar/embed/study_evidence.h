// What a map of a probe's evidence needs of a study beside its embedding: which token each number of the
// readout came from, and where the tokens lie in the scan (docs/evidence.md).
#pragma once

#include "pillar/data/placement.h"
#include "pillar/model/token_scales.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct StudyEvidence {
  at::Tensor places_n;  // (N) int64, of each number of the readout its token on the grid of its scale
  std::vector<TokenScale> scales;  // finest first; each has N / scales numbers of the readout
  Placement placement;
};

// <cache>/evidence/<split>/<accession>.safetensors, a few kB. `embedding` is the vector that the cache has of
// the study: its digest is kept, so that the places are never taken for those of another. Atomic. Throws
// Error(io).
void write_study_evidence(const std::filesystem::path& cache, const std::string& split,
                          const std::string& accession, const StudyEvidence& evidence,
                          const at::Tensor& embedding);

// Whether the file is there; nothing is read.
bool has_study_evidence(const std::filesystem::path& cache, const std::string& split,
                        const std::string& accession);

// Where it is there. Throws Error(io).
void remove_study_evidence(const std::filesystem::path& cache, const std::string& split,
                           const std::string& accession);

// Throws Error(io) where there is none (`pillar-eval embed --evidence` makes it), and Error(input) naming the
// file where it is broken or of another embedding.
StudyEvidence read_study_evidence(const std::filesystem::path& cache, const std::string& split,
                                  const std::string& accession, const at::Tensor& embedding);

}  // namespace pillar
