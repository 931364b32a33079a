// pillar-rate extract: reports to labels.
#include "pillar/rate/extract.h"

#include "pillar/core/fail.h"
#include "pillar/core/notes.h"
#include "pillar/rate/rate_config.h"

#include "commands.h"
#include "support/api_key.h"
#include "support/data_folder.h"

#include <cstdio>
#include <memory>

#include <fmt/format.h>

namespace pillar {
namespace {

struct ExtractArguments {
  ExtractOptions options;
  std::string provider = "server", stages = "all", answers = "yes-no", ask = "question";
  std::string mode = "600", api_key_env;
  std::filesystem::path prompts;
};

std::string summary_line(const ExtractArguments& a, const ExtractSummary& summary) {
  std::string text =
      fmt::format("{} reports, {} questions: {} answers", summary.reports, summary.questions, summary.asked);
  if (summary.kept > 0) text += fmt::format(", {} there already", summary.kept);
  if (summary.missing > 0) text += fmt::format(", {} missing (missing.csv)", summary.missing);
  if (summary.unsupported > 0)
    text += fmt::format(", {} with a quote that is not in the report", summary.unsupported);
  if (summary.given_up > 0)
    text +=
        fmt::format(", {} given up (see {})", summary.given_up, (a.options.out / "failures.csv").string());
  if (summary.asked > 0 && summary.seconds > 0)
    text += fmt::format("; {:.1f} answers/s", static_cast<double>(summary.asked) / summary.seconds);
  if (summary.tokens_in + summary.tokens_out > 0)
    text += fmt::format(", {} tokens in, {} out", summary.tokens_in, summary.tokens_out);
  return text;
}

ExitCode extract(ExtractArguments& a, bool quiet) {
  set_file_mode(a.mode);
  a.options.stages = parse_rate_stages(a.stages);
  a.options.quiet = quiet;
  if (a.provider == "rules") a.options.provider = RateProvider::rules;
  if (!a.options.read_responses.empty()) {
    if (a.provider == "rules")
      fail(ErrorCategory::usage, "--read-responses is for a language model, not for --provider rules");
    a.options.provider = RateProvider::responses;
  }
  a.options.prompts.insert(a.options.prompts.begin(), data_folder() / "configs/rate/prompts.yaml");
  if (!a.prompts.empty()) a.options.prompts.push_back(a.prompts);
  if (a.options.provider == RateProvider::server && a.options.write_requests.empty())
    a.options.server.api_key = api_key_from_environment(a.api_key_env);
  a.options.answers = a.answers == "tri-state" ? AnswerKind::tri_state : AnswerKind::yes_no;
  a.options.ask = a.ask == "category" ? AskBy::category : AskBy::question;
  const ExtractSummary summary = run_rate_extract(a.options);
  log_notes(summary.notes);
  if (!a.options.write_requests.empty()) {
    if (!quiet)
      std::printf("%s: %lld requests\n", a.options.write_requests.c_str(),
                  static_cast<long long>(summary.written_requests));
    return ExitCode::ok;
  }
  if (!quiet) std::printf("%s\n", summary_line(a, summary).c_str());
  return summary.given_up > 0 ? ExitCode::some_inputs_failed : ExitCode::ok;
}

void add_inputs(CLI::App& command, ExtractArguments& a) {
  command
      .add_option("--reports", a.options.reports,
                  "CSV, or JSON lines (*.jsonl), with an accession and a report; several files are one list")
      ->required()
      ->type_name("FILE");
  command
      .add_option("--questions", a.options.questions,
                  "YAML: {modality, categories: {NAME: {description, questions: [{question}]}}}")
      ->required()
      ->type_name("LIST");
  command.add_option("--out,-o", a.options.out, "folder: the journal, and the files made from it")
      ->required()
      ->type_name("DIR");
  command
      .add_option("--accession-col", a.options.columns.accession,
                  "column or key of the accession [Accession; of JSON lines without it: sample_name]")
      ->type_name("NAME");
  command
      .add_option("--report-col", a.options.columns.report,
                  "column or key of the report [Report Text; of JSON lines of cohorts: report_metadata]")
      ->type_name("NAME");
  command
      .add_option("--stages", a.stages,
                  "all, or some of remove-comparisons, extract-findings, map-categories and "
                  "process-questions, with commas")
      ->capture_default_str();
  add_mode_option(command, a.mode);
  command.add_flag("--restart", a.options.restart, "drop the answers that the folder has, and ask anew");
}

void add_asking(CLI::App& command, ExtractArguments& a) {
  command
      .add_option("--provider", a.provider,
                  "server; rules: patterns of a YAML file, no language model, for demos and tests")
      ->check(CLI::IsMember({"server", "rules"}))
      ->capture_default_str();
  command.add_option("--rules", a.options.rules, "of --provider rules: YAML with scopes and patterns")
      ->type_name("FILE");
  command
      .add_option(
          "--answers", a.answers,
          "yes-no; tri-state adds Uncertain and a quote, which must stand in the report word for word")
      ->check(CLI::IsMember({"yes-no", "tri-state"}))
      ->capture_default_str();
  command
      .add_option("--ask", a.ask,
                  "a request for each question, or one for all questions of a category: far fewer tokens")
      ->check(CLI::IsMember({"question", "category"}))
      ->capture_default_str();
}

constexpr const char* kServerGroup =
    "Server (OpenAI's POST /v1/chat/completions: vLLM, SGLang, llama.cpp, ...)";

void add_model(CLI::App& command, ExtractArguments& a) {
  ExtractOptions& options = a.options;
  command
      .add_option("--url", options.server.url,
                  "http://HOST:PORT; /v1/chat/completions is added where it is missing")
      ->group(kServerGroup);
  command.add_option("--model", options.server.model, "as the server knows it")
      ->type_name("NAME")
      ->group(kServerGroup);
  command
      .add_option("--api-key-env", a.api_key_env,
                  "environment variable with the API key [OPENAI_API_KEY, if set]")
      ->type_name("NAME")
      ->group(kServerGroup);
  command
      .add_option_function<std::filesystem::path>(
          "--config", [&options](const std::filesystem::path& file) { apply_rate_config(file, options); },
          "the public engine's YAML: model, server, processing, prompt_templates; flags count more")
      ->trigger_on_parse()
      ->type_name("FILE")
      ->group(kServerGroup);
  command
      .add_option("--prompts", a.prompts,
                  "YAML with prompt_templates that replace ours (share/pillar/configs/rate/prompts.yaml)")
      ->type_name("FILE")
      ->group(kServerGroup);
  command
      .add_option("--body", options.server.body,
                  "JSON object to add to each request: what this server understands, "
                  "'{\"chat_template_kwargs\": {\"enable_thinking\": false}}' say")
      ->type_name("JSON")
      ->group(kServerGroup);
  command
      .add_flag("--logprobs", options.logprobs,
                "ask for log-probabilities, and write how probable each Yes was: probabilities.csv")
      ->group(kServerGroup);
  command.add_option("--temperature", options.sampling.temperature)
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str()
      ->group(kServerGroup);
  command.add_option("--top-p", options.sampling.top_p)
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(kServerGroup);
  command.add_option("--max-tokens", options.sampling.max_tokens, "of an answer, thinking among them")
      ->check(CLI::Range(1, 1 << 30))
      ->capture_default_str()
      ->group(kServerGroup);
}

void add_requests(CLI::App& command, ExtractArguments& a) {
  RateServer& server = a.options.server;
  command.add_option("--max-concurrency", server.connections, "requests at a time, over kept connections")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str()
      ->group(kServerGroup);
  command.add_option("--timeout", server.timeout_s, "seconds for one request")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str()
      ->group(kServerGroup);
  command.add_option("--retries", server.retries, "after a failed request: no connection, 408, 429, 5xx")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str()
      ->group(kServerGroup);
  command
      .add_option("--retry-wait", server.first_wait_s, "seconds before the first retry; doubles each time")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str()
      ->group(kServerGroup);
  command
      .add_option("--longest-wait", server.longest_wait_s,
                  "seconds; a request whose server asks for more is given up")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str()
      ->group(kServerGroup);
  const char* group = "Offline engines (OpenAI batch format, one JSON object a line)";
  command
      .add_option("--write-requests", a.options.write_requests,
                  "ask nobody: write what would be asked into this file")
      ->type_name("FILE")
      ->group(group);
  command
      .add_option("--read-responses", a.options.read_responses, "ask nobody: take the answers from this file")
      ->type_name("FILE")
      ->excludes("--write-requests")
      ->group(group);
}

}  // namespace

void add_extract(AppContext& context) {
  CLI::App* command = context.app.add_subcommand("extract", "reports to labels");
  command->footer(
      "Examples:\n"
      "  pillar-rate extract --reports reports.csv --questions chest.yaml --out labels --url "
      "http://localhost:8000 --model Qwen/Qwen3-30B-A3B --ask category\n"
      "  pillar-rate extract --reports reports.csv --questions chest.yaml --out labels --stages "
      "process-questions --answers tri-state --url http://localhost:8000 --model m\n"
      "  pillar-rate extract --reports reports.csv --questions chest.yaml --out labels --model m "
      "--write-requests requests.jsonl\n"
      "Reports leave this machine for the server that --url names.\n"
      "Run again, it asks what has no answer yet. In DIR: labels.json for pillar-eval probe, the public "
      "engine's files, missing.csv, failures.csv.");
  auto a = std::make_shared<ExtractArguments>();
  add_inputs(*command, *a);
  add_asking(*command, *a);
  add_model(*command, *a);
  add_requests(*command, *a);
  command->callback([a, &context] { context.result = extract(*a, context.log.quiet); });
}

}  // namespace pillar
