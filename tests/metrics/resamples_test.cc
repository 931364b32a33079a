#include "metrics/shared/resamples.h"

#include "pillar/core/random.h"

#include "support/expect_error.h"

#include <bit>
#include <cmath>

namespace pillar {
namespace {

using ::testing::HasSubstr;

struct Question {
  std::vector<double> scores;
  std::vector<std::int8_t> answers;
};

Question question(std::size_t count, std::uint64_t levels, std::uint64_t seed) {
  Question q;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t word = hash64(seed * 10007 + i);
    q.answers.push_back(word % 3 == 0 ? 1 : word % 31 == 1 ? -1 : 0);
    q.scores.push_back(static_cast<double>((word >> 20) % levels) / static_cast<double>(levels));
  }
  return q;
}

BootstrapOptions bootstrap_options(std::int64_t replicates, std::uint64_t seed = 0) {
  BootstrapOptions o;
  o.replicates = replicates;
  o.seed = seed;
  o.threads = 1;
  return o;
}

std::vector<std::uint32_t> one_each(std::size_t count) {
  std::vector<std::uint32_t> units;
  for (std::size_t i = 0; i < count; ++i) units.push_back(static_cast<std::uint32_t>(i));
  return units;
}

// The studies of the drawn units, written out one by one.
Question repeated(const Question& q, const std::vector<std::uint32_t>& unit_of_study,
                  const std::vector<std::uint32_t>& drawn) {
  Question sample;
  for (const std::uint32_t unit : drawn) {
    for (std::size_t i = 0; i < q.scores.size(); ++i) {
      if (unit_of_study[i] != unit) continue;
      sample.scores.push_back(q.scores[i]);
      sample.answers.push_back(q.answers[i]);
    }
  }
  return sample;
}

void expect_same(double pass, double metric) {
  EXPECT_EQ(std::isnan(pass), std::isnan(metric));
  if (!std::isnan(metric)) {
    EXPECT_NEAR(pass, metric, 1e-12);
  }
}

// Returns how many replicates had one class only.
int expect_pass_is_the_repeated_sample(const Question& q, const std::vector<std::uint32_t>& unit_of_study,
                                       std::int64_t units, std::uint64_t seed) {
  constexpr std::int64_t kReplicates = 37;  // no multiple of the lanes
  const Resamples resamples(units, bootstrap_options(kReplicates, seed));
  std::vector<double> areas(kReplicates), precisions(kReplicates), alone(kReplicates);
  const RankedUnits ranked = rank_units(rank_scores(q.scores, q.answers), unit_of_study);
  replicate_scores(ranked, resamples, areas, precisions);
  replicate_scores(ranked, resamples, alone, {});
  int undefined = 0;
  for (std::int64_t r = 0; r < kReplicates; ++r) {
    const Question sample = repeated(q, unit_of_study, drawn_units(seed, r, units));
    const RankedScores literal = rank_scores(sample.scores, sample.answers);
    const auto at = static_cast<std::size_t>(r);
    expect_same(areas[at], auroc(literal));
    expect_same(precisions[at], average_precision(literal));
    EXPECT_EQ(std::bit_cast<std::uint64_t>(alone[at]), std::bit_cast<std::uint64_t>(areas[at]));
    undefined += std::isnan(areas[at]) ? 1 : 0;
  }
  return undefined;
}

TEST(Resamples, APassWithCountsIsTheMetricOfTheRepeatedSample) {
  for (const std::uint64_t levels : {1u, 4u, 25u, 1u << 30}) {
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      const Question q = question(90, levels, seed);
      EXPECT_EQ(expect_pass_is_the_repeated_sample(q, one_each(90), 90, seed), 0);
    }
  }
}

TEST(Resamples, PatientsComeWithAllOfTheirStudies) {
  std::vector<std::uint32_t> patients;
  for (std::uint32_t i = 0; i < 90; ++i) patients.push_back(i * i % 17);
  for (const std::uint64_t levels : {5u, 1u << 30})
    expect_pass_is_the_repeated_sample(question(90, levels, 3), patients, 17, 11);
}

TEST(Resamples, AReplicateOfOneClassIsUndefined) {
  Question q = question(12, 100, 1);
  std::fill(q.answers.begin(), q.answers.end(), std::int8_t{0});
  q.answers[5] = 1;
  const int undefined = expect_pass_is_the_repeated_sample(q, one_each(12), 12, 2);
  EXPECT_GT(undefined, 3);  // about (11/12)^12 = 0.35 of 37
  EXPECT_LT(undefined, 25);
}

TEST(Resamples, CountsDoNotDependOnThreads) {
  BootstrapOptions two = bootstrap_options(100, 9);
  two.threads = 2;
  const Resamples a(50, bootstrap_options(100, 9)), b(50, two);
  ASSERT_EQ(a.blocks(), 7);
  EXPECT_TRUE(std::equal(a.block(0), a.block(7), b.block(0)));
  const std::uint8_t* last = a.block(6);
  for (int unit = 0; unit < 50; ++unit) EXPECT_EQ(last[unit * kReplicateLanes + 4], 0);  // replicate 100
}

TEST(Resamples, RefusesMoreThanMemoryTakes) {
  EXPECT_PILLAR_ERROR(Resamples(1 << 30, bootstrap_options(1000)), ErrorCategory::usage,
                      HasSubstr("take fewer"));
  EXPECT_EQ(Resamples(10, bootstrap_options(0)).blocks(), 0);
}

}  // namespace
}  // namespace pillar
