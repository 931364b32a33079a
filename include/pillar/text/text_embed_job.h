// The batch that turns reports into a cache of the public layout.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// Texts to (texts, width) float32, called from several threads. An Error(input) is taken for one of the
// texts': they are tried again one by one. Any other ends the batch.
using TextEmbedFunction = std::function<at::Tensor(const std::vector<std::string>& texts)>;

// How many tokens a text has.
using TextLengthFunction = std::function<std::int64_t(const std::string& text)>;

struct TextEmbedJob {
  std::vector<std::filesystem::path> json_lines;  // {"sample_name", "report_metadata"} a line
  std::filesystem::path cache;                    // folder
  std::string model_name, dataset_name, split;    // for metadata.json
  std::int64_t max_length = 512;                  // tokens that the model reads, for metadata.json
  std::string settings;  // JSON object, under "pillar" there: all else that decides what the vectors are
  int batch_size = 32;   // texts a call
  int jobs = 1;          // calls at a time
  bool quiet = false;
  std::chrono::seconds save_interval{60};     // of metadata.json; a killed run loses what came after
  TextLengthFunction count_tokens = nullptr;  // empty: not known here
};

struct TextEmbedSummary {
  std::int64_t embedded = 0;
  std::int64_t kept = 0;    // there already, of the same report
  std::int64_t failed = 0;  // in failures.csv
  double seconds = 0;
  // Where the job counts tokens: those that were read of the embedded reports, and how many of all reports of
  // the job have more than max_length.
  std::int64_t tokens = 0;
  std::int64_t cut = 0;
};

// Writes below job.cache: embeddings/<hash>.pt {"all_findings": float32 vector of length 1}, metadata.json,
// reports.csv (hashes of studies and of their reports, which is how a second run knows what to keep),
// failures.csv and, where tokens are counted, cut.csv (sample_name, file, tokens). Studies of earlier runs
// stay. Throws Error(io | input) before any work for files that do not read (a study with two different
// reports included); Error(usage) if the cache was made with another model or other settings, or by another
// program, or is being written by another process, which is named; and whatever ended the batch, after saving
// what was done.
TextEmbedSummary run_text_embed(const TextEmbedJob& job, const TextEmbedFunction& embed);

}  // namespace pillar
