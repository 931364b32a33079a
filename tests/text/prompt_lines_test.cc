#include "pillar/text/prompt_lines.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::vector<PromptLine> read(const std::string& text) {
  const TempDir dir;
  write_file_atomic(dir / "my prompts.jsonl", text);
  return read_prompt_lines(dir / "my prompts.jsonl");
}

void expect_refused(const std::string& text, const std::string& fault) {
  EXPECT_PILLAR_ERROR(read(text), ErrorCategory::input,
                      AllOf(HasSubstr("my prompts.jsonl"), HasSubstr(fault)));
}

TEST(PromptLines, KeepsOrderWordsAndSides) {
  const auto prompts = read(
      "{\"sample_name\":\"a\",\"report_metadata\":\"An \\\"effusion\\\", left\",\"question\":\"Q, "
      "<b>1</b>?\","
      "\"polarity\":\"positive\"}\n\n"
      "{\"report_metadata\":\"No effusion\",\"sample_name\":\"b\",\"question\":null,\"more\":[1]}");
  ASSERT_EQ(prompts.size(), 2u);
  EXPECT_EQ(prompts[0].name, "a");
  EXPECT_EQ(prompts[0].text, "An \"effusion\", left");
  EXPECT_EQ(prompts[0].question, "Q, <b>1</b>?");
  EXPECT_EQ(prompts[0].polarity, "positive");
  EXPECT_EQ(prompts[1].name, "b");
  EXPECT_EQ(prompts[1].question, "");
  EXPECT_EQ(prompts[1].polarity, "");
  EXPECT_EQ(prompts[1].line, 3u) << "blank lines count";
}

TEST(PromptLines, RefusesWhatIsNone) {
  expect_refused("", "no prompt in it");
  expect_refused("\n{\"sample_name\":\"a\"", "my prompts.jsonl:2: no JSON object");
  expect_refused("[1]", ":1: no JSON object");
  expect_refused("{\"report_metadata\":\"x\"}", "sample_name is missing");
  expect_refused("{\"sample_name\":\"a\"}", "prompt 'a' has no words");
  expect_refused("{\"sample_name\":\"a\",\"report_metadata\":\" \\t\\n\"}", "prompt 'a' has no words");
  expect_refused("{\"sample_name\":\"a\",\"report_metadata\":7}", "report_metadata is no text");
  const std::string good = "{\"sample_name\":\"a\",\"report_metadata\":\"x\"";
  expect_refused(good + ",\"polarity\":\"positive\"}", "to which question");
  expect_refused(good + ",\"question\":\"q\",\"polarity\":\"yes\"}", "polarity 'yes'");
  expect_refused(good + "}\n" + good + "}", ":2: prompt 'a' again, first in line 1");
  EXPECT_PILLAR_ERROR(read_prompt_lines("/no/such.jsonl"), ErrorCategory::io, HasSubstr("such.jsonl"));
}

}  // namespace
}  // namespace pillar
