#include "text/qwen3/word_ids.h"

namespace pillar {
namespace {

// Enough for the words of most reports of a hospital; some 6 MB.
constexpr std::size_t kMostWords = 1 << 16;
constexpr std::size_t kLongestWord = 64;  // bytes; longer words hardly come twice

void append_word(const Vocabulary& vocabulary, std::string_view word, std::vector<std::int32_t>& ids) {
  if (!vocabulary.whole_words.empty()) {
    const auto whole = vocabulary.whole_words.find(std::string(word));
    if (whole != vocabulary.whole_words.end()) {
      ids.push_back(whole->second);
      return;
    }
  }
  append_byte_pair_ids(vocabulary.pairs, word, ids);
}

}  // namespace

void WordIds::append(const Vocabulary& vocabulary, std::string_view word, std::vector<std::int32_t>& ids) {
  if (word.size() > kLongestWord) {
    append_word(vocabulary, word, ids);
    return;
  }
  auto known = words_.find(word);
  if (known == words_.end()) {
    if (words_.size() == kMostWords) {
      words_.clear();
      ids_.clear();
    }
    const std::size_t begin = ids_.size();
    append_word(vocabulary, word, ids_);
    known = words_
                .emplace(word, IdsRange{static_cast<std::uint32_t>(begin),
                                        static_cast<std::uint32_t>(ids_.size() - begin)})
                .first;
  }
  const auto begin = ids_.begin() + known->second.begin;
  ids.insert(ids.end(), begin, begin + known->second.count);
}

}  // namespace pillar
