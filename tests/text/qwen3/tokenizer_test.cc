#include "pillar/text/tokenizer.h"

#include "pillar/core/file.h"
#include "pillar/core/safetensors.h"

#include "support/expect_error.h"
#include "support/goldens.h"
#include "support/temp_dir.h"
#include "text/qwen3/unicode_text.h"

#include <random>
#include <thread>

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::golden;
using test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using TokenizerJson = nlohmann::ordered_json;
using Ids = std::vector<std::int32_t>;

TokenizerJson parse_file(const fs::path& file) {
  return TokenizerJson::parse(read_text_file(file));
}

// The small tokenizer of random models, changed by `edit`.
template <typename Edit>
Tokenizer edited_tokenizer(const Edit& edit) {
  TempDir dir;
  make_byte_tokenizer(dir / "tokenizer.json");
  TokenizerJson json = parse_file(dir / "tokenizer.json");
  edit(json);
  write_file_atomic(dir / "tokenizer.json", json.dump());
  return Tokenizer::load(dir / "tokenizer.json");
}

Tokenizer small_tokenizer() {
  return edited_tokenizer([](const TokenizerJson&) {});
}

constexpr std::int32_t kSmallEnd = 288;  // <|endoftext|> of the small tokenizer

void add_token_with(TokenizerJson& json, const std::string& content, const std::vector<std::string>& flags) {
  TokenizerJson token = {{"id", 0},         {"content", content},  {"single_word", false}, {"lstrip", false},
                         {"rstrip", false}, {"normalized", false}, {"special", false}};
  token["id"] = json["model"]["vocab"].size() + json["added_tokens"].size();
  for (const std::string& flag : flags) token[flag] = true;
  json["added_tokens"].push_back(token);
}

// Reports in an order that no caller would choose: letters, digits, marks, line ends, emoji, of one to four
// bytes each.
std::string random_text(std::mt19937& draws) {
  static const std::vector<std::string> kPieces = {"No acute findings",
                                                   " ",
                                                   "  ",
                                                   "\n",
                                                   "\r\n",
                                                   "\t",
                                                   "12.5",
                                                   "'s",
                                                   "DON'T",
                                                   "é",
                                                   "e\u0301",
                                                   "\u0301",
                                                   "\u0327",
                                                   "ﬁ",
                                                   "ß",
                                                   "漢字",
                                                   "가",
                                                   "\u1100",
                                                   "\u1161",
                                                   "\u11A8",
                                                   "\u00A0",
                                                   "\u3000",
                                                   "😀",
                                                   "\u200D",
                                                   "٣",
                                                   "²",
                                                   "\u1E9B\u0323",
                                                   "—",
                                                   "<|im",
                                                   "|>",
                                                   "_",
                                                   "x"};
  std::string text;
  for (auto count = draws() % 40; count > 0; --count) text += kPieces[draws() % kPieces.size()];
  return text;
}

// What Unicode's NFC makes of it; decoding cannot know what the text was before.
std::string composed(std::string_view text) {
  std::string valid, buffer;
  return std::string(as_nfc(as_valid_utf8(text, valid), buffer));
}

TEST(Tokenizer, EveryTextOfTheGoldenHasTheIdsOfTheReference) {
  PILLAR_NEEDS_GOLDEN("qwen/tokenizer");
  const Tokenizer tokenizer = Tokenizer::load(golden("qwen/tokenizer/tokenizer.json"));
  EXPECT_EQ(tokenizer.size(), 151669);
  for (const TokenizerJson& expected : parse_file(golden("qwen/tokenizer/ids.json"))) {
    const auto text = expected["text"].get<std::string>();
    const EncodedText encoded = tokenizer.encode(text);
    EXPECT_EQ(encoded.ids, expected["ids"].get<Ids>()) << text;
    EXPECT_FALSE(encoded.was_cut());
    EXPECT_EQ(tokenizer.encode_plain(text), expected["ids_without_special"].get<Ids>()) << text;
    EXPECT_EQ(tokenizer.decode(encoded.ids), expected["decoded"].get<std::string>());
  }
}

