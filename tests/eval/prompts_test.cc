#include "pillar/eval/prompts.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/text_caches.h"
#include "support/torch_file.h"

#include <fstream>

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>

namespace pillar {
namespace {

using test::pickled;
using test::pickled_dict;
using test::pickled_integer;
using test::pickled_text;
using test::ramp;
using test::TempDir;
using test::torch_file;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string list_of(const std::vector<std::string>& texts) {
  std::string pickle = "](";
  for (const std::string& text : texts) pickle += pickled_text(text);
  return pickle + "e";
}

void write_bank(const std::filesystem::path& file, const std::string& keys, const std::string& embeddings) {
  write_file_atomic(file, torch_file(pickled_dict({{"keys", keys}, {"embeddings", embeddings}}),
                                     {at::arange(6, at::kFloat)}));
}
const std::string kTwoOfThree = pickled({.sizes = {2, 3}, .strides = {3, 1}});

TEST(Prompts, NamesSayWhichSideTheyAre) {
  EXPECT_EQ(prompt_named("Is it, \"x\"?|positive").question, "Is it, \"x\"?");
  EXPECT_EQ(prompt_named("Q|positive").polarity, Polarity::positive);
  EXPECT_EQ(prompt_named("Q|negative").polarity, Polarity::negative);
  EXPECT_EQ(prompt_named("Q|negative").name, "Q|negative");
  for (const char* name : {"Q", "|positive", "Q|Positive", "positive", "a|b"}) {
    EXPECT_EQ(prompt_named(name).polarity, Polarity::none) << name;
    EXPECT_EQ(prompt_named(name).question, name);
  }
}

TEST(Prompts, LinesSayItToo) {
  EXPECT_EQ(prompt_of({"n", "t", "Q", "negative", 1}).question, "Q");
  EXPECT_EQ(prompt_of({"n", "t", "Q", "negative", 1}).polarity, Polarity::negative);
  EXPECT_EQ(prompt_of({"n|positive", "t", "Q", "", 1}).polarity, Polarity::none);
  EXPECT_EQ(prompt_of({"n|positive", "t", "", "", 1}).question, "n");
}

TEST(PromptFileKind, GoesByContent) {
  const TempDir dir;
  write_bank(dir / "bank.jsonl", list_of({"a", "b"}), kTwoOfThree);
  EXPECT_EQ(prompt_file_kind(dir / "bank.jsonl"), PromptFile::bank);
  EXPECT_EQ(prompt_file_kind(dir / "."), PromptFile::cache);
  write_file_atomic(dir / "packed", std::string_view("\x10\0\0\0\0\0\0\0{}", 10));
  EXPECT_EQ(prompt_file_kind(dir / "packed"), PromptFile::cache);
  write_file_atomic(dir / "lines.pt", std::string_view("\n {\"sample_name\": 1}"));
  EXPECT_EQ(prompt_file_kind(dir / "lines.pt"), PromptFile::lines);
  for (const std::string_view text : {"", "question,prompt\n",
                                      "\x7f"
                                      "ELF and more"}) {
    write_file_atomic(dir / "x", text);
    EXPECT_PILLAR_ERROR(prompt_file_kind(dir / "x"), ErrorCategory::input, HasSubstr("no prompts"));
  }
  EXPECT_PILLAR_ERROR(prompt_file_kind(dir / "absent"), ErrorCategory::io, HasSubstr("absent"));
}

TEST(PromptBank, ReadsWhatTorchSaveWrote) {
  const TempDir dir;
  write_bank(dir / "bank.pt", list_of({"Q, \"1\"?|positive", "<b>|negative"}), kTwoOfThree);
  const PromptSet set = load_prompt_bank(dir / "bank.pt");
  ASSERT_EQ(set.prompts.size(), 2u);
  EXPECT_EQ(set.prompts[0].question, "Q, \"1\"?");
  EXPECT_EQ(set.prompts[1].name, "<b>|negative");
  EXPECT_TRUE(at::equal(set.vectors_pw, at::arange(6, at::kFloat).reshape({2, 3})));
}

TEST(PromptBank, RefusesOtherShapes) {
  const TempDir dir;
  const auto refused = [&](const std::string& keys, const std::string& embeddings, const char* fault) {
    write_bank(dir / "bank.pt", keys, embeddings);
    EXPECT_PILLAR_ERROR(load_prompt_bank(dir / "bank.pt"), ErrorCategory::input,
                        AllOf(HasSubstr("bank.pt"), HasSubstr(fault)));
  };
  refused(list_of({"a"}), kTwoOfThree, "1 keys for 2 embeddings");
  refused(list_of({"a", "b", "c"}), kTwoOfThree, "3 keys for 2 embeddings");
  refused(list_of({"a", "a"}), kTwoOfThree, "prompt 'a' is in it twice");
  refused(list_of({"a", ""}), kTwoOfThree, "without a name");
  refused("](" + pickled_text("a") + pickled_integer(1) + "e", kTwoOfThree, "no list of texts at 'keys'");
  refused(pickled_integer(1), kTwoOfThree, "no list of texts at 'keys'");
  refused(list_of({"a", "b"}), pickled_integer(1), "no tensor at 'embeddings'");
  refused(list_of({"a", "b"}), pickled({.sizes = {6}, .strides = {1}}), "shape (6)");
  refused(list_of({"a", "b"}), pickled({.storage = "IntStorage", .sizes = {2, 3}, .strides = {3, 1}}),
          "type Int");
  refused(list_of({"a", "b"}), pickled({.sizes = {2, 0}, .strides = {1, 1}}), "shape (2,0)");
  refused(list_of({"a", "b"}), pickled({.sizes = {2, 4}, .strides = {4, 1}}), "larger than its data");
  write_file_atomic(dir / "cut.pt", ByteView(read_file(dir / "bank.pt")).first(200));
  EXPECT_PILLAR_ERROR(load_prompt_bank(dir / "cut.pt"), ErrorCategory::input, HasSubstr("cut.pt"));
  std::ofstream(dir / "text.pt") << "keys: [a]";
  EXPECT_PILLAR_ERROR(load_prompt_bank(dir / "text.pt"), ErrorCategory::input, HasSubstr("text.pt"));
}

TEST(CachedPrompts, AreFoundByQuestion) {
  const TempDir dir;
  test::write_public_cache(dir / "text",
                           {{"Q1|positive", {{"all_findings", ramp(4, 1)}}},
                            {"Q1|negative", {{"all_findings", ramp(4, 2)}}},
                            {"Q2", {{"all_findings", ramp(4, 3)}}}},
                           4);
  const auto names = cached_prompt_names(dir / "text", {"Q0", "Q1", "Q2"});
  EXPECT_THAT(names, ElementsAre("Q1|positive", "Q1|negative", "Q2"));
  const PromptSet set = load_cached_prompts(dir / "text", names, "all_findings");
  EXPECT_EQ(set.prompts[1].polarity, Polarity::negative);
  EXPECT_TRUE(at::equal(set.vectors_pw[1], ramp(4, 2)));
  EXPECT_PILLAR_ERROR(cached_prompt_names(dir / "text", {"Q9, \"x\"?"}), ErrorCategory::input,
                      AllOf(HasSubstr("of 1 questions none"), HasSubstr("Q9, \"x\"?|positive")));
  EXPECT_PILLAR_ERROR(load_cached_prompts(dir / "text", {"Q3"}, "all_findings"), ErrorCategory::input,
                      HasSubstr("Q3"));
  EXPECT_PILLAR_ERROR(load_cached_prompts(dir / "text", {"Q2"}, "other"), ErrorCategory::input,
                      HasSubstr("no category 'other'"));
}

TEST(CachedPrompts, HalfOfAPairIsAnError) {
  const TempDir dir;
  test::write_public_cache(dir / "text", {{"Q|negative", {{"all_findings", ramp(4, 1)}}}}, 4);
  EXPECT_PILLAR_ERROR(cached_prompt_names(dir / "text", {"Q"}), ErrorCategory::input,
                      HasSubstr("has 'Q|negative' but not 'Q|positive'"));
}

TEST(PromptNames, ALineOrAnObjectEach) {
  const TempDir dir;
  const auto read = [&](const std::string& text) {
    write_file_atomic(dir / "names", text);
    return read_prompt_names(dir / "names");
  };
  EXPECT_THAT(read("Is it, \"x\"?|positive\r\n\n  b \nc"),
              ElementsAre("Is it, \"x\"?|positive", "  b ", "c"));
  EXPECT_THAT(read("{\"sample_name\":\"a\"}\n{\"sample_name\":\"b\"}\n"), ElementsAre("a", "b"));
  EXPECT_PILLAR_ERROR(read(" \n"), ErrorCategory::input, HasSubstr("no prompt name"));
  EXPECT_PILLAR_ERROR(read("a\nb\na"), ErrorCategory::input, HasSubstr("'a' is in it twice"));
  EXPECT_PILLAR_ERROR(read("{\"sample_name\":\"a\"}\nb"), ErrorCategory::input, HasSubstr(":2"));
}

}  // namespace
}  // namespace pillar
