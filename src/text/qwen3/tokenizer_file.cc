#include "text/qwen3/tokenizer_file.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"

#include "core/shared/json_place.h"
#include "text/qwen3/unicode_text.h"

#include <cstddef>
#include <string_view>

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::uint64_t kMostTokenizerBytes = 256 << 20;

// ByteLevel with use_regex splits by this: the pattern of GPT-2's encoder.py.
constexpr const char* kGpt2Split =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// Takes model.vocab and model.merges out of the file while it is parsed, since 300,000 entries are read much
// faster so than as a tree of values. What cannot be taken stays in the tree.
class LongLists {
 public:
  explicit LongLists(TokenizerFile& into) : into_(into) {}

  // What nlohmann's parser asks: whether it shall keep a key or value. `depth` counts the lists and objects
  // around it.
  bool keep(int depth, Json::parse_event_t event, Json& value) {
    const bool is_key = event == Json::parse_event_t::key;
    if (is_key && depth == 1) {
      in_model_ = value == "model";
      list_.clear();
    } else if (is_key && depth == 2) {
      list_ = in_model_ ? value.get<std::string>() : std::string();
    } else if (depth == 3 && list_ == "vocab") {
      return keep_vocabulary(is_key, value);
    } else if (depth == 3 && list_ == "merges") {
      return keep_merge(value);
    }
    return true;
  }

 private:
  bool keep_vocabulary(bool is_key, Json& value) {
    if (is_key) {
      into_.vocabulary.push_back({std::move(value.get_ref<std::string&>()), -1});
      return false;
    }
    if (value.is_number_unsigned() && value.get<std::uint64_t>() <= kLargestTokenId &&
        !into_.vocabulary.empty())
      into_.vocabulary.back().id = value.get<std::int32_t>();
    return true;
  }

  // A pair of texts, or one text with a space in it.
  bool keep_merge(Json& value) {
    if (value.is_array() && value.size() == 2 && value[0].is_string() && value[1].is_string()) {
      into_.merges.emplace_back(std::move(value[0].get_ref<std::string&>()),
                                std::move(value[1].get_ref<std::string&>()));
      return false;
    }
    if (!value.is_string()) return true;
    const auto& text = value.get_ref<const std::string&>();
    if (text.starts_with("#version")) return false;  // the first line of a merges.txt
    const std::size_t space = text.find(' ');
    if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos) return true;
    into_.merges.emplace_back(text.substr(0, space), text.substr(space + 1));
    return false;
  }

  TokenizerFile& into_;
  bool in_model_ = false;
  std::string list_;  // key within the model
};

// All but the long lists.
JsonPlace read_around_lists(const fs::path& file, TokenizerFile& into) {
  const MappedFile mapped(file);
  if (mapped.bytes().size() > kMostTokenizerBytes)
    fail(ErrorCategory::input, "{}: larger than any tokenizer.json ({} bytes)", file, mapped.bytes().size());
  LongLists lists(into);
  try {
    const Json around = Json::parse(
        mapped.bytes().begin(), mapped.bytes().end(),
        [&](int depth, Json::parse_event_t event, Json& value) { return lists.keep(depth, event, value); });
    return JsonPlace::parse_object(around.dump(), file);
  } catch (const Json::exception& error) {
    fail(ErrorCategory::input, "{}: not JSON: {}", file, printable(error.what()));
  }
}

// The steps of a component: those of a Sequence in their order, or itself. None where it is null.
std::vector<JsonPlace> steps_of(const JsonPlace& whole, const char* component, const char* list) {
  if (!whole.has(component)) return {};
  const JsonPlace place = whole.at(component);
  if (place.text("type") != "Sequence") return {place};
  return place.at(list).items();
}

[[noreturn]] void refuse_component(const fs::path& file, const char* component, const std::string& what,
                                   const char* known) {
  fail(ErrorCategory::unsupported, "{}: {} {} is not supported, only {}", file, component, printable(what),
       known);
}

void read_normalizer(const JsonPlace& whole, const fs::path& file, TokenizerFile& into) {
  for (const JsonPlace& step : steps_of(whole, "normalizer", "normalizers")) {
    if (step.text("type") != "NFC") refuse_component(file, "normalizer", step.text("type"), "NFC");
    into.composes = true;
  }
}

SplitPattern read_split(const JsonPlace& step, const fs::path& file) {
  if (step.text("behavior") != "Isolated")
    refuse_component(file, "pre_tokenizer Split with behavior", step.text("behavior"), "Isolated");
  if (step.flag("invert")) refuse_component(file, "pre_tokenizer Split with invert", "true", "false");
  const JsonPlace pattern = step.at("pattern");
  const bool is_literal = !pattern.has("Regex");
  return {pattern.text(is_literal ? "String" : "Regex"),
          is_literal ? ExpressionSyntax::literal : ExpressionSyntax::regex};
}

