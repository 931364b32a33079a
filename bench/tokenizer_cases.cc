#include "tokenizer_cases.h"

#include "pillar/phantom/phantom.h"
#include "pillar/text/tokenizer.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace pillar::bench {
namespace {

constexpr std::int64_t kPhantoms = 50;
constexpr std::size_t kPhantomReportsEach = 8;  // sentences of several reports make one of usual length
constexpr int kEncodeRuns = 5;  // the fastest counts; the first meets every word for the first time

std::vector<std::string> phantom_texts(std::int64_t count) {
  std::vector<Phantom> phantoms;
  for (std::int64_t i = 0; i < kPhantoms; ++i)
    phantoms.push_back(make_phantom(static_cast<std::uint64_t>(i), {.size = 16}));
  std::vector<std::string> texts(static_cast<std::size_t>(count));
  std::uint64_t seed = 0;
  for (std::string& text : texts) {
    for (std::size_t i = 0; i < kPhantomReportsEach; ++i, ++seed)
      text += make_report(seed, phantoms[seed % phantoms.size()]) + "\n";
  }
  return texts;
}

Measurement measure_load(const TokenizerOptions& options) {
  Measurement m;
  const double start = now_seconds();
  const Tokenizer tokenizer = Tokenizer::load(options.file);
  m.seconds = now_seconds() - start;
  m.figures = {{"ids", static_cast<double>(tokenizer.size())}};
  return m;
}

Measurement measure_encode(const TokenizerOptions& options) {
  const Tokenizer tokenizer = Tokenizer::load(options.file);
  const std::vector<std::string> texts = phantom_texts(options.reports);
  std::int64_t bytes = 0, tokens = 0;
  for (const std::string& text : texts) bytes += std::ssize(text);
  Measurement m;
  for (int run = 0; run < kEncodeRuns; ++run) {
    tokens = 0;
    const double start = now_seconds();
    for (const std::string& text : texts) tokens += tokenizer.encode(text).whole_length;
    const double seconds = now_seconds() - start;
    m.seconds = run == 0 ? seconds : std::min(m.seconds, seconds);
  }
  m.figures = {{"tokens", static_cast<double>(tokens)},
               {"tokens_a_second", static_cast<double>(tokens) / m.seconds},
               {"bytes_a_token", static_cast<double>(bytes) / static_cast<double>(tokens)}};
  return m;
}

}  // namespace

std::vector<Case> tokenizer_cases(const TokenizerOptions& options) {
  std::vector<Case> cases(2);
  cases[0].name = "tokenizer.load";
  cases[0].ours = [options] { return measure_load(options); };
  cases[1].name = "tokenizer.encode";
  cases[1].ours = [options] { return measure_encode(options); };
  return cases;
}

}  // namespace pillar::bench
