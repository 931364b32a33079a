// Files that are no tokenizer of ours: what the message says.
#include "pillar/core/file.h"
#include "pillar/text/tokenizer.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/tiny_disk.h"

#include <functional>

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using FileJson = nlohmann::ordered_json;

class TokenizerFileTest : public ::testing::Test {
 protected:
  TokenizerFileTest() {
    make_byte_tokenizer(file_);
    whole_ = FileJson::parse(read_text_file(file_));
  }

  void expect_refused(ErrorCategory category, const char* message,
                      const std::function<void(FileJson&)>& edit) {
    FileJson json = whole_;
    edit(json);
    expect_text_refused(category, message, json.dump());
  }
  void expect_text_refused(ErrorCategory category, const char* message, const std::string& text) {
    write_file_atomic(file_, text);
    EXPECT_PILLAR_ERROR(Tokenizer::load(file_), category,
                        AllOf(HasSubstr("tokenizer.json"), HasSubstr(message)));
  }

  TempDir dir_;
  std::filesystem::path file_ = dir_ / "tokenizer.json";
  FileJson whole_;
};

TEST_F(TokenizerFileTest, OtherFamiliesAreRefusedByName) {
  const auto refused = [&](const char* message, const std::function<void(FileJson&)>& edit) {
    expect_refused(ErrorCategory::unsupported, message, edit);
  };
  refused("model WordPiece", [](FileJson& json) {
    json["model"] = {{"type", "WordPiece"}, {"unk_token", "[UNK]"}, {"vocab", {{"[UNK]", 0}, {"a", 1}}}};
  });
  refused("model Unigram", [](FileJson& json) {
    json["model"] = {{"type", "Unigram"}, {"unk_id", 0}, {"vocab", {{"<unk>", 0.0}, {"a", -1.5}}}};
  });
  refused("model without a type", [](FileJson& json) { json["model"] = {{"vocab", {{"a", 0}}}}; });
  refused("dropout 0.1", [](FileJson& json) { json["model"]["dropout"] = 0.1; });
  refused("continuing_subword_prefix",
          [](FileJson& json) { json["model"]["continuing_subword_prefix"] = "##"; });
  refused("end_of_word_suffix", [](FileJson& json) { json["model"]["end_of_word_suffix"] = "</w>"; });
}

TEST_F(TokenizerFileTest, UnknownComponentsAreRefusedByName) {
  const auto refused = [&](const char* message, const std::function<void(FileJson&)>& edit) {
    expect_refused(ErrorCategory::unsupported, message, edit);
  };
  refused("normalizer Lowercase", [](FileJson& json) { json["normalizer"] = {{"type", "Lowercase"}}; });
  refused("normalizer Replace", [](FileJson& json) {
    json["normalizer"] = {{"type", "Sequence"}, {"normalizers", {{{"type", "NFC"}}, {{"type", "Replace"}}}}};
  });
  refused("pre_tokenizer Whitespace", [](FileJson& json) {
    json["pre_tokenizer"]["pretokenizers"][0] = {{"type", "Whitespace"}};
  });
  refused("Split with behavior Removed",
          [](FileJson& json) { json["pre_tokenizer"]["pretokenizers"][0]["behavior"] = "Removed"; });
  refused("invert true", [](FileJson& json) { json["pre_tokenizer"]["pretokenizers"][0]["invert"] = true; });
  refused("add_prefix_space",
          [](FileJson& json) { json["pre_tokenizer"]["pretokenizers"][1]["add_prefix_space"] = true; });
  refused("no ByteLevel", [](FileJson& json) { json["pre_tokenizer"]["pretokenizers"].erase(1); });
  refused("no ByteLevel", [](FileJson& json) { json["pre_tokenizer"] = nullptr; });
  refused("after ByteLevel", [](FileJson& json) {
    json["pre_tokenizer"]["pretokenizers"].push_back({{"type", "Digits"}, {"individual_digits", true}});
  });
  refused("post_processor BertProcessing", [](FileJson& json) {
    json["post_processor"] = {{"type", "BertProcessing"}};
  });
  refused("decoder WordPiece", [](FileJson& json) { json["decoder"] = {{"type", "WordPiece"}}; });
  refused("truncation with direction Left", [](FileJson& json) {
    json["truncation"] = {{"direction", "Left"}};
  });
}

