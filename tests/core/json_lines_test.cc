#include "core/shared/json_lines.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <cmath>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Seen {
  std::vector<std::int64_t> steps;
  std::string text;
  bool cut = false;
};

Seen read(const std::string& content) {
  TempDir dir;
  const std::filesystem::path path = dir / "a log.jsonl";
  write_file_atomic(path, content);
  Seen seen;
  seen.cut = visit_json_lines(path, [&](const JsonLine& line) {
    seen.steps.push_back(whole_number(line, "step", path));
    seen.text += line.text;
  });
  return seen;
}

TEST(JsonLines, WholeLinesInOrder) {
  const std::string content = "{\"step\":3}\n{\"a\":[{}],\"step\":1}\r\n";
  const Seen seen = read(content);
  EXPECT_THAT(seen.steps, ElementsAre(3, 1));
  EXPECT_EQ(seen.text, content);
  EXPECT_FALSE(seen.cut);
  EXPECT_FALSE(read("").cut);
}

TEST(JsonLines, WhatWasCutOffIsLeftOut) {
  // The last one holds what some file systems leave where the power failed.
  for (const std::string& tail : std::vector<std::string>{"{\"st", "{\"step\":2}", "x", {'\0', '\0'}}) {
    const Seen seen = read(fmt::format("{{\"step\":1}}\n{}", tail));
    EXPECT_THAT(seen.steps, ElementsAre(1));
    EXPECT_TRUE(seen.cut);
  }
}

TEST(JsonLines, ABadLineIsNamed) {
  for (const char* bad : {"", "[1]", "{\"step\":NaN}", "{\"step\":2}{", "step,loss", "\xff"}) {
    EXPECT_PILLAR_ERROR(read(fmt::format("{{\"step\":1}}\n{}\n", bad)), ErrorCategory::input,
                        AllOf(HasSubstr("a log.jsonl: line 2"), HasSubstr("not a JSON object")));
  }
  EXPECT_PILLAR_ERROR(read(fmt::format("{{\"a\":\"{:x>2000000}\"}}\n", "")), ErrorCategory::input,
                      HasSubstr("line 1 has 2000009 bytes"));
  EXPECT_PILLAR_ERROR(read(fmt::format("{:[>900000}\n", "")), ErrorCategory::input, HasSubstr("line 1"));
  EXPECT_PILLAR_ERROR(visit_json_lines("/nowhere/log", [](const JsonLine&) {}), ErrorCategory::io,
                      HasSubstr("/nowhere/log"));
}

TEST(JsonLines, AStepIsAWholeNumber) {
  for (const char* bad :
       {"{}", "{\"step\":-1}", "{\"step\":1.5}", "{\"step\":\"1\"}", "{\"step\":null}", "{\"step\":1e3}",
        "{\"step\":18446744073709551615}", "{\"step\":9007199254740993}"}) {
    EXPECT_PILLAR_ERROR(read(fmt::format("{}\n", bad)), ErrorCategory::input,
                        AllOf(HasSubstr("line 1"), HasSubstr("step")));
  }
  EXPECT_THAT(read("{\"step\":9007199254740992}\n").steps, ElementsAre(std::int64_t{1} << 53));
}

TEST(JsonLines, WhatALineHasAtItsKeys) {
  TempDir dir;
  const std::filesystem::path path = dir / "a log.jsonl";
  write_file_atomic(path, std::string_view(R"({"phase":"train","loss":null,"epoch":0.5,"acc":-1,"bad":[]})"
                                           "\n"));
  visit_json_lines(path, [&](const JsonLine& line) {
    EXPECT_EQ(text_at(line, "phase", path), "train");
    EXPECT_EQ(number_from_zero(line, "epoch", path), 0.5);
    const auto numbers = numbers_of(line, {"phase", "epoch", "bad"}, path);
    ASSERT_EQ(numbers.size(), 2u);
    EXPECT_EQ(numbers[0], std::pair(std::string("acc"), -1.0));
    EXPECT_EQ(numbers[1].first, "loss");
    EXPECT_TRUE(std::isnan(numbers[1].second));
    EXPECT_PILLAR_ERROR(text_at(line, "loss", path), ErrorCategory::input,
                        HasSubstr("a log.jsonl: line 1 has no \"loss\""));
    EXPECT_PILLAR_ERROR(number_from_zero(line, "acc", path), ErrorCategory::input,
                        HasSubstr("line 1: \"acc\" must be a number from 0 on"));
    EXPECT_PILLAR_ERROR(numbers_of(line, {"phase"}, path), ErrorCategory::input,
                        HasSubstr("line 1: \"bad\" is neither a number nor null"));
  });
}

}  // namespace
}  // namespace pillar