// Splits, and at the end the step that turns bytes into the vocabulary's letters.
void read_pre_tokenizer(const JsonPlace& whole, const fs::path& file, TokenizerFile& into) {
  bool is_byte_level = false;
  for (const JsonPlace& step : steps_of(whole, "pre_tokenizer", "pretokenizers")) {
    const std::string type = step.text("type");
    if (is_byte_level) refuse_component(file, "pre_tokenizer after ByteLevel", type, "none");
    if (type == "Split") {
      into.splits.push_back(read_split(step, file));
    } else if (type == "ByteLevel") {
      is_byte_level = true;
      if (step.flag("add_prefix_space"))
        refuse_component(file, "pre_tokenizer ByteLevel with add_prefix_space", "true", "false");
      if (!step.has("use_regex") || step.flag("use_regex")) into.splits.emplace_back().text = kGpt2Split;
    } else {
      refuse_component(file, "pre_tokenizer", type, "Split and ByteLevel");
    }
  }
  if (!is_byte_level)
    fail(ErrorCategory::unsupported, "{}: pre_tokenizer has no ByteLevel: not a byte-level tokenizer", file);
}

std::int32_t token_id(const JsonPlace& place) {
  const std::int64_t id = place.whole();
  if (id > kLargestTokenId) place.refuse("an id below 4194304");
  return static_cast<std::int32_t>(id);
}

// The template of a single text: tokens before it, itself, tokens after it.
void read_template(const JsonPlace& step, TokenizerFile& into) {
  bool is_after = false;
  std::vector<std::int32_t> before, after;
  for (const JsonPlace& piece : step.at("single").items()) {
    if (piece.has("Sequence")) {
      if (is_after || piece.at("Sequence").text("id") != "A") piece.refuse("the one place of the text, A");
      is_after = true;
      continue;
    }
    const std::string name = piece.at("SpecialToken").text("id");
    for (const JsonPlace& id : step.at("special_tokens").at(name.c_str()).at("ids").items())
      (is_after ? after : before).push_back(token_id(id));
  }
  if (!is_after) step.at("single").refuse("a template with a place for the text");
  into.ids_before.insert(into.ids_before.begin(), before.begin(), before.end());
  into.ids_after.insert(into.ids_after.end(), after.begin(), after.end());
}

void read_post_processor(const JsonPlace& whole, const fs::path& file, TokenizerFile& into) {
  for (const JsonPlace& step : steps_of(whole, "post_processor", "processors")) {
    const std::string type = step.text("type");
    if (type == "TemplateProcessing") {
      read_template(step, into);
    } else if (type != "ByteLevel") {  // which changes no ids
      refuse_component(file, "post_processor", type, "ByteLevel and TemplateProcessing");
    }
  }
}

void read_added_tokens(const JsonPlace& whole, TokenizerFile& into) {
  if (!whole.has("added_tokens")) return;
  for (const JsonPlace& place : whole.at("added_tokens").items()) {
    AddedToken token;
    token.content = place.text("content");
    if (token.content.empty()) place.at("content").refuse("a text that is not empty");
    token.id = token_id(place.at("id"));
    token.is_special = place.flag("special");
    token.single_word = place.flag("single_word");
    token.takes_left_space = place.flag("lstrip");
    token.takes_right_space = place.flag("rstrip");
    token.is_normalized = place.flag("normalized");
    std::string buffer;
    token.sought = token.is_normalized && into.composes ? as_nfc(token.content, buffer) : token.content;
    into.added.push_back(std::move(token));
  }
}

// `unk_token`, `fuse_unk` and `byte_fallback` say what becomes of a letter without a token. There is none:
// each byte must have its token.
void read_model(const JsonPlace& model, const fs::path& file, TokenizerFile& into) {
  const std::string type = model.has("type")     ? model.text("type")
                           : model.has("merges") ? "BPE"
                                                 : "without a type";
  if (type != "BPE") refuse_component(file, "model", type, "BPE");
  if (model.has("dropout") && model.number("dropout") != 0)
    refuse_component(file, "model BPE with dropout", model.at("dropout").any_text(), "null");
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (model.has(affix) && !model.text(affix).empty())
      fail(ErrorCategory::unsupported, "{}: model BPE with {} is not supported, only null", file, affix);
  }
  into.takes_whole_words = model.has("ignore_merges") && model.flag("ignore_merges");
  for (const VocabularyEntry& entry : into.vocabulary) {
    if (entry.id < 0) {
      fail(ErrorCategory::input, "{}: model.vocab: '{}' must have a whole number from 0 to {}", file,
           printable(entry.letters), kLargestTokenId);
    }
  }
  if (into.vocabulary.empty() || !model.at("vocab").members().empty())
    model.at("vocab").refuse("an object of tokens and their ids");
  if (!model.at("merges").items().empty())
    model.at("merges").items().front().refuse("a pair of tokens, or two with a space between them");
}

}  // namespace

TokenizerFile read_tokenizer_file(const fs::path& file) {
  TokenizerFile read;
  const JsonPlace whole = read_around_lists(file, read);
  read_model(whole.at("model"), file, read);
  read_normalizer(whole, file, read);
  read_pre_tokenizer(whole, file, read);
  read_post_processor(whole, file, read);
  for (const JsonPlace& step : steps_of(whole, "decoder", "decoders")) {
    if (step.text("type") != "ByteLevel") refuse_component(file, "decoder", step.text("type"), "ByteLevel");
  }
  if (whole.has("truncation") && whole.at("truncation").text("direction") != "Right")
    refuse_component(file, "truncation with direction", whole.at("truncation").text("direction"), "Right");
  read_added_tokens(whole, read);
  return read;
}

}  // namespace pillar
