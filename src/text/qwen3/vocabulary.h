// Internal: the tokens of a tokenizer.json, checked against each other and ready to be looked up.
#pragma once

#include "text/qwen3/byte_pairs.h"
#include "text/qwen3/tokenizer_file.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

namespace pillar {

struct VocabularyToken {
  std::string bytes;
  bool is_there = false;  // ids may be left out
  bool is_special = false;
};

struct Vocabulary {
  std::vector<VocabularyToken> tokens;  // by id
  BytePairs pairs;
  std::unordered_map<std::string, std::int32_t> whole_words;  // empty where the file does not ask for them
};

// Throws Error(input) naming the file and the tokens: one that stands twice, two with one id, a byte without
// a token, a merge or a template with tokens that are not there, an added token whose id is not the one that
// it gets in the reference: the vocabulary's, or else the next after all others.
Vocabulary make_vocabulary(const TokenizerFile& read, const std::filesystem::path& file);

}  // namespace pillar
