// A batch: many scans to embeddings on disk, resumable, one broken scan never stopping the others.
#pragma once

#include "pillar/data/scan.h"
#include "pillar/embed/embedding_cache.h"
#include "pillar/model/preprocess_spec.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// (B,1,D,H,W) int16, uint16 or float32 on the CPU to (B,N) float32: Encoder::readout, or anything else.
using EmbedFunction = std::function<at::Tensor(const at::Tensor& voxels_bcdhw)>;

struct EmbedJob {
  std::vector<ScanEntry> scans;
  std::vector<std::string> missing;  // names that a list asked for without saying where they are: they fail
  PreprocessSpec spec;
  ScanReadOptions reading;
  std::filesystem::path cache;
  std::string split;
  EmbeddingFormat format = EmbeddingFormat::npz;
  std::string model_name;  // both for processed.csv
  std::string dataset_name;
  // What else the numbers depend on (weights, dtype, normalised or not). Kept in
  // <cache>/embeddings/<split>.json with the model and the preprocessing: a split is not continued with other
  // settings.
  std::map<std::string, std::string> settings;
  int batch_size = 1;
  int jobs = 0;                             // loader threads; 0: up to 4
  std::uint64_t loader_bytes = UINT64_MAX;  // of scans that load or wait for the model
  bool overwrite = false;                   // else embeddings that are there and load whole are kept
  bool quiet = false;                       // no progress bar
};

enum class EmbedStatus { written, skipped, failed };
struct EmbedOutcome {
  std::filesystem::path path;
  std::string accession;  // empty where the scan could not be opened
  EmbedStatus status = EmbedStatus::failed;
  std::string reason;
};

struct EmbedSummary {
  std::vector<EmbedOutcome> outcomes;  // in input order, then the missing
  double seconds = 0;
  double waited_seconds = 0;  // of those: for the loader
  std::int64_t count(EmbedStatus status) const;
  // "12 embedded, 3 there already, 1 failed; 0.52 volumes/s, 4 % of the time waiting for the loader"
  std::string brief() const;
};

// Threads that the loader gets where the job says 0.
int default_loader_jobs();

// Writes the embeddings, <cache>/processed.csv (rows of other splits and samples stay) and
// <cache>/failures.csv (accession,path,reason; only its header where nothing failed). Two scans of one name:
// the first has it, the other fails. Throws Error(usage) for no scans or settings other than the split's,
// Error(io) where the cache cannot be written, and std::logic_error where `embed` returns another shape or
// type.
EmbedSummary run_embed(const EmbedJob& job, const EmbedFunction& embed);

}  // namespace pillar
