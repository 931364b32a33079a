// pillar-text embed: reports to a cache.
#include "pillar/text/provider.h"

#include "commands.h"
#include "support/text_model.h"
#include "support/text_server.h"

#include <cstdio>
#include <memory>

#include <fmt/format.h>

namespace pillar {
namespace {

constexpr const char* kModelFlag = "--model";  // the server's, or a folder

struct EmbedArguments {
  TextEmbedJob job;
  std::string provider = "server";
  TextServerArguments server;
  TextModelArguments model;
  HashNgramOptions hash;
};

TextProvider provider_of(EmbedArguments& a) {
  if (a.provider == "hash") return hash_provider(a.job.cache, a.job.json_lines, a.hash);
  if (a.provider == "server") return server_provider(text_server_options(a.server, kModelFlag));
  a.model.options.model = a.server.options.model;
  a.model.options.compute.longest_text = a.job.max_length;
  return qwen3_provider(text_model_options(a.model, kModelFlag));
}

// "train+valid" of train.jsonl and valid.jsonl.
std::string split_of(const std::vector<std::filesystem::path>& files) {
  std::string text;
  for (const auto& file : files) text += fmt::format("{}{}", text.empty() ? "" : "+", file.stem().string());
  return text;
}

std::string summary_text(const EmbedArguments& a, const TextEmbedSummary& summary) {
  std::string text = fmt::format("{} embedded", summary.embedded);
  if (summary.kept > 0) text += fmt::format(", {} there already", summary.kept);
  if (summary.failed > 0)
    text += fmt::format(", {} failed (see {})", summary.failed, (a.job.cache / "failures.csv").string());
  if (summary.cut > 0) {
    text += fmt::format(", {} cut at {} tokens (see {})", summary.cut, a.job.max_length,
                        (a.job.cache / "cut.csv").string());
  }
  if (summary.embedded > 0 && summary.seconds > 0)
    text += fmt::format("; {:.1f} reports/s", static_cast<double>(summary.embedded) / summary.seconds);
  if (summary.tokens > 0)
    text += fmt::format(", {:.0f} tokens/s", static_cast<double>(summary.tokens) / summary.seconds);
  return text;
}

ExitCode embed(EmbedArguments& a, bool batch_is_given, bool quiet) {
  a.job.quiet = quiet;
  if (a.job.split.empty()) a.job.split = split_of(a.job.json_lines);
  const TextProvider provider = provider_of(a);
  describe_provider(a.job, provider);
  if (provider.texts_a_call > 0 && !batch_is_given)
    a.job.batch_size = static_cast<int>(provider.texts_a_call);
  const TextEmbedSummary summary = run_text_embed(a.job, provider.embed);
  if (!quiet) std::printf("%s\n", summary_text(a, summary).c_str());
  return summary.failed > 0 ? ExitCode::some_inputs_failed : ExitCode::ok;
}

void add_data(CLI::App& command, EmbedArguments& a) {
  command
      .add_option("--json", a.job.json_lines,
                  "JSON lines with sample_name and report_metadata; several files go into one cache")
      ->required()
      ->type_name("FILE");
  command.add_option("--out,-o", a.job.cache, "cache folder: metadata.json, embeddings/, failures.csv")
      ->required()
      ->type_name("DIR");
  command
      .add_option("--provider", a.provider,
                  "server; qwen3: a model in a folder, computed here; hash: no language model, for demos and "
                  "tests")
      ->check(CLI::IsMember({"server", "qwen3", "hash"}))
      ->capture_default_str();
  command.add_option("--dataset", a.job.dataset_name, "for metadata.json")->type_name("NAME");
  command.add_option("--split", a.job.split, "for metadata.json; default: the names of the files")
      ->type_name("NAME");
  command
      .add_option("--batch", a.job.batch_size,
                  "reports a request, or a call of the model; qwen3: by default a batch of tokens full")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command.add_option("--jobs,-j", a.job.jobs, "requests at a time")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
}

void add_server(CLI::App& command, EmbedArguments& a) {
  add_text_server_options(command, a.server, kModelFlag, true);
  command
      .add_option(
          "--max-length", a.job.max_length,
          "tokens that are read of a report. A server is not told: it is for metadata.json; qwen3 cuts there")
      ->check(CLI::Range(1, 1 << 30))
      ->capture_default_str()
      ->group(command.get_option("--url")->get_group());
}

void add_hash(CLI::App& command, EmbedArguments& a) {
  const char* group = "Hashed n-grams of words (--provider hash)";
  command.add_option("--width", a.hash.width, "numbers in a vector")
      ->check(CLI::Range(8, 1 << 16))
      ->capture_default_str()
      ->group(group);
  command.add_option("--seed", a.hash.seed, "of the hash")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(group);
}

}  // namespace

void add_embed(AppContext& context) {
  CLI::App* command = context.app.add_subcommand("embed", "reports to a cache of vectors");
  command->footer(
      "Examples:\n"
      "  pillar-text embed --json train.jsonl --json valid.jsonl --out text --url http://localhost:8000 "
      "--model "
      "Qwen/Qwen3-Embedding-8B --jobs 8\n"
      "  OPENAI_API_KEY=... pillar-text embed --json train.jsonl --out text --url https://api.openai.com "
      "--model "
      "text-embedding-3-large\n"
      "  pillar-text embed --json train.jsonl --out text --provider qwen3 --model Qwen3-Embedding-8B\n"
      "  pillar-text embed --json train.jsonl --out text --provider hash --width 256\n"
      "Reports leave this machine for the server that --url names.\n"
      "Run again, it embeds what is not there yet, and reports that changed.");
  auto a = std::make_shared<EmbedArguments>();
  a->job.dataset_name = "reports";
  a->job.jobs = 4;
  add_data(*command, *a);
  add_server(*command, *a);
  add_hash(*command, *a);
  add_text_model_options(*command, a->model);
  command->callback([a, command, &context] {
    context.result = embed(*a, command->count("--batch") > 0, context.log.quiet);
  });
}

}  // namespace pillar