TEST_F(TokenizerFileTest, PartsThatContradictEachOtherAreRefused) {
  const auto refused = [&](const char* message, const std::function<void(FileJson&)>& edit) {
    expect_refused(ErrorCategory::input, message, edit);
  };
  refused("model.merges[32] ('q' and 'zz') names 'zz'", [](FileJson& json) {
    json["model"]["merges"].push_back({"q", "zz"});
  });
  refused("names 'qz'", [](FileJson& json) { json["model"]["merges"].push_back({"q", "z"}); });
  refused("two tokens have the id 5", [](FileJson& json) { json["model"]["vocab"]["qz"] = 5; });
  refused("added token '<|im_end|>' has id 289, but would be read as 290",
          [](FileJson& json) { json["added_tokens"][2]["id"] = 289; });
  refused("added token 'he' has id 291, but would be read as 256", [](FileJson& json) {
    json["added_tokens"].push_back(json["added_tokens"][0]);
    json["added_tokens"][3].update({{"id", 291}, {"content", "he"}});
  });
  refused("has no 'Ġ', the token of byte 32", [](FileJson& json) { json["model"]["vocab"].erase("Ġ"); });
  refused("puts id 4000 around texts", [](FileJson& json) {
    json["post_processor"]["processors"][1]["special_tokens"]["<|endoftext|>"]["ids"] = {4000};
  });
}

TEST_F(TokenizerFileTest, ValuesOfTheWrongKindAreNamed) {
  const auto refused = [&](const char* message, const std::function<void(FileJson&)>& edit) {
    expect_refused(ErrorCategory::input, message, edit);
  };
  refused("model is missing", [](FileJson& json) { json.erase("model"); });
  refused("model must be an object", [](FileJson& json) { json["model"] = "BPE"; });
  refused("model.vocab is missing", [](FileJson& json) { json["model"].erase("vocab"); });
  refused("model.vocab must be an object",
          [](FileJson& json) { json["model"]["vocab"] = FileJson::array({"a"}); });
  refused("model.vocab: 'q' must have a whole number",
          [](FileJson& json) { json["model"]["vocab"]["q"] = -3; });
  refused("model.vocab: 'q' must have a whole number", [](FileJson& json) {
    json["model"]["vocab"]["q"] = {{"id", 3}};
  });
  refused("model.vocab: 'q' must have a whole number",
          [](FileJson& json) { json["model"]["vocab"]["q"] = 1'000'000'000; });
  refused("model.merges is missing", [](FileJson& json) { json["model"].erase("merges"); });
  refused("must be a pair of tokens", [](FileJson& json) { json["model"]["merges"][3] = {"a", "b", "c"}; });
  refused("must be a pair of tokens", [](FileJson& json) { json["model"]["merges"][3] = {"a", 1}; });
  refused("must be a pair of tokens", [](FileJson& json) { json["model"]["merges"][3] = "abc"; });
  refused("added_tokens[1].content", [](FileJson& json) { json["added_tokens"][1]["content"] = ""; });
  refused("added_tokens[1].lstrip", [](FileJson& json) { json["added_tokens"][1]["lstrip"] = "no"; });
  refused("added_tokens[1].id must be an id below 4194304",
          [](FileJson& json) { json["added_tokens"][1]["id"] = 1LL << 40; });
  refused("pre_tokenizer Split: the expression '(' is not understood",
          [](FileJson& json) { json["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "("; });
  refused("the one place of the text", [](FileJson& json) {
    json["post_processor"]["processors"][1]["single"][0]["Sequence"]["id"] = "B";
  });
  refused("a place for the text",
          [](FileJson& json) { json["post_processor"]["processors"][1]["single"].erase(0); });
}

TEST_F(TokenizerFileTest, TextThatIsNoObjectIsRefused) {
  for (const char* text : {"", "[]", "{\"model\": ", "not JSON", "\xFF\xFE"})
    expect_text_refused(ErrorCategory::input, "JSON", text);
  const std::string whole = whole_.dump();
  expect_text_refused(ErrorCategory::input, "not JSON", whole.substr(0, whole.size() / 2));
  const std::string twice =
      "{\"version\": \"1.0\", \"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"a\": 1}, ";
  expect_text_refused(
      ErrorCategory::input, "'a' stands twice",
      twice + "\"merges\": []}, \"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false}}");
  EXPECT_PILLAR_ERROR(Tokenizer::load(dir_ / "absent.json"), ErrorCategory::io, HasSubstr("absent.json"));
}

TEST(ByteTokenizer, AFullDiskIsSaidAndNothingIsLeft) {
  TempDir dir;
  const int answer = test::on_tiny_disk(dir.path(), 4, [&] {
    try {
      make_byte_tokenizer(dir / "tokenizer.json");
    } catch (const Error& error) {
      return error.category() == ErrorCategory::io && std::filesystem::is_empty(dir.path()) ? 0 : 2;
    }
    return 1;
  });
  if (answer < 0) GTEST_SKIP() << "no mount namespace here";
  EXPECT_EQ(answer, 0);
}

}  // namespace
}  // namespace pillar
