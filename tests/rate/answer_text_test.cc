#include "rate/answer_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

std::string said_as(std::string_view text, bool with_uncertain = false) {
  const auto answer = read_answer(without_thinking(text), with_uncertain);
  return answer ? to_string(answer->verdict) : "unclear";
}

TEST(AnswerText, YesInTheFormsThatModelsGiveIt) {
  for (const char* text : {"Yes",
                           "yes",
                           "YES.",
                           " Yes\n",
                           "**Yes**",
                           "\"Yes\"",
                           "`yes`",
                           "Yes!",
                           "Yes, there is a nodule.",
                           "Yes. A 3 mm nodule is seen.",
                           "Yes - in the left lobe",
                           "Answer: Yes",
                           "**Answer:** Yes",
                           "The answer is yes.",
                           "Final answer: **Yes**",
                           "The nodule is described.\nAnswer: Yes",
                           "The nodule is described.\n\nYes",
                           "<think>No? It says so.</think>Yes",
                           "think aloud</think>\n\nYes.",
                           R"({"answer": "Yes"})",
                           "```json\n{\"answer\": \"yes\"}\n```",
                           R"({"present": true})",
                           "Yes, no change since then."}) {
    EXPECT_EQ(said_as(text), "Yes") << text;
  }
}

TEST(AnswerText, NoInTheFormsThatModelsGiveIt) {
  for (const char* text : {"No", "no.", "**no**", "No, the lungs are clear.", "No (not mentioned)",
                           "Answer: no", "{\"answer\": \"No\"}", "{\"answer\": false}", "No\nNo"}) {
    EXPECT_EQ(said_as(text), "No") << text;
  }
}

TEST(AnswerText, WhatIsNeitherIsUnclear) {
  for (const char* text : {"",
                           "   ",
                           "Maybe",
                           "Uncertain",
                           "Yes and no",
                           "Yes/No",
                           "Yes or No",
                           "Yes. No.",
                           "No evidence of it",
                           "None",
                           "Nothing",
                           "Yesterday",
                           "I cannot answer that.",
                           "<think>Yes, it is",
                           "{\"answer\": \"maybe\"}",
                           "{\"answer\": 1}",
                           "{\"answer\": ",
                           "[\"Yes\"]",
                           "{\"a\": \"Yes\", \"b\": \"No\"}",
                           "Yes\nSo: No\nNo",
                           "The report says yes to that",
                           "{\"answer\": {\"answer\": \"Yes\"}}"}) {
    EXPECT_EQ(said_as(text), "unclear") << text;
  }
}

TEST(AnswerText, UncertainIsAnAnswerWhereItIsAskedFor) {
  EXPECT_EQ(said_as("Uncertain.", true), "Uncertain");
  const auto answer = read_answer(R"({"answer": "Uncertain", "quote": "possible nodule"})", true);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->verdict, SpokenVerdict::uncertain);
  EXPECT_EQ(answer->quote, "possible nodule");
}

TEST(AnswerText, AnswersOfACategoryComeByNumber) {
  const auto answers =
      read_answers(R"({"1": "Yes", "2": {"answer": "No", "quote": "no x"}, "4": "perhaps"})", 4, false);
  ASSERT_TRUE(answers);
  EXPECT_EQ((*answers)[0]->verdict, SpokenVerdict::yes);
  EXPECT_EQ((*answers)[1]->verdict, SpokenVerdict::no);
  EXPECT_EQ((*answers)[1]->quote, "no x");
  EXPECT_FALSE((*answers)[2]);
  EXPECT_FALSE((*answers)[3]);
  EXPECT_FALSE(read_answers("Yes", 1, false));
  EXPECT_FALSE(read_answers("{\"1\": \"Ye", 1, false));
}

TEST(AnswerText, AQuoteStandsInTheReportWordForWord) {
  const std::string report = folded_spaces("There is  a 3 mm\nnodule in the left lung.");
  EXPECT_EQ(report, "There is a 3 mm nodule in the left lung.");
  EXPECT_TRUE(stands_in("a 3 mm nodule", report));
  EXPECT_TRUE(stands_in(" a\t3 mm\n nodule ", report));
  EXPECT_TRUE(stands_in("left lung.", report));
  for (const char* quote : {"", " ", "a 4 mm nodule", "A 3 mm nodule", "odule", "ther", "in the left lun"})
    EXPECT_FALSE(stands_in(quote, report)) << quote;
}

}  // namespace
}  // namespace pillar
