#include "pillar/eval/prompts.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"
#include "pillar/text/report_lines.h"

#include "core/shared/torch_file.h"

#include <algorithm>
#include <unordered_set>

#include <ATen/ops/empty.h>
#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPositive = "|positive", kNegative = "|negative";
constexpr std::uint64_t kMostPromptBytes = 1u << 30;
constexpr std::size_t kLengthBytes = 8;  // a packed file begins with a length, whose high bytes are zero

[[noreturn]] void no_bank(const fs::path& file, const std::string& fault) {
  fail(ErrorCategory::input, "{}: no prompt bank of {{keys, embeddings}}: {}", file, fault);
}

void check_names(const std::vector<std::string>& names, const fs::path& file) {
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : names) {
    if (name.empty()) fail(ErrorCategory::input, "{}: a prompt without a name", file);
    if (!seen.insert(name).second)
      fail(ErrorCategory::input, "{}: prompt '{}' is in it twice", file, printable(name));
  }
}

std::vector<Prompt> prompts_named(const std::vector<std::string>& names) {
  std::vector<Prompt> prompts;
  for (const std::string& name : names) prompts.push_back(prompt_named(name));
  return prompts;
}

bool starts_with_brace(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '{';
}

std::vector<std::string> plain_lines(std::string_view text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") != std::string_view::npos) lines.emplace_back(line);
    begin = end + 1;
  }
  return lines;
}

}  // namespace

Prompt prompt_named(const std::string& name) {
  for (const auto& [ending, polarity] :
       {std::pair{kPositive, Polarity::positive}, std::pair{kNegative, Polarity::negative}}) {
    if (name.size() > ending.size() && name.ends_with(ending))
      return {name, name.substr(0, name.size() - ending.size()), polarity};
  }
  return {name, name, Polarity::none};
}

Prompt prompt_of(const PromptLine& line) {
  if (line.polarity == "positive") return {line.name, line.question, Polarity::positive};
  if (line.polarity == "negative") return {line.name, line.question, Polarity::negative};
  if (!line.question.empty()) return {line.name, line.question, Polarity::none};
  return prompt_named(line.name);
}

PromptFile prompt_file_kind(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return PromptFile::cache;
  const MappedFile file(path);
  const ByteView bytes = file.bytes();
  if (looks_like_torch_file(bytes)) return PromptFile::bank;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const bool packed = text.substr(0, kLengthBytes).find('\0') != std::string_view::npos;
  if (!packed && starts_with_brace(text)) return PromptFile::lines;
  if (packed) return PromptFile::cache;
  fail(ErrorCategory::input,
       "{}: no prompts: a .pt bank of {{keys, embeddings}}, a text cache, or JSON lines with sample_name and "
       "report_metadata are wanted",
       path);
}

PromptSet load_prompt_bank(const fs::path& file) {
  const auto mapped = std::make_shared<const MappedFile>(file);
  const TorchContent content = read_torch_content(mapped->bytes(), file.string(), mapped);
  const auto keys = content.text_lists.find("keys");
  const auto stored = content.tensors.find("embeddings");
  if (keys == content.text_lists.end()) no_bank(file, "no list of texts at 'keys'");
  if (stored == content.tensors.end()) no_bank(file, "no tensor at 'embeddings'");
  const at::Tensor& vectors = stored->second;
  if (vectors.dim() != 2 || !vectors.is_floating_point() || vectors.numel() == 0) {
    no_bank(file, fmt::format("embeddings of type {} and shape ({})", c10::toString(vectors.scalar_type()),
                              fmt::join(vectors.sizes(), ",")));
  }
  if (vectors.size(0) != static_cast<std::int64_t>(keys->second.size()))
    no_bank(file, fmt::format("{} keys for {} embeddings", keys->second.size(), vectors.size(0)));
  check_names(keys->second, file);
  return {file.string(), prompts_named(keys->second),
          vectors.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true).contiguous()};
}

PromptSet load_cached_prompts(const fs::path& cache, const std::vector<std::string>& names,
                              const std::string& category) {
  const TextCache vectors = TextCache::open(cache);
  const auto count = static_cast<std::int64_t>(names.size());
  PromptSet set{cache.string(), prompts_named(names), at::empty({count, vectors.width()}, at::kFloat)};
  for (std::int64_t i = 0; i < count; ++i)
    set.vectors_pw[i].copy_(vectors.vector(names[static_cast<std::size_t>(i)], category));
  return set;
}

std::vector<std::string> cached_prompt_names(const fs::path& cache,
                                             const std::vector<std::string>& questions) {
  const TextCache vectors = TextCache::open(cache);
  std::vector<std::string> names;
  for (const std::string& question : questions) {
    const std::string positive = fmt::format("{}{}", question, kPositive);
    const std::string negative = fmt::format("{}{}", question, kNegative);
    const bool has_positive = vectors.contains(positive), has_negative = vectors.contains(negative);
    if (has_positive != has_negative) {
      fail(ErrorCategory::input, "{}: has '{}' but not '{}'", cache,
           printable(has_positive ? positive : negative), printable(has_positive ? negative : positive));
    }
    if (has_positive) {
      names.push_back(positive);
      names.push_back(negative);
    } else if (vectors.contains(question)) {
      names.push_back(question);
    }
  }
  if (names.empty()) {
    fail(ErrorCategory::input,
         "{}: of {} questions none has a prompt there: '{}|positive' and '...|negative', or '{}'", cache,
         questions.size(), questions.empty() ? "QUESTION" : printable(questions.front()),
         questions.empty() ? "QUESTION" : printable(questions.front()));
  }
  return names;
}

InputRecord text_record(const std::string& what, const fs::path& path) {
  InputRecord record = file_record(what, fs::is_directory(path) ? path / "metadata.json" : path);
  record.path = path;
  return record;
}

std::vector<std::string> read_prompt_names(const fs::path& file) {
  const std::string text = read_text_file(file, kMostPromptBytes);
  std::vector<std::string> names;
  if (starts_with_brace(text)) {
    for_each_report(file, [&](const ReportLine& line) { names.push_back(line.study); });
  } else {
    names = plain_lines(text);
  }
  if (names.empty()) fail(ErrorCategory::input, "{}: no prompt name in it", file);
  check_names(names, file);
  return names;
}

}  // namespace pillar
