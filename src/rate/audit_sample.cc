#include "rate/audit_sample.h"

#include "pillar/core/random.h"

#include <algorithm>

namespace pillar {
namespace {

constexpr std::uint64_t kLabelStream = 1, kCategoryStream = 2, kFindingsStream = 3;
constexpr double kShareWithFindings = 0.7;
constexpr std::string_view kNoFindings = "No relevant findings";

std::size_t below(SplitMix64& random, std::size_t count) {
  const double place = unit_interval(random.next()) * static_cast<double>(count);
  return std::min(static_cast<std::size_t>(place), count - 1);
}

// Takes one out; the order of the others changes.
template <typename T>
T take_any(std::vector<T>& from, SplitMix64& random) {
  const std::size_t place = below(random, from.size());
  std::swap(from[place], from.back());
  T taken = std::move(from.back());
  from.pop_back();
  return taken;
}

struct QuestionPool {
  std::size_t question = 0;
  std::size_t all = 0;               // reports to begin with
  std::vector<std::size_t> reports;  // that are left
};

std::vector<QuestionPool> pools_of(const RateResults& results, std::int8_t answer) {
  std::vector<QuestionPool> pools(results.questions.size());
  for (std::size_t report = 0; report < results.answers.size(); ++report) {
    for (std::size_t question = 0; question < results.answers[report].size(); ++question) {
      if (results.answers[report][question] == answer) pools[question].reports.push_back(report);
    }
  }
  for (std::size_t question = 0; question < pools.size(); ++question) {
    pools[question].question = question;
    pools[question].all = pools[question].reports.size();
  }
  std::erase_if(pools, [](const QuestionPool& pool) { return pool.reports.empty(); });
  return pools;
}

void draw_stratum(const RateResults& results, bool predicted, std::size_t budget, SplitMix64& random,
                  std::vector<DrawnLabel>& drawn) {
  std::vector<QuestionPool> pools = pools_of(results, predicted ? 1 : 0);
  std::size_t there = 0;
  for (const QuestionPool& pool : pools) there += pool.all;
  const bool all_of_them = budget >= there;
  const double questions = static_cast<double>(pools.size());
  for (std::size_t i = 0; i < std::min(budget, there); ++i) {
    const std::size_t place = below(random, pools.size());
    QuestionPool& pool = pools[place];
    const double weight =
        all_of_them ? 1 : questions * static_cast<double>(pool.all) / static_cast<double>(budget);
    drawn.push_back({take_any(pool.reports, random), pool.question, predicted,
                     predicted ? "predicted yes" : "predicted no", weight});
    if (pool.reports.empty()) pools.erase(pools.begin() + static_cast<std::ptrdiff_t>(place));
  }
}

void draw_evenly(const RateResults& results, std::size_t budget, SplitMix64& random,
                 std::vector<DrawnLabel>& drawn) {
  std::vector<DrawnLabel> all;
  for (std::size_t report = 0; report < results.answers.size(); ++report) {
    for (std::size_t question = 0; question < results.answers[report].size(); ++question) {
      const std::int8_t answer = results.answers[report][question];
      if (answer >= 0) all.push_back({report, question, answer == 1, "all", 1});
    }
  }
  const std::size_t count = std::min(budget, all.size());
  const double weight =
      static_cast<double>(all.size()) / static_cast<double>(std::max<std::size_t>(count, 1));
  for (std::size_t i = 0; i < count; ++i) {
    drawn.push_back(take_any(all, random));
    drawn.back().weight = weight;
  }
}

}  // namespace

std::vector<DrawnLabel> draw_labels(const RateResults& results, std::int64_t budget, AuditStrata strata,
                                    std::uint64_t seed) {
  SplitMix64 random{mix_seed({seed, kLabelStream})};
  std::vector<DrawnLabel> drawn;
  const auto count = static_cast<std::size_t>(budget);
  if (strata == AuditStrata::none) {
    draw_evenly(results, count, random, drawn);
  } else {
    draw_stratum(results, true, (count + 1) / 2, random, drawn);
    draw_stratum(results, false, count / 2, random, drawn);
  }
  return drawn;
}

std::vector<DrawnCategory> draw_categories(const RateResults& results, std::int64_t budget,
                                           std::uint64_t seed) {
  std::vector<DrawnCategory> drawn;
  for (std::size_t category = 0; category < results.categories.size(); ++category) {
    SplitMix64 random{mix_seed({seed, kCategoryStream, category})};
    std::vector<DrawnCategory> with, without;
    for (std::size_t report = 0; report < results.reports.size(); ++report) {
      for (const CategoryResult& text : results.reports[report].categories) {
        if (text.category != category || text.stored.empty()) continue;
        (text.stored.starts_with(kNoFindings) ? without : with).push_back({report, text});
      }
    }
    const auto wanted = static_cast<std::size_t>(budget);
    const auto least_with = static_cast<std::size_t>(kShareWithFindings * static_cast<double>(budget) + 0.5);
    std::size_t from_with = std::min(least_with, with.size());
    const std::size_t from_without = std::min(wanted - from_with, without.size());
    from_with = std::min(wanted - from_without, with.size());
    for (std::size_t i = 0; i < from_with; ++i) drawn.push_back(take_any(with, random));
    for (std::size_t i = 0; i < from_without; ++i) drawn.push_back(take_any(without, random));
  }
  return drawn;
}

std::vector<std::size_t> draw_findings(const RateResults& results, std::int64_t budget, std::uint64_t seed) {
  SplitMix64 random{mix_seed({seed, kFindingsStream})};
  std::vector<std::size_t> all, drawn;
  for (std::size_t report = 0; report < results.reports.size(); ++report) {
    if (!results.reports[report].stored_no_comparison.empty() ||
        !results.reports[report].stored_findings.empty())
      all.push_back(report);
  }
  while (!all.empty() && drawn.size() < static_cast<std::size_t>(budget))
    drawn.push_back(take_any(all, random));
  return drawn;
}

}  // namespace pillar
