// Internal: a tokenizer.json of the byte-level byte-pair family as plain data.
#pragma once

#include "text/qwen3/added_tokens.h"
#include "text/qwen3/expression.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace pillar {

struct VocabularyEntry {
  std::string letters;  // of its bytes: byte_letters.h
  std::int32_t id;
};

struct SplitPattern {
  std::string text;
  ExpressionSyntax syntax = ExpressionSyntax::regex;
};

struct TokenizerFile {
  std::vector<VocabularyEntry> vocabulary;                  // in the file's order
  std::vector<std::pair<std::string, std::string>> merges;  // the first is done first
  std::vector<AddedToken> added;
  bool composes = false;             // texts to normalization form C
  bool takes_whole_words = false;    // a word that is a token is that, whatever the merges say
  std::vector<SplitPattern> splits;  // one after the other, each within the pieces of the one before
  std::vector<std::int32_t> ids_before, ids_after;  // what is put around a text
};

// No id is negative or larger than this: what is read is put into a table by id.
inline constexpr std::int64_t kLargestTokenId = (1 << 22) - 1;

// Throws what Tokenizer::load does of each part on its own; what the parts say of each other is not looked
// at.
TokenizerFile read_tokenizer_file(const std::filesystem::path& file);

}  // namespace pillar
