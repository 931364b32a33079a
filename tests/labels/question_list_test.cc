#include "pillar/labels/question_list.h"

#include "pillar/core/file.h"
#include "pillar/phantom/phantom.h"
#include "pillar/text/prompt_lines.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <map>
#include <set>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::filesystem::path configs() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "../share/pillar/configs";
}

QuestionList loaded(const std::string& text) {
  const TempDir dir;
  write_file_atomic(dir / "a list.yaml", text);
  return load_question_list(dir / "a list.yaml");
}

void expect_list_refused(const std::string& text, const std::string& fault) {
  EXPECT_PILLAR_ERROR(loaded(text), ErrorCategory::input, AllOf(HasSubstr("a list.yaml"), HasSubstr(fault)));
}

TEST(QuestionList, KeepsTheFilesOrderAndIgnoresWhatItDoesNotKnow) {
  const QuestionList list = loaded(R"(modality: chest_ct
version: 3
categories:
  Zebra lungs:
    description: "text, with a comma"
    priority: [1, 2]
    questions:
      - {question: "Is there \"x\", y & <b>z</b>?", id: 7, options: [Yes, No]}
      - question: Second?
  Airways:
    questions: ["Plain text?"]
  Empty: {description: nothing asked}
)");
  EXPECT_EQ(list.modality, "chest_ct");
  EXPECT_THAT(list.questions, ElementsAre("Is there \"x\", y & <b>z</b>?", "Second?", "Plain text?"));
  EXPECT_THAT(list.categories, ElementsAre("Zebra lungs", "Zebra lungs", "Airways"));
  ASSERT_EQ(list.all_categories.size(), 3u);
  EXPECT_EQ(list.all_categories[0].description, "text, with a comma");
  EXPECT_EQ(list.all_categories[1].description, "");
  EXPECT_EQ(list.all_categories[2].name, "Empty");
  EXPECT_TRUE(list.notes.empty());
}

TEST(QuestionList, AQuestionTwiceIsKeptOnce) {
  const QuestionList list = loaded(R"(categories:
  A: {questions: [{question: "Same?"}, {question: "Same?"}]}
  B:
    questions:
      - question: Other?
      - question: " Same? "
)");
  EXPECT_THAT(list.questions, ElementsAre("Same?", "Other?"));
  EXPECT_THAT(list.categories, ElementsAre("A", "B"));
  ASSERT_EQ(list.notes.size(), 2u);
  EXPECT_THAT(list.notes[0], AllOf(HasSubstr(":2"), HasSubstr("'Same?'"), HasSubstr("'A'")));
  EXPECT_THAT(list.notes[1], AllOf(HasSubstr(":6"), HasSubstr("'Same?'"), HasSubstr("'A'")));
}

TEST(QuestionList, RefusesOtherShapes) {
  expect_list_refused("", "categories");
  expect_list_refused("[1, 2]", "a map with categories");
  expect_list_refused("modality: x", "categories");
  expect_list_refused("categories: [A]", "a map of categories");
  expect_list_refused("categories: {A: {questions: {question: Q}}}", "a list of questions");
  expect_list_refused("categories: {A: {questions: []}}", "no question in it");
  expect_list_refused("categories: {A: {questions: [{text: Q}]}}", "categories.A.questions[0]");
  expect_list_refused("categories: {A: {questions: [[Q]]}}", "no question");
  expect_list_refused("categories: {A: {questions: [{question: '  '}]}}", "an empty question");
  expect_list_refused("categories: {A: {questions: [{question: {a: b}}]}}", "no question");
  expect_list_refused("categories: {A: x}", "must be a map");
  expect_list_refused("categories: {A: {questions: [", "a list.yaml");
  EXPECT_PILLAR_ERROR(load_question_list("/no/such/list.yaml"), ErrorCategory::io, HasSubstr("list.yaml"));
}

TEST(QuestionList, ThePhantomsListIsWhatItsLabelsAsk) {
  const QuestionList list = load_question_list(configs() / "rate/phantom_chest_abdomen.yaml");
  std::map<std::string, std::string> ours, theirs;
  for (std::size_t i = 0; i < list.questions.size(); ++i) ours[list.questions[i]] = list.categories[i];
  for (const FindingKind kind : all_findings()) theirs[rate_question(kind)] = rate_category(kind);
  EXPECT_EQ(ours, theirs);
  EXPECT_EQ(ours.size(), 10u);
  EXPECT_TRUE(list.notes.empty());
}

TEST(QuestionList, ThePhantomsPromptsAskBothSidesOfEach) {
  const QuestionList list = load_question_list(configs() / "rate/phantom_chest_abdomen.yaml");
  std::map<std::string, std::set<std::string>> sides;
  for (const PromptLine& prompt : read_prompt_lines(configs() / "rate/phantom_prompts.jsonl")) {
    EXPECT_EQ(prompt.name, prompt.question + "|" + prompt.polarity);
    sides[prompt.question].insert(prompt.polarity);
  }
  EXPECT_EQ(sides.size(), list.questions.size());
  for (const std::string& question : list.questions)
    EXPECT_THAT(sides[question], ElementsAre("negative", "positive")) << question;
}

}  // namespace
}  // namespace pillar
