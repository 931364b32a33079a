#include "text/qwen3/vocabulary.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "text/qwen3/byte_letters.h"

#include <algorithm>
#include <string_view>

namespace pillar {
namespace {

namespace fs = std::filesystem;

using IdsByLetters = std::unordered_map<std::string_view, std::int32_t>;

IdsByLetters ids_by_letters(const TokenizerFile& read, const fs::path& file) {
  IdsByLetters ids;
  ids.reserve(read.vocabulary.size());
  for (const VocabularyEntry& entry : read.vocabulary) {
    if (!ids.emplace(entry.letters, entry.id).second)
      fail(ErrorCategory::input, "{}: model.vocab: '{}' stands twice", file, printable(entry.letters));
  }
  return ids;
}

void add_token(Vocabulary& vocabulary, std::int32_t id, std::string_view letters, const fs::path& file) {
  const auto index = static_cast<std::size_t>(id);
  if (index >= vocabulary.tokens.size()) vocabulary.tokens.resize(index + 1);
  VocabularyToken& token = vocabulary.tokens[index];
  std::string bytes = bytes_of_token(letters);
  if (token.is_there) {
    fail(ErrorCategory::input, "{}: two tokens have the id {}: '{}' and '{}'", file, id,
         printable(token.bytes), printable(bytes));
  }
  token.bytes = std::move(bytes);
  token.is_there = true;
}

void set_byte_ids(Vocabulary& vocabulary, const IdsByLetters& ids, const fs::path& file) {
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const auto found = ids.find(byte_letters()[byte]);
    if (found == ids.end()) {
      fail(ErrorCategory::input, "{}: model.vocab has no '{}', the token of byte {}", file,
           byte_letters()[byte], byte);
    }
    vocabulary.pairs.byte_ids[byte] = found->second;
  }
}

void add_merges(Vocabulary& vocabulary, const TokenizerFile& read, const IdsByLetters& ids,
                const fs::path& file) {
  vocabulary.pairs.merges.reserve(read.merges.size());
  std::string joined;
  for (std::size_t i = 0; i < read.merges.size(); ++i) {
    const auto id_of = [&](std::string_view letters) {
      const auto found = ids.find(letters);
      if (found == ids.end()) {
        fail(ErrorCategory::input,
             "{}: model.merges[{}] ('{}' and '{}') names '{}', which model.vocab has not", file, i,
             printable(read.merges[i].first), printable(read.merges[i].second), printable(letters));
      }
      return found->second;
    };
    const auto& [left, right] = read.merges[i];
    joined.assign(left).append(right);
    // Of a merge that stands twice the reference takes the later.
    vocabulary.pairs.merges.insert_or_assign(pair_key(id_of(left), id_of(right)),
                                             BytePairMerge{static_cast<std::uint32_t>(i), id_of(joined)});
  }
}

// Added tokens that the vocabulary has not are numbered on from its size, in the file's order.
void add_added_tokens(Vocabulary& vocabulary, const TokenizerFile& read, const IdsByLetters& ids,
                      const fs::path& file) {
  auto next = static_cast<std::int32_t>(read.vocabulary.size());
  for (const AddedToken& token : read.added) {
    const auto found = ids.find(token.content);
    const std::int32_t id = found == ids.end() ? next++ : found->second;
    if (token.id != id) {
      fail(ErrorCategory::input, "{}: added token '{}' has id {}, but would be read as {}", file,
           printable(token.content), token.id, id);
    }
    if (found == ids.end()) add_token(vocabulary, id, token.content, file);
    vocabulary.tokens[static_cast<std::size_t>(id)].is_special = token.is_special;
  }
}

void check_template(const Vocabulary& vocabulary, const std::vector<std::int32_t>& ids,
                    const fs::path& file) {
  for (const std::int32_t id : ids) {
    const auto index = static_cast<std::size_t>(id);
    if (index >= vocabulary.tokens.size() || !vocabulary.tokens[index].is_there)
      fail(ErrorCategory::input, "{}: post_processor puts id {} around texts, which no token has", file, id);
  }
}

}  // namespace

Vocabulary make_vocabulary(const TokenizerFile& read, const fs::path& file) {
  const IdsByLetters ids = ids_by_letters(read, file);
  Vocabulary vocabulary;
  vocabulary.tokens.resize(read.vocabulary.size());
  for (const VocabularyEntry& entry : read.vocabulary) add_token(vocabulary, entry.id, entry.letters, file);
  set_byte_ids(vocabulary, ids, file);
  add_merges(vocabulary, read, ids, file);
  add_added_tokens(vocabulary, read, ids, file);
  check_template(vocabulary, read.ids_before, file);
  check_template(vocabulary, read.ids_after, file);
  if (read.takes_whole_words) {
    for (const auto& [letters, id] : ids) vocabulary.whole_words.emplace(bytes_of_token(letters), id);
  }
  return vocabulary;
}

}  // namespace pillar
