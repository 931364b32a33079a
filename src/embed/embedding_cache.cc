#include "pillar/embed/embedding_cache.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/file_name.h"
#include "pillar/core/npy.h"
#include "pillar/core/printable.h"
#include "pillar/core/safetensors.h"

#include "core/shared/joined.h"
#include "embed/embedding_file.h"

#include <algorithm>

namespace pillar {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kProcessedHeader = {"accession", "model_name", "dataset_name", "split",
                                                   "timestamp"};

fs::path split_folder(const fs::path& cache, const std::string& split) {
  if (split.empty() || split != file_stem(split)) {
    fail(ErrorCategory::usage, "the split '{}' cannot be the name of a folder", printable(split));
  }
  return cache / "embeddings" / split;
}

fs::path csv_of(fs::path folder) {
  return folder += ".csv";
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(ErrorCategory::io, "{}: cannot make the folder: {}", folder, error.message());
}

}  // namespace

const char* to_string(EmbeddingFormat format) noexcept {
  if (format == EmbeddingFormat::npz) return "npz";
  return format == EmbeddingFormat::csv ? "csv" : "safetensors";
}

EmbeddingFormat parse_embedding_format(std::string_view text) {
  if (text == "npz") return EmbeddingFormat::npz;
  if (text == "safetensors") return EmbeddingFormat::safetensors;
  if (text == "csv") return EmbeddingFormat::csv;
  fail(ErrorCategory::usage, "unknown format '{}'; npz, safetensors or csv", text);
}

EmbeddingCache::EmbeddingCache(const fs::path& cache, const std::string& split, EmbeddingFormat format)
    : folder_(split_folder(cache, split)), format_(format) {
  std::error_code ignored;
  if (format_ != EmbeddingFormat::csv || !fs::exists(csv_of(folder_), ignored)) return;
  rows_ = read_embedding_csv(csv_of(folder_));
  for (const auto& [accession, vector] : rows_) there_.insert(accession);
}

fs::path EmbeddingCache::file_of(const std::string& accession) const {
  if (accession.empty()) fail(ErrorCategory::input, "{}: an embedding without accession", folder_);
  return folder_ / (file_stem(accession) + (format_ == EmbeddingFormat::npz ? ".npz" : ".safetensors"));
}

bool EmbeddingCache::contains(const std::string& accession, std::string& fault) const {
  if (format_ == EmbeddingFormat::csv) return there_.count(accession) != 0;
  const fs::path file = file_of(accession);
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return false;
  try {
    read_embedding_file(file);
    return true;
  } catch (const Error& error) {
    fault = error.what();
    return false;
  }
}

void EmbeddingCache::put(const std::string& accession, const at::Tensor& embedding) {
  if (embedding.dim() != 1 || embedding.numel() == 0 || embedding.scalar_type() != at::kFloat) {
    fail(ErrorCategory::input, "{}: an embedding of type {} with {} axes", printable(accession),
         c10::toString(embedding.scalar_type()), embedding.dim());
  }
  if (!is_finite(embedding))
    fail(ErrorCategory::input, "{}: the embedding has NaN or infinite values", printable(accession));
  if (format_ == EmbeddingFormat::csv) {
    rows_[accession] = embedding.contiguous().clone();
    dirty_ = true;
    return;
  }
  const fs::path file = file_of(accession);
  make_folder(folder_);
  if (format_ == EmbeddingFormat::npz) {
    write_npz(file, {{kEmbeddingKey, embedding}});
  } else {
    write_safetensors(file, {{kEmbeddingKey, embedding}});
  }
}

void EmbeddingCache::flush() {
  if (!dirty_) return;
  make_folder(folder_.parent_path());
  write_embedding_csv(csv_of(folder_), rows_);
  dirty_ = false;
}

std::vector<std::string> EmbeddingCache::accessions() const {
  std::vector<std::string> names;
  for (const auto& [accession, row] : rows_) names.push_back(accession);
  if (format_ == EmbeddingFormat::csv) return names;
  for (const fs::path& file : embedding_files(folder_)) names.push_back(accession_of(file.stem().string()));
  std::sort(names.begin(), names.end());
  return names;
}

void EmbeddingCache::remove(const std::string& accession) {
  if (format_ == EmbeddingFormat::csv) {
    dirty_ = rows_.erase(accession) > 0 || dirty_;
    there_.erase(accession);
    return;
  }
  const fs::path file = file_of(accession);
  std::error_code error;
  fs::remove(file, error);
  if (error) fail(ErrorCategory::io, "{}: cannot be removed: {}", file, error.message());
}

WriteLock EmbeddingCache::lock(const fs::path& cache, const std::string& split) {
  return WriteLock::beside(split_folder(cache, split));
}

bool EmbeddingCache::is_empty(const fs::path& cache, const std::string& split) {
  const fs::path folder = split_folder(cache, split);
  std::error_code error;
  if (fs::exists(csv_of(folder), error)) return false;
  return !fs::exists(folder, error) || fs::directory_iterator(folder, error) == fs::directory_iterator();
}

std::vector<ProcessedRow> read_processed(const fs::path& cache) {
  const fs::path file = cache / "processed.csv";
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return {};
  const CsvTable table = read_csv(file);
  if (table.header != kProcessedHeader)
    fail(ErrorCategory::input, "{}: its columns are not {}", file, joined(kProcessedHeader, ","));
  std::vector<ProcessedRow> rows;
  for (const auto& row : table.rows) rows.push_back({row[0], row[1], row[2], row[3], row[4]});
  return rows;
}

void write_processed(const fs::path& cache, const std::vector<ProcessedRow>& rows) {
  CsvTable table;
  table.header = kProcessedHeader;
  for (const ProcessedRow& row : rows)
    table.rows.push_back({row.accession, row.model_name, row.dataset_name, row.split, row.timestamp});
  write_csv(cache / "processed.csv", table);
}

}  // namespace pillar
