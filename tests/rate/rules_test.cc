#include "rate/rules.h"

#include "pillar/core/file.h"
#include "pillar/phantom/phantom.h"

#include "rate/rate_questions.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <algorithm>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::filesystem::path rate_configs() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "../share/pillar/configs/rate";
}

RuleBook phantom_rules() {
  return load_rules(rate_configs() / "phantom_rules.yaml");
}

std::string ruled(const char* report, const char* question = "Is there a lung nodule?") {
  return to_string(answer_by_rules(phantom_rules(), report, question).verdict);
}

TEST(Rules, NegationReachesToTheEndOfItsClause) {
  EXPECT_EQ(ruled("There is a 5 mm nodule in the left lung."), "Yes");
  EXPECT_EQ(ruled("No pulmonary nodule."), "No");
  EXPECT_EQ(ruled("The lungs are clear without nodules."), "No");
  EXPECT_EQ(ruled("No nodule on the left but a nodule on the right."), "Yes");
  EXPECT_EQ(ruled("A nodule is excluded."), "No");
  EXPECT_EQ(ruled("The heart is not enlarged.", "Is the heart enlarged?"), "No");
  EXPECT_EQ(ruled("Heart size is normal.", "Is the heart enlarged?"), "No");
  EXPECT_EQ(ruled("No effusion. The heart is enlarged.", "Is the heart enlarged?"), "Yes");
}

TEST(Rules, HistoryFamilyAndSkippedSectionsAreNotThePatientNow) {
  EXPECT_EQ(ruled("History of pulmonary nodule."), "No");
  EXPECT_EQ(ruled("Mother with a lung nodule."), "No");
  EXPECT_EQ(ruled("INDICATION: nodule on radiograph.\nFINDINGS:\nLungs: clear."), "No");
  EXPECT_EQ(ruled("INDICATION: cough.\nFINDINGS:\nLungs: a nodule."), "Yes");
  EXPECT_EQ(ruled("A possible nodule."), "Uncertain");
}

TEST(Rules, TheQuoteIsTheSentence) {
  const SpokenAnswer answer =
      answer_by_rules(phantom_rules(), "Clear. A 1.4 cm nodule, left. Done.", "Is there a lung nodule?");
  EXPECT_EQ(answer.quote, "A 1.4 cm nodule, left.");
}

TEST(Rules, ReadPhantomReportsAsTheirMakersDo) {
  const RuleBook rules = phantom_rules();
  const RateQuestions questions = load_rate_questions(rate_configs() / "phantom_chest_abdomen.yaml");
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    PhantomOptions options;
    options.size = 16;
    const Phantom phantom = make_phantom(seed, options);
    const std::string report = make_report(seed, phantom);
    std::size_t found = 0;
    for (const RateQuestion& question : questions.questions)
      found += answer_by_rules(rules, report, question.text).verdict == SpokenVerdict::yes;
    EXPECT_EQ(found, phantom.findings.size()) << report;
  }
}

TEST(Rules, MakeTheTextsOfTheOtherStages) {
  const RuleBook rules = phantom_rules();
  EXPECT_EQ(without_comparisons(rules, "A nodule. Unchanged since the last scan.\nNo effusion."),
            "A nodule.\nNo effusion.");
  EXPECT_EQ(findings_by_rules(rules, "EXAM: CT.\nFINDINGS:\nA nodule.\n"), "FINDINGS:\nA nodule.");
  EXPECT_EQ(findings_by_rules(rules, "EXAM: CT."), "No such section");
  EXPECT_EQ(category_by_rules(rules, "No nodule. No effusion.", {"Is there a lung nodule?"}), "No nodule.");
  EXPECT_EQ(category_by_rules(rules, "No effusion.", {"Is there a lung nodule?"}), "No relevant findings");
}

TEST(Rules, FaultsNameTheFileAndTheKey) {
  TempDir dir;
  const auto refused = [&](const std::string& text, const std::string& fault) {
    write_file_atomic(dir / "rules.yaml", text);
    EXPECT_PILLAR_ERROR(load_rules(dir / "rules.yaml"), ErrorCategory::input,
                        AllOf(HasSubstr("rules.yaml"), HasSubstr(fault)));
  };
  refused("[]", "a map with questions");
  refused("{}", "a map of questions");
  refused("questions: {Q: nodule}", "a list of words");
  refused("questions: {Q: ['.']}", "no word in it");
  refused("{questions: {}, scopes: {negations: {}}}", "negation");
  EXPECT_PILLAR_ERROR(answer_by_rules(phantom_rules(), "", "Is there a cat?"), ErrorCategory::usage,
                      HasSubstr("Is there a cat?"));
}

}  // namespace
}  // namespace pillar
