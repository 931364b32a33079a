#include "pillar/core/file.h"
#include "pillar/text/tokenizer.h"

#include "text/qwen3/byte_letters.h"

#include <array>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using OrderedJson = nlohmann::ordered_json;

// Pairs of letters that are frequent in English; "Ġ" stands for a space.
constexpr std::array<std::pair<const char*, const char*>, 32> kFrequentMerges = {{
    {"h", "e"},   {"i", "n"},  {"e", "r"},  {"o", "n"},  {"r", "e"},   {"a", "t"},  {"e", "n"}, {"i", "t"},
    {"o", "r"},   {"e", "s"},  {"a", "l"},  {"i", "s"},  {"a", "n"},   {"a", "r"},  {"i", "c"}, {"l", "e"},
    {"Ġ", "t"},   {"Ġ", "a"},  {"Ġ", "s"},  {"Ġ", "o"},  {"Ġ", "in"},  {"Ġ", "is"}, {"e", "d"}, {"in", "g"},
    {"Ġt", "he"}, {"i", "on"}, {"Ġo", "f"}, {"Ġa", "n"}, {"Ġan", "d"}, {"Ġ", "l"},  {"e", "f"}, {"Ġ", "Ġ"},
}};

constexpr std::array<const char*, 3> kSpecialTokens = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};

// Of Qwen2 and Qwen3: contractions, words with what stands before them, single digits, runs of other
// characters, line ends, white space.
constexpr const char* kQwenSplit =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

OrderedJson byte_level_step() {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", false}, {"use_regex", false}};
}

OrderedJson pre_tokenizer() {
  const OrderedJson split = {
      {"type", "Split"}, {"pattern", {{"Regex", kQwenSplit}}}, {"behavior", "Isolated"}, {"invert", false}};
  return {{"type", "Sequence"}, {"pretokenizers", OrderedJson::array({split, byte_level_step()})}};
}

// Puts the first special token after each text.
OrderedJson post_processor(std::int64_t end_id) {
  const std::string end = kSpecialTokens[0];
  const auto text = [](const char* id, int type) {
    return OrderedJson{{"Sequence", {{"id", id}, {"type_id", type}}}};
  };
  const auto after = [&](int type) {
    return OrderedJson{{"SpecialToken", {{"id", end}, {"type_id", type}}}};
  };
  const OrderedJson one_template = {
      {"type", "TemplateProcessing"},
      {"single", OrderedJson::array({text("A", 0), after(0)})},
      {"pair", OrderedJson::array({text("A", 0), after(0), text("B", 1), after(1)})},
      {"special_tokens",
       {{end, {{"id", end}, {"ids", OrderedJson::array({end_id})}, {"tokens", OrderedJson::array({end})}}}}}};
  return {{"type", "Sequence"}, {"processors", OrderedJson::array({byte_level_step(), one_template})}};
}

OrderedJson bytes_and_merges() {
  OrderedJson vocabulary = OrderedJson::object(), merges = OrderedJson::array();
  for (const std::string& letter : byte_letters()) vocabulary[letter] = vocabulary.size();
  for (const auto& [left, right] : kFrequentMerges) {
    vocabulary[std::string(left) + right] = vocabulary.size();
    merges.push_back({left, right});
  }
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"ignore_merges", false},
          {"vocab", std::move(vocabulary)},
          {"merges", std::move(merges)}};
}

OrderedJson special_token(std::int64_t id, const char* content) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

}  // namespace

std::int64_t make_byte_tokenizer(const std::filesystem::path& file) {
  OrderedJson model = bytes_and_merges();
  const auto first_special = static_cast<std::int64_t>(model["vocab"].size());
  std::int64_t size = first_special;
  OrderedJson added = OrderedJson::array();
  for (const char* content : kSpecialTokens) added.push_back(special_token(size++, content));
  const OrderedJson tokenizer = {{"version", "1.0"},
                                 {"truncation", nullptr},
                                 {"padding", nullptr},
                                 {"added_tokens", std::move(added)},
                                 {"normalizer", {{"type", "NFC"}}},
                                 {"pre_tokenizer", pre_tokenizer()},
                                 {"post_processor", post_processor(first_special)},
                                 {"decoder", byte_level_step()},
                                 {"model", std::move(model)}};
  write_file_atomic(file, tokenizer.dump(1) + "\n");
  return size;
}

}  // namespace pillar
