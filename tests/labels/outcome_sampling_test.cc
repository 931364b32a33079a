#include "pillar/labels/outcome_sampling.h"

#include "pillar/core/random.h"

#include "support/expect_error.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>

namespace pillar {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

// Studies of one label after another, each rarer than the last, one in eight unknown; every fourth study is
// not for training. With patients, three studies in a row are of one.
OutcomeTable many_findings(std::int64_t studies, bool has_patients) {
  OutcomeTable table;
  table.outputs = {"common", "seldom", "rare"};
  table.values = at::empty({studies, 3}, at::kFloat);
  auto* value = table.values.mutable_data_ptr<float>();
  SplitMix64 random{5};
  for (std::int64_t n = 0; n < studies; ++n) {
    OutcomeStudy study;
    study.accession = "A" + std::to_string(n);
    if (has_patients) study.patient = "P" + std::to_string(n / 3);
    if (n / 3 % 4 == 3) study.split = OutcomeSplit::dev;
    table.studies.push_back(study);
    for (const double share : {0.4, 0.1, 0.02}) {
      const bool is_yes = unit_interval(random.next()) < share;
      *value++ = unit_interval(random.next()) < 0.125 ? kUnknown : is_yes ? 1.0F : 0.0F;
    }
  }
  return table;
}

std::set<std::string> training_studies(const OutcomeTable& table) {
  std::set<std::string> accessions;
  for (const OutcomeStudy& study : table.studies) {
    if (study.split == OutcomeSplit::train) accessions.insert(study.accession);
  }
  return accessions;
}

// Training studies with each value of a label.
std::map<float, double> training_values(const OutcomeTable& table, std::int64_t label) {
  std::map<float, double> counts;
  for (std::size_t n = 0; n < table.studies.size(); ++n) {
    const float value = table.values.const_data_ptr<float>()[static_cast<std::int64_t>(n) * 3 + label];
    if (table.studies[n].split == OutcomeSplit::train && !std::isnan(value)) ++counts[value];
  }
  return counts;
}

TEST(OutcomeSubset, EveryAnswerKeepsItsShare) {
  for (const bool has_patients : {false, true}) {
    const OutcomeTable table = many_findings(1200, has_patients);
    for (const double fraction : {0.05, 0.1, 0.5}) {
      const OutcomeTable part = subset(table, fraction, 3);
      EXPECT_NEAR(std::ssize(training_studies(part)), 900 * fraction, has_patients ? 2 : 0);
      for (std::int64_t label = 0; label < 3; ++label) {
        for (const auto& [value, count] : training_values(table, label)) {
          const double kept = training_values(part, label)[value];
          EXPECT_GE(kept, 1) << label << " is " << value;
          EXPECT_NEAR(kept, count * fraction, 3) << label << " is " << value << " of " << fraction;
        }
      }
    }
  }
}

TEST(OutcomeSubset, TheRarestComeFirst) {
  OutcomeTable table = many_findings(1200, false);
  const OutcomeTable part = subset(table, 6.0 / 900, 1);  // as many studies as there are answers
  ASSERT_EQ(training_studies(part).size(), 6u);
  for (std::int64_t label = 0; label < 3; ++label)
    EXPECT_EQ(training_values(part, label).size(), 2u) << label;
}

TEST(OutcomeSubset, SmallerOnesAreInLargerOnes) {
  for (const bool has_patients : {false, true}) {
    const OutcomeTable table = many_findings(300, has_patients);
    std::set<std::string> before;
    for (const double fraction : {0.001, 0.01, 0.1, 0.11, 0.3, 0.7, 1.0}) {
      const std::set<std::string> now = training_studies(subset(table, fraction, 9));
      EXPECT_FALSE(now.empty());
      EXPECT_TRUE(std::includes(now.begin(), now.end(), before.begin(), before.end())) << fraction;
      before = now;
    }
    EXPECT_EQ(before, training_studies(table));
  }
}

TEST(OutcomeSubset, OtherSplitsAndTheOrderStay) {
  const OutcomeTable table = many_findings(120, true);
  const OutcomeTable part = subset(table, 0.2, 4);
  std::int64_t others = 0;
  std::size_t at = 0;
  for (std::size_t n = 0; n < part.studies.size(); ++n, ++at) {
    while (at < table.studies.size() && table.studies[at].accession != part.studies[n].accession) ++at;
    ASSERT_LT(at, table.studies.size());
    EXPECT_TRUE(at::equal(part.values[static_cast<std::int64_t>(n)].nan_to_num(-1),
                          table.values[static_cast<std::int64_t>(at)].nan_to_num(-1)));
    others += part.studies[n].split == OutcomeSplit::dev ? 1 : 0;
  }
  EXPECT_EQ(others, 30);
}

TEST(OutcomeSubset, PatientsStayTogether) {
  const OutcomeTable table = many_findings(300, true);
  std::map<std::string, int> studies;
  for (const OutcomeStudy& study : subset(table, 0.1, 4).studies) ++studies[study.patient];
  for (const auto& [patient, count] : studies) EXPECT_EQ(count, 3) << patient;
}

TEST(OutcomeSubset, SeedsAndNamesDecideNotTheOrderOfRows) {
  const OutcomeTable table = many_findings(300, true);
  std::vector<std::int64_t> backwards(300);
  std::iota(backwards.rbegin(), backwards.rend(), 0);
  OutcomeTable turned = table;
  std::reverse(turned.studies.begin(), turned.studies.end());
  turned.values = table.values.index_select(0, at::tensor(backwards, at::kLong));
  const std::set<std::string> chosen = training_studies(subset(table, 0.1, 4));
  EXPECT_EQ(training_studies(subset(table, 0.1, 4)), chosen);
  EXPECT_EQ(training_studies(subset(turned, 0.1, 4)), chosen);
  EXPECT_NE(training_studies(subset(table, 0.1, 5)), chosen);
}

OutcomeTable plain_table(OutcomeKind kind, at::Tensor values) {
  OutcomeTable table;
  table.file = "plain.csv";
  table.kind = kind;
  table.outputs = {"first", "second"};
  table.values = std::move(values);
  for (std::int64_t n = 0; n < table.values.size(0); ++n) {
    table.studies.emplace_back();
    table.studies.back().accession = "A" + std::to_string(n);
  }
  return table;
}

TEST(OutcomeSubset, ClassesAndYears) {
  const OutcomeTable classes =
      plain_table(OutcomeKind::multiclass, at::tensor({0, 0, 0, 0, 0, 0, -1, 1}, at::kLong));
  EXPECT_TRUE(training_studies(subset(classes, 0.25, 1)).contains("A7"));
  EXPECT_EQ(subset(classes, 1, 1).studies.size(), 8u);
  const OutcomeTable years =
      plain_table(OutcomeKind::survival, at::tensor({0, 5, 0, 5, 0, 5, 1, 2}, at::kLong).view({4, 2}));
  EXPECT_EQ(training_studies(subset(years, 0.25, 1)), std::set<std::string>{"A3"});
}

TEST(OutcomeSubset, FractionsThatAreNone) {
  for (const double fraction : {0.0, -0.1, 1.01, std::nan("")}) {
    EXPECT_PILLAR_ERROR(subset(many_findings(12, false), fraction, 1), ErrorCategory::usage,
                        HasSubstr("fraction"));
  }
}

TEST(OutcomeWeights, ClassesAreDrawnEquallyOften) {
  OutcomeTable years =
      plain_table(OutcomeKind::survival, at::tensor({0, 5, 1, 5, 0, 5, 0, 2, 1, 0}, at::kLong).view({5, 2}));
  EXPECT_THAT(class_balanced_weights(years), ElementsAre(1.0 / 6, 0.25, 1.0 / 6, 1.0 / 6, 0.25));
  years.studies[4].split = OutcomeSplit::dev;  // has no weight and counts for nothing
  EXPECT_THAT(class_balanced_weights(years), ElementsAre(1.0 / 6, 0.5, 1.0 / 6, 1.0 / 6));
  EXPECT_THAT(
      class_balanced_weights(plain_table(OutcomeKind::multiclass, at::tensor({2, 0, 0, -1}, at::kLong))),
      ElementsAre(1.0 / 3, 1.0 / 6, 1.0 / 6, 1.0 / 3));
}

TEST(OutcomeWeights, FindingsByTheRarestOfAStudy) {
  const OutcomeTable table =
      plain_table(OutcomeKind::multilabel,
                  at::tensor({1.0F, 0.0F, 1.0F, 1.0F, 1.0F, kUnknown, 0.0F, 0.0F, 0.0F, kUnknown}, at::kFloat)
                      .view({5, 2}));
  const double pair = 1.0 / 6;
  EXPECT_THAT(class_balanced_weights(table), ElementsAre(pair, 2 * pair, pair, pair, pair));
}

TEST(OutcomeWeights, PositivesByTheRest) {
  OutcomeTable table = plain_table(
      OutcomeKind::multilabel,
      at::tensor({1.0F, 0.0F, 0.0F, kUnknown, 0.0F, 0.0F, 0.0F, 0.0F, 1.0F, 1.0F}, at::kFloat).view({5, 2}));
  table.studies[4].split = OutcomeSplit::test;
  EXPECT_TRUE(at::equal(positive_weights(table), at::tensor({3.0F, 1.0F})));
}

TEST(OutcomeWeights, TablesWithoutAny) {
  OutcomeTable table = plain_table(OutcomeKind::multiclass, at::tensor({0, 1}, at::kLong));
  EXPECT_PILLAR_ERROR(positive_weights(table), ErrorCategory::usage, HasSubstr("multiclass"));
  for (OutcomeStudy& study : table.studies) study.split = OutcomeSplit::test;
  EXPECT_PILLAR_ERROR(class_balanced_weights(table), ErrorCategory::input, HasSubstr("plain.csv"));
}

}  // namespace
}  // namespace pillar
