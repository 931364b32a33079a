#include "eval/probe/probe_split.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/core/sha256.h"

#include <iterator>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {

InputRecord embeddings_record(const std::string& what, const std::filesystem::path& folder,
                              const EmbeddingSet& set) {
  const at::Tensor values = set.embeddings.contiguous();
  const ByteView bytes(static_cast<const std::uint8_t*>(values.const_data_ptr()), values.nbytes());
  const std::string text = fmt::format("{}\n{}", fmt::join(set.accessions, "\n"), sha256_hex(bytes));
  return {what, folder, sha256_hex(as_bytes(text)), bytes.size()};
}

BenchmarkSplit load_split(const std::filesystem::path& cache, const std::string& split,
                          const LabelTable& labels, MissingAnswers missing) {
  EmbeddingSet set = load_embeddings(cache, split);
  const Answers answers = answers_of(labels, set.accessions, missing);
  const auto count = static_cast<std::int64_t>(set.accessions.size());
  const std::filesystem::path folder = cache / "embeddings" / split;
  if (answers.without_row == count)
    fail(ErrorCategory::input, "{}: none of its {} accessions is in the labels ({} is the first)", folder,
         count, printable(set.accessions.front()));
  if (answers.without_row > 0)
    spdlog::warn("{}: {} of {} studies have no labels: {}", folder.string(), answers.without_row, count,
                 missing == MissingAnswers::no ? "all their answers count as no" : "left out");
  BenchmarkSplit loaded;
  loaded.name = split;
  loaded.record = embeddings_record(fmt::format("{} embeddings", split), folder, set);
  loaded.accessions = std::move(set.accessions);
  loaded.data = {set.embeddings, answers.answers_qn};
  return loaded;
}

void check_apart(const BenchmarkSplit& a, const BenchmarkSplit& b, bool allow_overlap) {
  const std::int64_t width_a = a.data.embeddings_nd.size(1), width_b = b.data.embeddings_nd.size(1);
  if (width_a != width_b)
    fail(ErrorCategory::input, "embeddings of split {} have {} values, those of {} have {}", a.name, width_a,
         b.name, width_b);
  std::vector<std::string> both;
  std::set_intersection(a.accessions.begin(), a.accessions.end(), b.accessions.begin(), b.accessions.end(),
                        std::back_inserter(both));
  if (both.empty()) return;
  const std::string text = fmt::format("{} accessions are in both {} and {} ({} is the first)", both.size(),
                                       a.name, b.name, printable(both.front()));
  if (!allow_overlap)
    fail(ErrorCategory::input, "{}: what is tested has been trained on; --allow-overlap goes on all the same",
         text);
  spdlog::warn("{}: the result says nothing about new studies", text);
}

}  // namespace pillar
