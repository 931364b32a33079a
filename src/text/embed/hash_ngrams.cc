#include "pillar/text/hash_ngrams.h"

#include "pillar/core/fail.h"
#include "pillar/core/random.h"
#include "pillar/core/safetensors.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <set>

#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

namespace pillar {
namespace {

constexpr int kTableBits = 20;
constexpr std::int64_t kLeastWidth = 8, kMostWidth = 1 << 16;
constexpr std::size_t kLongestGram = 2;
constexpr double kDenied = 0.3;  // weight of what a sentence denies: reports are about what is there
constexpr char kDeniedMark = '!';
constexpr const char* kFormat = "pillar-hash-ngrams";
constexpr const char* kTable = "reports_with";

bool is_word_byte(unsigned char c) {
  return std::isalnum(c) != 0 || c >= 0x80;  // letters of other alphabets are bytes from 0x80 on
}

// The word that begins at `at`, which moves behind it. A number in it, whatever its value, is "0": sizes of
// findings are not findings.
std::string take_word(std::string_view text, std::size_t& at) {
  std::string word;
  bool in_number = false;
  for (; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    const bool point = in_number && c == '.' && at + 1 < text.size() &&
                       std::isdigit(static_cast<unsigned char>(text[at + 1])) != 0;
    if (!is_word_byte(c) && !point) break;
    const bool number = point || std::isdigit(c) != 0;
    if (!number) word += static_cast<char>(c < 0x80 ? std::tolower(c) : c);
    if (number && !in_number) word += '0';
    in_number = number;
  }
  return word;
}

std::vector<std::vector<std::string>> sentences_of(std::string_view text) {
  std::vector<std::vector<std::string>> sentences(1);
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (is_word_byte(static_cast<unsigned char>(c))) {
      sentences.back().push_back(take_word(text, at));
      continue;
    }
    if (c == '.' || c == ';' || c == ':' || c == '\n') sentences.emplace_back();
    ++at;
  }
  return sentences;
}

// FNV-1a, then the finish of SplitMix64, so that every bit depends on every byte.
std::uint64_t add_bytes(std::uint64_t hash, std::string_view bytes) {
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return hash;
}

// "No pleural effusion" is not about an effusion: what follows a denial is other words, and all of a sentence
// that says normal, or what its subject is not, is.
void mark_denied(std::vector<std::string>& words) {
  static const std::set<std::string> kDenials = {"no", "without", "negative"};
  static const std::set<std::string> kOfAll = {"normal", "unremarkable", "clear", "intact", "not", "free"};
  const auto is_in = [](const std::set<std::string>& list) {
    return [&list](const std::string& word) { return list.count(word) != 0; };
  };
  const bool all = std::any_of(words.begin(), words.end(), is_in(kOfAll));
  auto word = all ? words.begin() : std::find_if(words.begin(), words.end(), is_in(kDenials));
  if (!all && word != words.end()) ++word;
  for (; word != words.end(); ++word) word->insert(word->begin(), kDeniedMark);
}

struct Gram {
  int times = 0;
  double weight = 0;
};

// N-grams by their hash. Ordered, so that sums come out the same everywhere.
std::map<std::uint64_t, Gram> grams_of(std::string_view text, std::uint64_t seed) {
  std::map<std::uint64_t, Gram> grams;
  for (auto& words : sentences_of(text)) {
    mark_denied(words);
    for (std::size_t begin = 0; begin < words.size(); ++begin) {
      std::uint64_t hash = split_mix(0xcbf29ce484222325ull + seed);
      bool denied = false;
      for (std::size_t end = begin; end < std::min(begin + kLongestGram, words.size()); ++end) {
        hash = add_bytes(add_bytes(hash, words[end]), " ");
        denied |= words[end].front() == kDeniedMark;
        Gram& gram = grams[split_mix(hash)];
        ++gram.times;
        gram.weight = (denied ? kDenied : 1) / static_cast<double>(end - begin + 1);
      }
    }
  }
  return grams;
}

std::size_t table_place(std::uint64_t hash) {
  return static_cast<std::size_t>(hash & ((1u << kTableBits) - 1));
}

std::map<std::string, std::string> describe(const HashNgramOptions& options, std::int64_t reports) {
  return {{"format", kFormat},
          {"width", fmt::format("{}", options.width)},
          {"seed", fmt::format("{}", options.seed)},
          {"reports", fmt::format("{}", reports)}};
}

}  // namespace