TEST(Tokenizer, TextsOfTheSmallModelsAreCutWhereTheReferenceCutsThem) {
  PILLAR_NEEDS_GOLDEN("qwen/mha_tied");
  for (const char* name : {"qwen/mha_tied", "qwen/gqa_headdim32"}) {
    const Tokenizer tokenizer = Tokenizer::load(golden(name) / "tokenizer.json");
    const TokenizerJson texts = parse_file(golden(name) / "texts.json")["texts"];
    const SafetensorsFile expected(golden(name) / "io.safetensors");
    int compared = 0;
    for (const int length : {32, 512}) {
      for (std::size_t i = 0; i < texts.size(); ++i) {
        const at::Tensor ids = expected.tensor(fmt::format("ids.{}.{}", length, i));
        const EncodedText encoded = tokenizer.encode(texts[i].get<std::string>(), length);
        EXPECT_EQ(encoded.ids, Ids(ids.const_data_ptr<int>(), ids.const_data_ptr<int>() + ids.numel()));
        EXPECT_LE(encoded.ids.size(), encoded.whole_length);
        ++compared;
      }
    }
    EXPECT_GT(compared, 10);
  }
}

TEST(Tokenizer, MergesMayStandAsPairsOrAsText) {
  const Tokenizer as_text = edited_tokenizer([](TokenizerJson& json) {
    TokenizerJson lines = {"#version: 0.2"};
    for (const TokenizerJson& pair : json["model"]["merges"])
      lines.push_back(pair[0].get<std::string>() + " " + pair[1].get<std::string>());
    json["model"]["merges"] = lines;
  });
  const std::string text = "The heart is not enlarged and there is no effusion.";
  EXPECT_EQ(as_text.encode(text).ids, small_tokenizer().encode(text).ids);
  EXPECT_LT(as_text.encode(text).ids.size(), text.size()) << "something merges";
}

TEST(Tokenizer, ACutTextKeepsWhatStandsAroundIt) {
  const Tokenizer both_sides = edited_tokenizer([](TokenizerJson& json) {
    TokenizerJson& step = json["post_processor"]["processors"][1];
    const TokenizerJson start = {{"SpecialToken", {{"id", "start"}, {"type_id", 0}}}};
    step["single"].insert(step["single"].begin(), start);
    step["special_tokens"]["start"] = {{"id", "start"}, {"ids", {289, 290}}, {"tokens", {"a", "b"}}};
  });
  EXPECT_THAT(both_sides.encode("xyz").ids, ElementsAre(289, 290, 'x', 'y', 'z', kSmallEnd));
  const EncodedText cut = both_sides.encode("xyz", 5);
  EXPECT_THAT(cut.ids, ElementsAre(289, 290, 'x', 'y', kSmallEnd));
  EXPECT_TRUE(cut.was_cut());
  EXPECT_EQ(cut.whole_length, 6);
  EXPECT_THAT(both_sides.encode("xyz", 3).ids, ElementsAre(289, 290, kSmallEnd));
  EXPECT_FALSE(both_sides.encode("xyz", 6).was_cut());
  EXPECT_PILLAR_ERROR(both_sides.encode("xyz", 2), ErrorCategory::usage, HasSubstr("around each text are 3"));
}

struct FlagCase {
  std::vector<std::pair<std::string, std::vector<std::string>>> tokens;  // contents and flags
  std::string text;
  Ids ids;
  std::string decoded;
};

// The expected ids and texts are those of the reference (tokenizers 0.23). Bytes have themselves as ids, the
// first added token 291.
TEST(Tokenizer, FlagsOfAddedTokensDecideWhatBelongsToThem) {
  const std::vector<FlagCase> cases = {
      {{{"QQ", {}}}, "x QQ  y", {120, 32, 291, 32, 32, 121}, "x QQ  y"},
      {{{"QQ", {"lstrip"}}}, "x \u00A0QQ  y", {120, 291, 32, 32, 121}, "xQQ  y"},
      {{{"QQ", {"rstrip"}}}, "x QQ \u3000 y", {120, 32, 291, 121}, "x QQy"},
      {{{"QQ", {"lstrip", "rstrip"}}}, "QQ QQ  QQ", {291, 291, 291}, "QQQQQQ"},
      {{{"QQ", {"single_word"}}},
       "xQQ QQ_ (QQ) QQ",
       {120, 81, 81, 32, 81, 81, 95, 32, 40, 291, 41, 32, 291},
       "xQQ QQ_ (QQ) QQ"},
      {{{"QQ", {"single_word"}}},
       "QQ\u0301 QQ\u200D \u0663QQ \u00B2QQ",
       {81, 81, 204, 129, 32, 81, 81, 226, 128, 141, 32, 217, 163, 81, 81, 32, 194, 178, 291},
       "QQ\u0301 QQ\u200D \u0663QQ \u00B2QQ"},
      {{{"e\u0301", {"normalized"}}}, "\u00E9 e\u0301", {291, 32, 291}, "\uFFFD \uFFFD"},
      {{{"e\u0301", {}}}, "\u00E9 e\u0301", {195, 169, 32, 291}, "\u00E9 e\u0301"},
      {{{"QQ", {"special"}}, {"QQR", {}}}, "QQRQQQQR", {292, 291, 292}, "QQRQQR"},
      {{{"QQ", {"special"}}}, "xQQy", {120, 291, 121}, "xy"},
      {{{"Zq", {"rstrip"}}, {" x", {}}}, "Zq   xy", {291, 292, 121}, "Zq xy"},
  };
  for (const FlagCase& expected : cases) {
    const Tokenizer tokenizer = edited_tokenizer([&](TokenizerJson& json) {
      for (const auto& [content, flags] : expected.tokens) add_token_with(json, content, flags);
    });
    EXPECT_EQ(tokenizer.encode_plain(expected.text), expected.ids) << expected.text;
    EXPECT_EQ(tokenizer.decode(expected.ids), expected.decoded);
  }
}

