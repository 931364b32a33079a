// Report embeddings without a language model: hashed n-grams of words. For demos and tests.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// What `pillar-text embed --provider hash` leaves beside its vectors.
inline constexpr const char* kHashNgramFile = "hash-ngrams.safetensors";

struct HashNgramOptions {
  std::int64_t width = 256;
  std::uint64_t seed = 0;
};

// Words in lower case, numbers as one word, 1- and 2-grams within a sentence, each into one of `width`
// numbers with a sign, weighted by 1 + ln(how often) and by how few reports have it. What a sentence denies
// is other words, that weigh less: English ("no", "without", "normal"). No word is known to mean what another
// does.
class HashNgrams {
 public:
  explicit HashNgrams(const HashNgramOptions& options);  // throws Error(usage)

  void count(std::string_view report);  // one more report that rarity is measured by
  std::int64_t reports() const noexcept { return reports_; }

  // (texts, width) float32 of length 1. Throws Error(input) for a text without words. Calls may come from
  // several threads while nobody calls count().
  at::Tensor embed(const std::vector<std::string>& texts) const;

  // What count() has gathered, so that other reports get vectors that compare with these. load() throws
  // Error(io | input), and Error(usage) if it was made with other options than those it is given.
  void save(const std::filesystem::path& file) const;
  static HashNgrams load(const std::filesystem::path& file);
  static HashNgrams load(const std::filesystem::path& file, const HashNgramOptions& options);

 private:
  double rarity(std::uint64_t hash) const;
  HashNgramOptions options_;
  std::int64_t reports_ = 0;
  std::vector<std::int32_t> reports_with_;  // by a part of an n-gram's hash
};

}  // namespace pillar
