#include "text/qwen3/vocabulary.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "text/qwen3/byte_letters.h"

#include <bit>
#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>

namespace pillar {
namespace {

namespace fs = std::filesystem;

// The vocabulary by its letters. Half a million look-ups are most of the time that loading takes beside
// parsing, and a flat table with a part of the hash in it has half the cache misses of std::unordered_map.
class IdsByLetters {
 public:
  IdsByLetters(const std::vector<VocabularyEntry>& entries, const fs::path& file)
      : entries_(entries), slots_(std::bit_ceil(2 * entries.size() + 1)) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      Slot& slot = slots_[slot_of(entries[i].letters)];
      if (slot.entry != kFree)
        fail(ErrorCategory::input, "{}: model.vocab: '{}' stands twice", file, printable(entries[i].letters));
      slot = {hash_of(entries[i].letters), static_cast<std::int32_t>(i)};
    }
  }

  std::optional<std::int32_t> find(std::string_view letters) const {
    const Slot& slot = slots_[slot_of(letters)];
    if (slot.entry == kFree) return std::nullopt;
    return entries_[static_cast<std::size_t>(slot.entry)].id;
  }

 private:
  static constexpr std::int32_t kFree = -1;
  struct Slot {
    std::uint32_t hash = 0;
    std::int32_t entry = kFree;
  };

  static std::uint32_t hash_of(std::string_view letters) {
    return static_cast<std::uint32_t>(std::hash<std::string_view>{}(letters));
  }

  // Where it is, or where it would go.
  std::size_t slot_of(std::string_view letters) const {
    const std::uint32_t hash = hash_of(letters);
    for (std::size_t i = hash;; ++i) {
      const std::size_t index = i & (slots_.size() - 1);
      const Slot& slot = slots_[index];
      if (slot.entry == kFree) return index;
      if (slot.hash == hash && entries_[static_cast<std::size_t>(slot.entry)].letters == letters)
        return index;
    }
  }

  const std::vector<VocabularyEntry>& entries_;
  std::vector<Slot> slots_;
};

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
    const auto id = ids.find(byte_letters()[byte]);
    if (!id) {
      fail(ErrorCategory::input, "{}: model.vocab has no '{}', the token of byte {}", file,
           byte_letters()[byte], byte);
    }
    vocabulary.pairs.byte_ids[byte] = *id;
  }
}

void add_merges(Vocabulary& vocabulary, const TokenizerFile& read, const IdsByLetters& ids,
                const fs::path& file) {
  vocabulary.pairs.merges.reserve(read.merges.size());
  std::string joined;
  for (std::size_t i = 0; i < read.merges.size(); ++i) {
    const auto id_of = [&](std::string_view letters) {
      const auto id = ids.find(letters);
      if (!id) {
        fail(ErrorCategory::input,
             "{}: model.merges[{}] ('{}' and '{}') names '{}', which model.vocab has not", file, i,
             printable(read.merges[i].first), printable(read.merges[i].second), printable(letters));
      }
      return *id;
    };
    const auto& [left, right] = read.merges[i];
    const std::uint64_t key = pair_key(id_of(left), id_of(right));
    joined.assign(left).append(right);
    // Of a merge that stands twice the reference takes the later.
    vocabulary.pairs.merges.insert_or_assign(key,
                                             BytePairMerge{static_cast<std::uint32_t>(i), id_of(joined)});
  }
}

// Added tokens that the vocabulary has not are numbered on from its size, in the file's order.
void add_added_tokens(Vocabulary& vocabulary, const TokenizerFile& read, const IdsByLetters& ids,
                      const fs::path& file) {
  auto next = static_cast<std::int32_t>(read.vocabulary.size());
  for (const AddedToken& token : read.added) {
    const auto known = ids.find(token.content);
    const std::int32_t id = known ? *known : next++;
    if (token.id != id) {
      fail(ErrorCategory::input, "{}: added token '{}' has id {}, but would be read as {}", file,
           printable(token.content), token.id, id);
    }
    if (!known) add_token(vocabulary, id, token.sought, file);
    // As the reference decodes: it no longer knows a token as special that normalizing has changed.
    vocabulary.tokens[static_cast<std::size_t>(id)].is_special =
        token.is_special && token.sought == token.content;
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
  const IdsByLetters ids(read.vocabulary, file);
  Vocabulary vocabulary;
  vocabulary.tokens.resize(read.vocabulary.size());
  for (const VocabularyEntry& entry : read.vocabulary) add_token(vocabulary, entry.id, entry.letters, file);
  set_byte_ids(vocabulary, ids, file);
  add_merges(vocabulary, read, ids, file);
  add_added_tokens(vocabulary, read, ids, file);
  check_template(vocabulary, read.ids_before, file);
  check_template(vocabulary, read.ids_after, file);
  if (read.takes_whole_words) {
    for (const VocabularyEntry& entry : read.vocabulary)
      vocabulary.whole_words.emplace(bytes_of_token(entry.letters), entry.id);
  }
  return vocabulary;
}

}  // namespace pillar
