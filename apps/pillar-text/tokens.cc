// pillar-text tokens: how long reports are for a language model.
#include "pillar/core/fail.h"
#include "pillar/text/token_lengths.h"

#include "commands.h"

#include <algorithm>
#include <cstdio>
#include <memory>

#include <fmt/format.h>

namespace pillar {
namespace {

struct TokensArguments {
  std::vector<std::filesystem::path> json_lines;
  std::filesystem::path model;  // a folder with tokenizer.json
  std::int64_t max_length = 512;
};

double percent(std::int64_t part, std::size_t whole) {
  return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string length_table(const TokenLengths& lengths, std::int64_t max_length) {
  const std::size_t reports = lengths.sorted.size();
  const double mean =
      static_cast<double>(lengths.total()) / static_cast<double>(std::max<std::size_t>(reports, 1));
  std::string text = fmt::format("reports    {}\n", reports);
  if (lengths.empty_reports > 0) text += fmt::format("empty      {} more\n", lengths.empty_reports);
  text += fmt::format("tokens     {}, {:.1f} a report\n", lengths.total(), mean);
  text += fmt::format("shortest   {}\n", lengths.quantile(0));
  for (const int share : {50, 90, 95, 99})
    text += fmt::format("{} %       {}\n", share, lengths.quantile(share / 100.0));
  text += fmt::format("longest    {}\n", lengths.quantile(1));
  const std::int64_t longer = lengths.longer_than(max_length);
  text += fmt::format("over {:<5} {} ({:.2f} %)\n", max_length, longer, percent(longer, reports));
  return text;
}

void tokens(const TokensArguments& a) {
  const std::filesystem::path file = a.model / "tokenizer.json";
  if (!std::filesystem::exists(file))
    fail(ErrorCategory::io, "{}: no tokenizer.json, which a model's folder has", a.model);
  const Tokenizer tokenizer = Tokenizer::load(file);
  std::printf("%s", length_table(measure_token_lengths(a.json_lines, tokenizer), a.max_length).c_str());
}

}  // namespace

void add_tokens(AppContext& context) {
  CLI::App* command = context.app.add_subcommand("tokens", "how long reports are for a language model");
  command->footer(
      "Example:\n"
      "  pillar-text tokens train.jsonl valid.jsonl --model Qwen3-Embedding-8B\n"
      "Counts what the model would read, the tokens that it wants around a text among them. A share in per "
      "cent stands before the length that so many reports do not exceed; the last line counts those that "
      "embed --max-length would cut.");
  auto a = std::make_shared<TokensArguments>();
  command->add_option("FILE", a->json_lines, "JSON lines with sample_name and report_metadata")->required();
  command->add_option("--model", a->model, "folder with the model's tokenizer.json")
      ->required()
      ->type_name("DIR");
  command->add_option("--max-length", a->max_length, "tokens: how many reports are longer?")
      ->check(CLI::Range(1, 1 << 30))
      ->capture_default_str();
  command->callback([a] { tokens(*a); });
}

}  // namespace pillar
