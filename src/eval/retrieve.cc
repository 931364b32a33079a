#include "pillar/eval/retrieve.h"

#include "pillar/core/config.h"
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/core/thread_pool.h"
#include "pillar/metrics/retrieval.h"

#include <algorithm>
#include <numeric>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

namespace pillar {
namespace {

using Measure = double RetrievalScores::*;
constexpr std::array<std::pair<Measure, Interval RetrievalDirection::*>, 5> kMeasures = {
    {{&RetrievalScores::recall_at_1, &RetrievalDirection::recall_at_1},
     {&RetrievalScores::recall_at_5, &RetrievalDirection::recall_at_5},
     {&RetrievalScores::recall_at_10, &RetrievalDirection::recall_at_10},
     {&RetrievalScores::recall_at_50, &RetrievalDirection::recall_at_50},
     {&RetrievalScores::median_rank, &RetrievalDirection::median_rank}}};

std::vector<double> ranks_of(const at::Tensor& queries_nw, const at::Tensor& keys_nw) {
  const at::Tensor ranks = retrieval_ranks(queries_nw, keys_nw);
  const auto* values = ranks.const_data_ptr<double>();
  return {values, values + ranks.numel()};
}

RetrievalScores drawn_scores(const std::vector<double>& ranks, const std::vector<std::uint32_t>& drawn) {
  std::vector<double> sample;
  sample.reserve(drawn.size());
  for (const std::uint32_t pair : drawn) sample.push_back(ranks[pair]);
  return scores_of_ranks(std::move(sample));
}

void set_intervals(RetrievalDirection& direction, const std::vector<RetrievalScores>& replicates,
                   double confidence) {
  const RetrievalScores whole = scores_of_ranks(direction.ranks);
  for (const auto& [measure, interval] : kMeasures) {
    std::vector<double> values;
    for (const RetrievalScores& replicate : replicates) values.push_back(replicate.*measure);
    direction.*interval = percentile_interval(whole.*measure, values, confidence);
  }
}

}  // namespace

RetrievalPairs retrieval_pairs(const JointSpace& space, const EmbeddingSet& images,
                               const std::filesystem::path& text_cache, const std::string& category) {
  const at::NoGradGuard no_gradients;
  const TextCache cache = TextCache::open(text_cache);
  RetrievalPairs pairs;
  std::vector<std::int64_t> rows;
  for (std::size_t i = 0; i < images.accessions.size(); ++i) {
    if (!cache.contains(images.accessions[i])) continue;
    rows.push_back(static_cast<std::int64_t>(i));
    pairs.accessions.push_back(images.accessions[i]);
  }
  if (rows.empty()) {
    fail(ErrorCategory::input, "{}: has a text of none of the {} studies ({} is the first)", text_cache,
         images.accessions.size(), images.accessions.empty() ? "" : printable(images.accessions.front()));
  }
  pairs.without_text = static_cast<std::int64_t>(images.accessions.size() - rows.size());
  const auto count = static_cast<std::int64_t>(rows.size());
  at::Tensor vectors = at::empty({count, cache.width()}, at::kFloat);
  parallel_for(count, usable_processors(), [&](std::int64_t n) {
    vectors[n].copy_(cache.vector(pairs.accessions[static_cast<std::size_t>(n)], category));
  });
  pairs.images_nw = at::index_select(image_embeddings(space, images.embeddings, images.accessions), 0,
                                     at::tensor(rows, at::kLong));
  pairs.texts_nw = text_embeddings(space, vectors, pairs.accessions, text_cache.string());
  return pairs;
}

RetrievalEvaluation evaluate_retrieval(const RetrievalPairs& pairs, const BootstrapOptions& options) {
  check_bootstrap_options(options);
  RetrievalEvaluation evaluation;
  evaluation.accessions = pairs.accessions;
  evaluation.num_pairs = evaluation.num_units = std::ssize(pairs.accessions);
  evaluation.without_text = pairs.without_text;
  evaluation.bootstrap = options;
  evaluation.chance = chance_scores(evaluation.num_pairs);
  RetrievalDirection& to_image = evaluation.text_to_image;
  RetrievalDirection& to_text = evaluation.image_to_text;
  to_image.ranks = ranks_of(pairs.texts_nw, pairs.images_nw);
  to_text.ranks = ranks_of(pairs.images_nw, pairs.texts_nw);

  const auto replicates = static_cast<std::size_t>(options.replicates);
  std::vector<RetrievalScores> of_image(replicates), of_text(replicates);
  const int threads = options.threads > 0 ? options.threads : usable_processors();
  parallel_for(options.replicates, threads, [&](std::int64_t r) {
    const auto drawn = drawn_units(options.seed, r, evaluation.num_pairs);
    of_image[static_cast<std::size_t>(r)] = drawn_scores(to_image.ranks, drawn);
    of_text[static_cast<std::size_t>(r)] = drawn_scores(to_text.ranks, drawn);
  });
  set_intervals(to_image, of_image, options.confidence);
  set_intervals(to_text, of_text, options.confidence);
  return evaluation;
}

std::vector<NearestStudy> nearest_studies(const at::Tensor& query_w, const at::Tensor& rows_nw,
                                          const std::vector<std::string>& accessions, std::int64_t count,
                                          const std::string& leave_out) {
  const at::NoGradGuard no_gradients;
  const at::Tensor scores = at::mv(rows_nw, query_w).to(at::kDouble).contiguous();
  const auto* score = scores.const_data_ptr<double>();
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < accessions.size(); ++i) {
    if (leave_out.empty() || accessions[i] != leave_out) order.push_back(i);
  }
  const std::size_t wanted =
      std::min(order.size(), static_cast<std::size_t>(std::max<std::int64_t>(count, 0)));
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(wanted), order.end(),
                    [&](std::size_t a, std::size_t b) {
                      return score[a] != score[b] ? score[a] > score[b] : accessions[a] < accessions[b];
                    });
  std::vector<NearestStudy> nearest;
  for (std::size_t i = 0; i < wanted; ++i)
    nearest.push_back({accessions[order[i]], static_cast<std::int64_t>(i) + 1, score[order[i]]});
  return nearest;
}

std::int64_t row_of_accession(const std::vector<std::string>& accessions, const std::string& accession) {
  const auto found = std::find(accessions.begin(), accessions.end(), accession);
  if (found != accessions.end()) return found - accessions.begin();
  const std::string near = nearest_name(accession, accessions);
  fail(ErrorCategory::usage, "there is no embedding of accession '{}'{}", printable(accession),
       near.empty() ? "" : fmt::format(" (did you mean '{}'?)", printable(near)));
}

}  // namespace pillar
