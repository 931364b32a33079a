// A batch: many scans to a table of answers, resumable, one broken scan never stopping the others.
#pragma once

#include "pillar/data/scan_batch.h"
#include "pillar/eval/scan_attention.h"
#include "pillar/eval/scan_predictor.h"

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// (B,1,D,H,W) on the CPU to answers: ScanPredictor::answer(), or anything else. Called from several
// threads where the job's model is given several batches at once.
using ScanAnswerFunction = std::function<ScanAnswers(const at::Tensor& voxels_bcdhw)>;

struct ScanPredictJob : ScanBatch {
  // CSV: accession, then for each output its probability under its name and its logit as "<output>:logit".
  std::filesystem::path out;
  std::vector<std::string> outputs;
  // What the answers depend on (weights, preprocessing, type, calibration), kept in <out>.json: a table is
  // not continued with other settings.
  std::map<std::string, std::string> settings;
  bool overwrite = false;  // begins the table anew; else rows that are there are kept

  // Where maps are wanted: takes where the models looked at a scan, before its row is written. What it throws
  // fails the scan. `has_maps`: whether those of an accession are there, from several threads.
  std::function<void(const BatchedScan& scan, const ScanAttention& attention)> write_maps;
  std::function<bool(const std::string& accession)> has_maps;
};

// Scans of a table: a column accession or sample_name, a column image_paths or image_cache_path (one image a
// row), and any others. Relative paths are taken from the table's folder. Throws Error(io | input) naming
// file, row and column: neither name, an empty cell, an accession twice, several images.
std::vector<ScanEntry> scans_of_table(const std::filesystem::path& csv);

// Writes the table, sorted by accession, at least every minute and at the end, <out>.sources.csv (which scan
// each row is of), and failures.csv beside it. A row of another scan of that name, or of one that has changed
// since, stays, and the scan fails.
// Throws Error(usage) for no scans, a table of other settings or without a record of them (unless
// `overwrite`), Error(io) where it cannot be written, and std::logic_error where `answer` returns other
// shapes or types.
ScanSummary run_scan_predict(const ScanPredictJob& job, const ScanAnswerFunction& answer);

}  // namespace pillar
