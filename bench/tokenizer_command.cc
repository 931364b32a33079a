// pillar-bench tokenizer: loading a tokenizer.json, and reports to token ids on one thread.
#include "pillar/text/tokenizer.h"

#include "command.h"
#include "tokenizer_cases.h"

#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar::bench {
namespace {

struct TokenizerArguments : CommonArguments {
  TokenizerOptions tokenizer;
};

void bench_tokenizer(TokenizerArguments& a, const char* program) {
  const Scratch scratch(a.scratch);
  if (a.tokenizer.file.empty()) {
    a.tokenizer.file = scratch.path / "tokenizer.json";
    make_byte_tokenizer(a.tokenizer.file);
  }
  a.run.child_command = {program,       "tokenizer",
                         "--tokenizer", a.tokenizer.file.string(),
                         "--reports",   std::to_string(a.tokenizer.reports)};
  for (const auto& entry : run_and_report(tokenizer_cases(a.tokenizer), a, 1)) {
    const auto& ours = entry["ours"];
    if (ours.contains("tokens_a_second")) {
      fmt::print("\n{:.2f} M tokens/s a thread, {:.1f} bytes a token\n",
                 ours["tokens_a_second"].get<double>() / 1e6, ours["bytes_a_token"].get<double>());
    }
  }
}

}  // namespace

void add_tokenizer(CLI::App& app, const char* program) {
  CLI::App* command = app.add_subcommand("tokenizer", "loading a tokenizer.json, reports to token ids");
  auto a = std::make_shared<TokenizerArguments>();
  add_run_options(command, *a);
  command
      ->add_option("--tokenizer", a->tokenizer.file,
                   "a tokenizer.json; without it a small one with bytes and a few merges")
      ->type_name("FILE");
  command->add_option("--reports", a->tokenizer.reports, "how many texts")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  command->callback([a, program] { bench_tokenizer(*a, program); });
}

}  // namespace pillar::bench