TEST(Tokenizer, DecodingGivesTheComposedTextBack) {
  const Tokenizer tokenizer = small_tokenizer();
  std::mt19937 draws(7);
  for (int i = 0; i < 2000; ++i) {
    const std::string text = random_text(draws);
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text).ids), composed(text)) << text;
  }
}

TEST(Tokenizer, AnyBytesHaveIds) {
  const Tokenizer tokenizer = small_tokenizer();
  std::mt19937 draws(8);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes;
    for (auto count = draws() % 60; count > 0; --count)
      bytes += static_cast<char>(draws() % 3 == 0 ? draws() % 128 : 128 + draws() % 128);
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(bytes).ids), composed(bytes));
  }
}

TEST(Tokenizer, EachMaximalInvalidSequenceIsOneReplacementCharacter) {
  const Tokenizer tokenizer = small_tokenizer();
  const auto read = [&](std::string_view bytes) { return tokenizer.decode(tokenizer.encode_plain(bytes)); };
  const std::string r = "\uFFFD";
  EXPECT_EQ(read("a\xFF"
                 "b"),
            "a" + r + "b");
  EXPECT_EQ(read("\xE2\x82"), r) << "a character that is cut off is one sequence";
  EXPECT_EQ(read("\xE2\x82z"), r + "z");
  EXPECT_EQ(read("\xF0\x9F\x98"), r);
  EXPECT_EQ(read("\xED\xA0\x80"), r + r + r) << "half of a surrogate pair";
  EXPECT_EQ(read("\xC0\x80"), r + r) << "more bytes than the character needs";
  EXPECT_EQ(read("\xE0\x9F\xBF"), r + r + r);
  EXPECT_EQ(read("\xF4\x90\x80\x80"), r + r + r + r) << "beyond U+10FFFF";
  EXPECT_EQ(read(std::string_view("a\0b", 3)), std::string("a\0b", 3)) << "zero is a character as others are";
}

TEST(Tokenizer, TextsOfTenMegabytesAreRead) {
  const Tokenizer tokenizer = small_tokenizer();
  constexpr std::size_t kTenMegabytes = 10'000'000;
  for (const char letter : {'t', ' ', '\n', '\xE2'}) {
    const std::string text(kTenMegabytes, letter);
    const EncodedText encoded = tokenizer.encode(text, 512);
    EXPECT_EQ(encoded.ids.size(), 512u);
    EXPECT_EQ(encoded.ids.back(), kSmallEnd);
    EXPECT_GE(encoded.whole_length, 5'000'000);
  }
}

TEST(Tokenizer, SeveralThreadsGetTheSameIds) {
  const Tokenizer tokenizer = small_tokenizer(), alone = small_tokenizer();
  std::mt19937 draws(9);
  std::vector<std::string> texts;
  std::vector<Ids> expected, found(200);
  for (int i = 0; i < 200; ++i) {
    texts.push_back(random_text(draws));
    expected.push_back(alone.encode(texts.back()).ids);
  }
  std::vector<std::thread> threads;
  for (std::size_t first = 0; first < 4; ++first) {
    threads.emplace_back([&, first] {
      for (std::size_t i = first; i < texts.size(); i += 4) found[i] = tokenizer.encode(texts[i]).ids;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(found, expected);
}

TEST(Tokenizer, AnIdThatNoTokenHasIsNotDecoded) {
  const Tokenizer tokenizer = small_tokenizer();
  for (const std::int32_t id : {-1, 291, 1 << 30})
    EXPECT_PILLAR_ERROR(tokenizer.decode(Ids{id}), ErrorCategory::usage, HasSubstr("no token has the id"));
}

}  // namespace
}  // namespace pillar
