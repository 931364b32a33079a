// Maps of where a probe's scores come from, for the studies of a split.
#pragma once

#include "pillar/data/scan.h"
#include "pillar/eval/evidence.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct QuestionMap {
  std::string question;
  TokenEvidence evidence;
  EvidenceMap map;
  double probability = 0;
  double positive = 0;  // of all voxels above 0
  std::vector<StrongPlace> places;
};

// All that a page shows of a study. References live as long as the call that gives them.
struct StudyMaps {
  const std::string& accession;
  const Scan& scan;  // as it is stored; maps lie on its grid
  const StudyEvidence& study;
  const TokenVoxels& voxels;
  TokenSpread spread;
  const std::vector<QuestionMap>& questions;
};

struct EvidenceJob {
  std::filesystem::path cache;  // made with `pillar-eval embed --evidence`
  std::string split = "test", train_split = "train";
  std::filesystem::path probe;  // probe.safetensors
  std::filesystem::path out;
  std::vector<std::string> questions;      // empty: all of the probe
  bool positive_only = false;              // only where the probability is above 0.5
  std::map<std::string, ScanEntry> scans;  // by accession
  std::int64_t most_studies = 0;           // 0: all of the split that have a scan
  int places = 5;                          // of each map
  double apart_mm = 20;                    // between two of them
  // Set: maps show what the probe says of each token alone. Gives, of each scale, (Q,d,h,w) for the weights
  // (Q,N) of a scan (Encoder::token_products). Not called twice at a time.
  std::function<std::vector<at::Tensor>(const ScanEntry& scan, const at::Tensor& weight_qn)> token_products;
  std::string model_weights;  // SHA-256 of what `token_products` asks: must be that of the embeddings
  // Called with each study before its maps go, from several threads.
  std::function<void(const StudyMaps& study)> show;
  bool quiet = false;
};

struct EvidenceSummary {
  std::int64_t studies = 0, maps = 0, failed = 0;
  std::int64_t without_scan = 0;  // studies of the split that `scans` lacks
  double seconds = 0;
};

// Writes into job.out: evidence.json, evidence.csv (a row a map), places.csv (the strongest places of each),
// maps/<question>/<accession>.nii.gz on the scan's grid, body/<accession>.nii.gz (which voxels are the
// patient), train.csv (the studies that the probe was trained on) and failures.csv. Throws Error(io | input):
// a probe of other embeddings than the split's (model, preprocessing, type), a question that it does not
// have, no study with a scan.
EvidenceSummary run_evidence(const EvidenceJob& job);

// What a question's maps are called: its letters and digits, with dashes between words.
std::string question_slug(const std::string& question);

}  // namespace pillar
