// A batch: many scans to embeddings on disk, resumable, one broken scan never stopping the others.
#pragma once

#include "pillar/data/scan_batch.h"
#include "pillar/embed/embed_team.h"
#include "pillar/embed/embedding_cache.h"
#include "pillar/model/token_scales.h"

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct EmbeddedRows {
  EmbeddedRows(at::Tensor rows, at::Tensor places = {})
      : rows_bn(std::move(rows)), places_bn(std::move(places)) {}
  at::Tensor rows_bn;    // (B,N) float32
  at::Tensor places_bn;  // (B,N) int64, AtlasOutput::places; not defined: not known
};

// (B,1,D,H,W) int16, uint16 or float32 on the CPU to one embedding each: Encoder::readout, or anything else.
// Called from several threads where the job's model is given several batches at once.
using EmbedFunction = std::function<EmbeddedRows(const at::Tensor& voxels_bcdhw)>;

// Embeddings of a split whose scans are not among those of the job.
enum class OtherEmbeddings {
  keep,    // the job adds to the split
  refuse,  // the job's scans, all named, are the whole split: it does not begin
  remove,  // the same: what is of no scan leaves the split
};

struct EmbedJob : ScanBatch {
  std::filesystem::path cache;
  std::string split;
  EmbeddingFormat format = EmbeddingFormat::npz;
  std::string model_name;  // both for processed.csv
  std::string dataset_name;
  // What else the numbers depend on (weights, dtype, normalised or not). Kept in
  // <cache>/embeddings/<split>.json with the model and the preprocessing: a split is not continued with other
  // settings.
  std::map<std::string, std::string> settings;
  // The grids that places are counted on: then the places of each embedding are kept too (study_evidence.h),
  // and one without them is made again. Empty: they are not.
  std::vector<TokenScale> scales;
  OtherEmbeddings others = OtherEmbeddings::keep;
  bool overwrite = false;  // else embeddings that are there and load whole are kept
};

// Writes the embeddings, <cache>/embeddings/<split>.sources.csv (which scan each one is of),
// <cache>/processed.csv (rows of other splits and samples stay) and <cache>/failures.csv. Two scans of one
// name: the first has it, in this batch or an earlier one, and the other fails. A scan whose content has
// changed since is embedded again. Throws Error(usage) for no scans, settings other than the split's, other
// embeddings that are refused (naming the first), or another process that writes the split; Error(io) where
// the cache cannot be written; and std::logic_error where `embed` returns another shape or type.
//
// `team`: the other processes that embed the same list with the same job, each its own share of it
// (scans_of_process). What is written in the end is what one process would write. The process 0 settles what
// there is to settle before the others begin, and gets the summary of the whole list, the others that of
// their scans. Also throws Error(usage) for a format that is one file, and whatever `team.broadcast` throws.
ScanSummary run_embed(const EmbedJob& job, const EmbedFunction& embed, const EmbedTeam& team = {});

}  // namespace pillar
