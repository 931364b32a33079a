// Texts that scans are compared with, and their vectors.
#pragma once

#include "pillar/metrics/run_record.h"
#include "pillar/text/prompt_lines.h"
#include "pillar/text/text_cache.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

enum class Polarity {
  none,  // a text that stands for itself
  positive,
  negative,
};
struct Prompt {
  std::string name;
  std::string question;  // what it answers; of Polarity::none without one: its name
  Polarity polarity = Polarity::none;
};
// "QUESTION|positive" and "QUESTION|negative" are halves of a pair, all else stands for itself.
Prompt prompt_named(const std::string& name);
Prompt prompt_of(const PromptLine& line);

struct PromptSet {
  std::string source;           // file or folder, for messages
  std::vector<Prompt> prompts;  // P
  at::Tensor vectors_pw;        // float32, as they are stored
};

enum class PromptFile {
  bank,   // .pt
  cache,  // of pillar-text: a folder or a packed file
  lines,  // JSON lines
};
PromptFile prompt_file_kind(const std::filesystem::path& path);  // by what is in it; throws Error(io)

// What torch.save() wrote of {keys: [text, ...], embeddings: (K,W)}. Nothing in it is run. Throws Error(io |
// input) naming the file: another shape or type, as many keys as rows, a key twice or empty.
PromptSet load_prompt_bank(const std::filesystem::path& file);

// Vectors of a text cache by their names. Throws what TextCache::vector() throws.
PromptSet load_cached_prompts(const std::filesystem::path& cache, const std::vector<std::string>& names,
                              const std::string& category);
// Names that `cache` has for the questions: the pair, else the question itself. A question without is left
// out. Throws Error(input) where only half of a pair is there, or nothing at all.
std::vector<std::string> cached_prompt_names(const std::filesystem::path& cache,
                                             const std::vector<std::string>& questions);

// What a run remembers of a file of texts, or of a cache's folder: its metadata.json. Throws Error(io).
InputRecord text_record(const std::string& what, const std::filesystem::path& path);

// A name a line, or JSON lines with sample_name. Throws Error(io | input): none, a name twice.
std::vector<std::string> read_prompt_names(const std::filesystem::path& file);

}  // namespace pillar
