// What a run was: kept in its metrics.json, so that every page can say how its numbers were made.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace pillar {

struct InputRecord {
  std::string what;  // "labels", "train embeddings"
  std::filesystem::path path;
  std::string sha256;       // of a file's bytes; of embeddings: of accessions and numbers
  std::uint64_t bytes = 0;  // of a file
};
// Reads the file for its digest. Throws Error(io).
InputRecord file_record(const std::string& what, const std::filesystem::path& file);

struct RunRecord {
  // "probe", "zero-shot", "finetune", "finetune-survival", "retrieve", "compare", "localize"
  std::string kind;
  std::vector<std::string> command;             // argv
  std::map<std::string, std::string> settings;  // by option name
  std::vector<InputRecord> inputs;
};

}  // namespace pillar