HashNgrams::HashNgrams(const HashNgramOptions& options)
    : options_(options), reports_with_(std::size_t{1} << kTableBits, 0) {
  if (options.width < kLeastWidth || options.width > kMostWidth)
    fail(ErrorCategory::usage, "hashed n-grams of width {}; {} to {}", options.width, kLeastWidth,
         kMostWidth);
}

void HashNgrams::count(std::string_view report) {
  ++reports_;
  for (const auto& [hash, gram] : grams_of(report, options_.seed)) ++reports_with_[table_place(hash)];
}

// 0 for what all reports have.
double HashNgrams::rarity(std::uint64_t hash) const {
  const double with = reports_with_[table_place(hash)];
  return std::log((2.0 + static_cast<double>(reports_)) /
                  (1.0 + std::min<double>(with, static_cast<double>(reports_))));
}

at::Tensor HashNgrams::embed(const std::vector<std::string>& texts) const {
  at::Tensor rows_nw = at::zeros({static_cast<std::int64_t>(texts.size()), options_.width}, at::kFloat);
  std::vector<double> row(static_cast<std::size_t>(options_.width));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::fill(row.begin(), row.end(), 0.0);
    for (const auto& [hash, gram] : grams_of(texts[i], options_.seed)) {
      const double weight = gram.weight * (1 + std::log(gram.times)) * rarity(hash);
      row[(hash >> kTableBits) % row.size()] += (hash >> 63) != 0 ? weight : -weight;
    }
    double sum = 0;
    for (const double value : row) sum += value * value;
    if (sum == 0) fail(ErrorCategory::input, "a report without words");
    auto* to = rows_nw.mutable_data_ptr<float>() + static_cast<std::int64_t>(i) * options_.width;
    for (std::size_t k = 0; k < row.size(); ++k) to[k] = static_cast<float>(row[k] / std::sqrt(sum));
  }
  return rows_nw;
}

void HashNgrams::save(const std::filesystem::path& file) const {
  const at::Tensor table = at::from_blob(const_cast<std::int32_t*>(reports_with_.data()),
                                         {static_cast<std::int64_t>(reports_with_.size())}, at::kInt);
  write_safetensors(file, {{kTable, table}}, describe(options_, reports_));
}

HashNgrams HashNgrams::load(const std::filesystem::path& file) {
  const SafetensorsFile stored(file);
  const auto refuse = [&] {
    fail(ErrorCategory::input, "{}: not what hashed n-grams are weighted by", file);
  };
  const auto number_of = [&](const char* key, auto number) {
    const auto found = stored.metadata().find(key);
    const std::string_view text = found == stored.metadata().end() ? "" : std::string_view(found->second);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) refuse();
    return number;
  };
  const auto format = stored.metadata().find("format");
  if (format == stored.metadata().end() || format->second != kFormat) refuse();
  HashNgramOptions options;
  options.width = number_of("width", options.width);
  options.seed = number_of("seed", options.seed);
  if (options.width < kLeastWidth || options.width > kMostWidth) refuse();

  HashNgrams ngrams(options);
  ngrams.reports_ = number_of("reports", ngrams.reports_);
  const at::Tensor table = stored.tensor(kTable);
  if (ngrams.reports_ < 0 || table.scalar_type() != at::kInt ||
      table.numel() != static_cast<std::int64_t>(ngrams.reports_with_.size()))
    refuse();
  std::memcpy(ngrams.reports_with_.data(), table.const_data_ptr(), table.nbytes());
  const auto& counts = ngrams.reports_with_;
  if (std::any_of(counts.begin(), counts.end(), [](std::int32_t count) { return count < 0; }))
    fail(ErrorCategory::input, "{}: counts reports below zero", file);
  return ngrams;
}

HashNgrams HashNgrams::load(const std::filesystem::path& file, const HashNgramOptions& options) {
  HashNgrams ngrams = load(file);
  const auto compare = [&](const char* name, auto there, auto wanted) {
    if (there != wanted) fail(ErrorCategory::usage, "{}: made with {} {}, not {}", file, name, there, wanted);
  };
  compare("width", ngrams.options_.width, options.width);
  compare("seed", ngrams.options_.seed, options.seed);
  return ngrams;
}

}  // namespace pillar
