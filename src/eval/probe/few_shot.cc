#include "eval/probe/few_shot.h"

#include "pillar/core/progress.h"
#include "pillar/core/random.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <vector>

#include <ATen/ops/full_like.h>
#include <ATen/ops/index_select.h>

namespace pillar {
namespace {

// Keeps `shots` of the studies, those whose word of the seed, question and study is smallest.
void keep_drawn(std::vector<std::int64_t>& studies, std::int64_t shots, std::uint64_t seed,
                std::int64_t question) {
  if (std::ssize(studies) <= shots) return;
  const auto word = [&](std::int64_t study) {
    return mix_seed({seed, static_cast<std::uint64_t>(question), static_cast<std::uint64_t>(study)});
  };
  std::vector<std::pair<std::uint64_t, std::int64_t>> drawn;
  for (const std::int64_t study : studies) drawn.emplace_back(word(study), study);
  std::nth_element(drawn.begin(), drawn.begin() + shots, drawn.end());
  studies.clear();
  for (std::int64_t i = 0; i < shots; ++i) studies.push_back(drawn[static_cast<std::size_t>(i)].second);
}

// P(|T| < t) of Student's distribution with whole degrees of freedom, angle = atan(t / sqrt(degrees))
// (Abramowitz and Stegun, 1964, 26.7.3 and 26.7.4).
double student_within(double angle, std::int64_t degrees) {
  const double cosine = std::cos(angle), sine = std::sin(angle);
  const bool odd = degrees % 2 == 1;
  double term = odd ? cosine : 1, sum = degrees == 1 ? 0 : term;
  for (std::int64_t k = odd ? 3 : 2; k <= degrees - 2; k += 2) {
    term *= cosine * cosine * static_cast<double>(k - 1) / static_cast<double>(k);
    sum += term;
  }
  return odd ? 2 / std::numbers::pi * (angle + sine * sum) : sine * sum;
}

// How many standard errors the interval of a mean reaches.
double student_reach(double confidence, std::int64_t degrees) {
  double low = 0, high = std::numbers::pi / 2;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (student_within(middle, degrees) < confidence ? low : high) = middle;
  }
  return std::tan(low) * std::sqrt(static_cast<double>(degrees));
}

std::int64_t questions_with_fewer(const ProbeData& train, std::int64_t shots) {
  if (shots == 0) return 0;
  const at::Tensor yes_q = train.answers_qn.eq(1).sum(1), no_q = train.answers_qn.eq(0).sum(1);
  return yes_q.lt(shots).logical_or(no_q.lt(shots)).sum().item<std::int64_t>();
}

}  // namespace

ProbeData few_shot_data(const ProbeData& train, std::int64_t shots, std::uint64_t seed) {
  if (shots == 0) return train;
  const at::Tensor answers_qn = train.answers_qn.contiguous();
  at::Tensor kept_qn = at::full_like(answers_qn, -1);
  const std::int64_t questions = answers_qn.size(0), studies = answers_qn.size(1);
  const auto* answers = answers_qn.const_data_ptr<std::int8_t>();
  auto* kept = kept_qn.mutable_data_ptr<std::int8_t>();
  for (std::int64_t q = 0; q < questions; ++q) {
    for (const std::int8_t answer : {std::int8_t{1}, std::int8_t{0}}) {
      std::vector<std::int64_t> with;
      for (std::int64_t n = 0; n < studies; ++n)
        if (answers[q * studies + n] == answer) with.push_back(n);
      keep_drawn(with, shots, seed, q);
      for (const std::int64_t n : with) kept[q * studies + n] = answer;
    }
  }
  const at::Tensor used = kept_qn.ge(0).any(0).nonzero().flatten();
  return {at::index_select(train.embeddings_nd, 0, used), at::index_select(kept_qn, 1, used)};
}

std::vector<FewShotPoint> few_shot_curve(const ProbeJob& job, const ProbeData& train,
                                         const EvaluateDraw& evaluate_draw) {
  const auto draws_of = [&](std::int64_t shots) {
    return shots == 0 && job.solver != ProbeSolver::adam ? 1 : job.draws;
  };
  if (job.few_shot.empty()) return {};
  ProgressOptions options;
  options.label = "few-shot";
  options.unit = "fits";
  options.quiet = job.quiet;
  for (const std::int64_t shots : job.few_shot) options.total += draws_of(shots);
  Progress progress(options);
  std::vector<FewShotPoint> points;
  for (const std::int64_t shots : job.few_shot) {
    FewShotPoint& point = points.emplace_back();
    point.shots = shots;
    point.draws = draws_of(shots);
    point.short_questions = questions_with_fewer(train, shots);
    std::vector<double> precisions;
    for (std::int64_t draw = 0; draw < point.draws; ++draw) {
      const std::uint64_t seed = job.seed + static_cast<std::uint64_t>(draw);
      const Evaluation evaluation = evaluate_draw(few_shot_data(train, shots, seed), seed);
      point.auroc_draws.push_back(evaluation.auroc.mean.value);
      precisions.push_back(evaluation.average_precision.mean.value);
      point.questions = evaluation.auroc.questions;
      progress.advance();
    }
    point.auroc = mean_over_draws(point.auroc_draws, job.bootstrap.confidence);
    point.average_precision = mean_over_draws(precisions, job.bootstrap.confidence);
  }
  return points;
}

Interval mean_over_draws(std::span<const double> values, double confidence) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  if (values.size() < 2) return {mean, kNone, kNone};
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double reach =
      student_reach(confidence, std::ssize(values) - 1) * std::sqrt(squares / (count - 1) / count);
  return {mean, mean - reach, mean + reach};
}

}  // namespace pillar
