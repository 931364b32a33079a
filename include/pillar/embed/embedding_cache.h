// Embeddings on disk, in the public layout: <cache>/embeddings/<split>/<accession>.npz and
// <cache>/processed.csv.
#pragma once

#include "pillar/core/write_lock.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

enum class EmbeddingFormat {
  npz,          // <split>/<accession>.npz: zip, deflated, key "embedding", float32 (N)
  safetensors,  // <split>/<accession>.safetensors, the same key
  csv,          // <split>.csv: accession, e0, e1, ...
};
const char* to_string(EmbeddingFormat format) noexcept;
EmbeddingFormat parse_embedding_format(std::string_view text);  // throws Error(usage)

// Writes one split. A file's name is the accession, with "/", "%" and what else a name cannot carry as %XX.
class EmbeddingCache {
 public:
  // Reads a <split>.csv that is there. Throws Error(usage) for a split that is no folder name, Error(input)
  // for a broken CSV.
  EmbeddingCache(const std::filesystem::path& cache, const std::string& split, EmbeddingFormat format);

  // What was there when this was made, and loads whole. A broken file is not there; `fault` says why.
  // Thread-safe.
  bool contains(const std::string& accession, std::string& fault) const;
  // `embedding`: float32 (N). Atomic; CSV rows reach the disk by flush(). Throws Error(input) where it is not
  // finite.
  void put(const std::string& accession, const at::Tensor& embedding);
  void flush();

  // Accessions that the split has in this format, sorted; whether they load whole is not looked at.
  std::vector<std::string> accessions() const;
  void remove(const std::string& accession);  // of CSV by flush(); throws Error(io)

  // One process writes a split at a time: throws Error(usage) that names the one that does. Throws as the
  // constructor does for a split that is no folder name.
  static WriteLock lock(const std::filesystem::path& cache, const std::string& split);
  // Whether the split holds anything in any format.
  static bool is_empty(const std::filesystem::path& cache, const std::string& split);
  const std::filesystem::path& folder() const noexcept { return folder_; }  // <cache>/embeddings/<split>

 private:
  std::filesystem::path file_of(const std::string& accession) const;

  std::filesystem::path folder_;
  EmbeddingFormat format_;
  std::map<std::string, at::Tensor> rows_;  // CSV only: what flush() writes
  std::set<std::string> there_;             // CSV only: as it was at first
  bool dirty_ = false;
};

struct EmbeddingSet {
  std::vector<std::string> accessions;  // sorted
  at::Tensor embeddings;                // (S,N) float32
};

// All of a split, whichever format. Vectors may be (N) or (1,N), of any float type. Throws Error(io) where
// there are none, Error(input) naming the file: broken, no key "embedding", another width than the others,
// NaN or infinite, an accession twice.
EmbeddingSet load_embeddings(const std::filesystem::path& cache, const std::string& split);

struct ProcessedRow {
  std::string accession, model_name, dataset_name, split, timestamp;  // UTC, "2026-01-31T12:00:00Z"
};
// Empty where there is no processed.csv. Throws Error(input) where its columns are others.
std::vector<ProcessedRow> read_processed(const std::filesystem::path& cache);
void write_processed(const std::filesystem::path& cache, const std::vector<ProcessedRow>& rows);  // atomic

}  // namespace pillar
