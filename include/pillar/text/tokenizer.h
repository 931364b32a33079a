// Text to token ids and back, as the tokenizer.json of a released language model says: byte-level byte-pair
// encoding, the family of Qwen and GPT-2.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pillar {

struct EncodedText {
  std::vector<std::int32_t> ids;
  std::int64_t whole_length = 0;  // how many ids the text has where it is not cut
  bool was_cut() const { return whole_length > static_cast<std::int64_t>(ids.size()); }
};

// Texts are UTF-8. Bytes that are none are no error: each maximal invalid sequence is read as one U+FFFD, as
// Python's errors="replace" does. Copies share what was read; calls may come from several threads.
class Tokenizer {
 public:
  // Reads a tokenizer.json of Hugging Face's tokenizers library. What it says of truncation and padding is
  // for callers to decide and not looked at, but for the side that is cut, which must be the right one.
  // Throws Error(io); Error(input) naming the place in the file: broken JSON, two tokens with one id, a merge
  // of tokens that are not there, a byte without a token; Error(unsupported) naming the component: another
  // kind of model (WordPiece, Unigram), normalizer, pre-tokenizer, post-processor or decoder than those of
  // this family.
  static Tokenizer load(const std::filesystem::path& file);

  // With the tokens that the model was trained to see around a text (Qwen3: `<|endoftext|>` after it). A text
  // of more than `max_length` ids loses ids at its end, and keeps those around it. Throws Error(usage) for a
  // max_length below their number, and Error(input) for a text that the split expression cannot take.
  EncodedText encode(std::string_view text,
                     std::int64_t max_length = std::numeric_limits<std::int64_t>::max()) const;

  // Of the text alone, with nothing around it.
  std::vector<std::int32_t> encode_plain(std::string_view text) const;

  // The text that ids stand for, without special tokens (those that are marked so in the file). Bytes that do
  // not add up to UTF-8 become U+FFFD as above. Throws Error(usage) for an id that no token has.
  std::string decode(std::span<const std::int32_t> ids) const;

  // One more than the largest id: the least number of rows that a table of token embeddings needs.
  std::int64_t size() const;

 private:
  struct Parts;
  explicit Tokenizer(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  std::shared_ptr<const Parts> parts_;
};

// Writes the tokenizer.json of a small tokenizer in the layout of Qwen3's, for random models: the 256 bytes,
// some merges of frequent English letters, `<|endoftext|>` (appended to each text), `<|im_start|>` and
// `<|im_end|>`. Returns its size(). Throws Error(io).
std::int64_t make_byte_tokenizer(const std::filesystem::path& file);

}  // namespace pillar
