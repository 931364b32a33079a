// Three small scans, their embeddings with places, and a probe on them.
#pragma once

#include "pillar/eval/evidence_job.h"
#include "pillar/eval/probe.h"

#include "support/temp_dir.h"

#include <filesystem>
#include <string>

namespace pillar::test {

// <dir>/cache with splits train and test, <dir>/scans/S<n>.nii.gz, <dir>/probe.safetensors of two questions.
// Scans have 24 x 20 x 16 voxels (D,H,W); the model sees 24^3 of them, padded along H and W, in tokens of 4^3
// and of 8^3 voxels.
class EvidenceCohort {
 public:
  EvidenceCohort();
  EvidenceJob job() const;  // of the test split: S0 and S1
  std::filesystem::path path(const std::string& name) const { return dir_ / name; }
  at::Tensor embedding(const std::string& accession) const;
  const NamedProbe& probe() const { return probe_; }

 private:
  TempDir dir_;
  NamedProbe probe_;
};

}  // namespace pillar::test
