// Internal: the ids of words, remembered, since the same words come again and again.
#pragma once

#include "text/qwen3/vocabulary.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pillar {

// One for each thread, and for one vocabulary.
class WordIds {
 public:
  // Appends the ids of `word`, which may be any bytes.
  void append(const Vocabulary& vocabulary, std::string_view word, std::vector<std::int32_t>& ids);

 private:
  struct HashText {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  struct IdsRange {
    std::uint32_t begin, count;  // in ids_
  };

  std::unordered_map<std::string, IdsRange, HashText, std::equal_to<>> words_;
  std::vector<std::int32_t> ids_;
};

}  // namespace pillar
