#include "pillar/text/tokenizer.h"

#include "pillar/core/fail.h"

#include "text/qwen3/added_tokens.h"
#include "text/qwen3/expression.h"
#include "text/qwen3/tokenizer_file.h"
#include "text/qwen3/unicode_text.h"
#include "text/qwen3/vocabulary.h"
#include "text/qwen3/word_ids.h"

#include <cstddef>
#include <mutex>

namespace pillar {
namespace {

std::vector<Expression> compile_splits(const std::vector<SplitPattern>& patterns,
                                       const std::filesystem::path& file) {
  std::vector<Expression> splits;
  for (const SplitPattern& pattern : patterns) {
    try {
      splits.emplace_back(pattern.text, pattern.syntax);
    } catch (const Error& error) {
      fail(error.category(), "{}: pre_tokenizer Split: {}", file, error.what());
    }
  }
  return splits;
}

std::vector<AddedToken> tokens_sought(const std::vector<AddedToken>& added, bool in_normalized) {
  std::vector<AddedToken> tokens;
  for (const AddedToken& token : added) {
    if (token.is_normalized == in_normalized) tokens.push_back(token);
  }
  return tokens;
}

// What one text after another is encoded with; each belongs to one call at a time.
struct EncodeScratch {
  MatchScratch match;
  WordIds words;
  std::string valid, composed;
};

}  // namespace

struct Tokenizer::Parts {
  Parts(const TokenizerFile& read, const std::filesystem::path& file)
      : vocabulary(make_vocabulary(read, file)),
        verbatim(tokens_sought(read.added, false)),
        normalized(tokens_sought(read.added, true)),
        splits(compile_splits(read.splits, file)),
        composes(read.composes),
        ids_before(read.ids_before),
        ids_after(read.ids_after) {}

  void append_ids(std::string_view text, std::vector<std::int32_t>& ids) const;
  void append_split(std::string_view text, std::size_t split, EncodeScratch& scratch,
                    std::vector<std::int32_t>& ids) const;

  Vocabulary vocabulary;
  AddedTokenSearch verbatim, normalized;
  std::vector<Expression> splits;
  bool composes;
  std::vector<std::int32_t> ids_before, ids_after;

  mutable std::mutex mutex;
  mutable std::vector<std::unique_ptr<EncodeScratch>> idle;  // of calls that have ended
};

// The pieces of the expression numbered `split`, both its matches and what lies between them, each split by
// the next expression; those of the last are words.
void Tokenizer::Parts::append_split(std::string_view text, std::size_t split, EncodeScratch& scratch,
                                    std::vector<std::int32_t>& ids) const {
  if (split == splits.size()) {
    scratch.words.append(vocabulary, text, ids);
    return;
  }
  std::size_t done = 0;
  for (std::size_t from = 0; from < text.size();) {
    const auto match = splits[split].search(text, from, scratch.match);
    if (!match) break;
    if (match->begin > done) append_split(text.substr(done, match->begin - done), split + 1, scratch, ids);
    if (match->end > match->begin)
      append_split(text.substr(match->begin, match->end - match->begin), split + 1, scratch, ids);
    done = match->end;
    from = match->end > match->begin ? match->end : end_of_character(text, match->end);
  }
  if (done < text.size()) append_split(text.substr(done), split + 1, scratch, ids);
}

// Added tokens that stand in the text as it came cut it into pieces. Each is normalized, cut again by those
// that are looked for in normalized text, and split into words.
void Tokenizer::Parts::append_ids(std::string_view text, std::vector<std::int32_t>& ids) const {
  std::unique_ptr<EncodeScratch> scratch;
  {
    const std::lock_guard lock(mutex);
    if (!idle.empty()) {
      scratch = std::move(idle.back());
      idle.pop_back();
    }
  }
  if (!scratch) scratch = std::make_unique<EncodeScratch>();
  const auto take_token = [&](std::int32_t id) { ids.push_back(id); };
  const auto take_words = [&](std::string_view piece) { append_split(piece, 0, *scratch, ids); };
  const auto take_piece = [&](std::string_view piece) {
    normalized.cut(composes ? as_nfc(piece, scratch->composed) : piece, scratch->match, take_words,
                   take_token);
  };
  verbatim.cut(as_valid_utf8(text, scratch->valid), scratch->match, take_piece, take_token);
  const std::lock_guard lock(mutex);
  idle.push_back(std::move(scratch));
}

Tokenizer Tokenizer::load(const std::filesystem::path& file) {
  return Tokenizer(std::make_shared<const Parts>(read_tokenizer_file(file), file));
}

EncodedText Tokenizer::encode(std::string_view text, std::int64_t max_length) const {
  const auto around = static_cast<std::int64_t>(parts_->ids_before.size() + parts_->ids_after.size());
  if (max_length < around) {
    fail(ErrorCategory::usage, "{} tokens a text: the model's own around each text are {}", max_length,
         around);
  }
  EncodedText encoded;
  encoded.ids = parts_->ids_before;
  parts_->append_ids(text, encoded.ids);
  const auto before_end = static_cast<std::int64_t>(encoded.ids.size() + parts_->ids_after.size());
  encoded.whole_length = before_end;
  if (before_end > max_length)
    encoded.ids.resize(static_cast<std::size_t>(max_length) - parts_->ids_after.size());
  encoded.ids.insert(encoded.ids.end(), parts_->ids_after.begin(), parts_->ids_after.end());
  return encoded;
}

std::vector<std::int32_t> Tokenizer::encode_plain(std::string_view text) const {
  std::vector<std::int32_t> ids;
  parts_->append_ids(text, ids);
  return ids;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids) const {
  std::string bytes;
  for (const std::int32_t id : ids) {
    const auto index = static_cast<std::size_t>(id);
    if (id < 0 || index >= parts_->vocabulary.tokens.size() || !parts_->vocabulary.tokens[index].is_there)
      fail(ErrorCategory::usage, "no token has the id {}", id);
    const VocabularyToken& token = parts_->vocabulary.tokens[index];
    if (!token.is_special) bytes += token.bytes;
  }
  std::string buffer;
  return std::string(as_valid_utf8(bytes, buffer));
}

std::int64_t Tokenizer::size() const {
  return static_cast<std::int64_t>(parts_->vocabulary.tokens.size());
}

}  // namespace pillar
