// pillar-eval zero-shot: scans against prompts.
#include "pillar/core/fail.h"
#include "pillar/eval/zero_shot_job.h"
#include "pillar/viz/evaluation_report.h"

#include "commands.h"
#include "label_options.h"
#include "support/statistics.h"
#include "text_source.h"

#include <fmt/format.h>

namespace pillar {
namespace {

struct ZeroShotArguments {
  std::filesystem::path model, prompts, prompt_names, text;
  std::string category = "all_findings";
  LabelFlags labels;
  TextSource source;
  ZeroShotJob job;
};

PromptSet embedded_lines(ZeroShotArguments& a, const JointSpace& space) {
  const std::vector<PromptLine> lines = read_prompt_lines(a.prompts);
  PromptSet set;
  set.source = a.prompts.string();
  std::vector<NamedText> texts;
  for (const PromptLine& line : lines) {
    set.prompts.push_back(prompt_of(line));
    texts.push_back({fmt::format("{}:{}: prompt '{}'", set.source, line.line, line.name), line.text});
  }
  set.vectors_pw = embed_from_source(a.source, texts, a.text, space.projection.text_width, a.job.settings);
  return set;
}

PromptSet cached(const ZeroShotArguments& a, const std::optional<LabelTable>& labels) {
  if (a.prompt_names.empty() && !labels) {
    fail(ErrorCategory::usage,
         "{}: a text cache cannot list what it has: --labels or --prompt-names says which prompts",
         a.prompts);
  }
  return load_cached_prompts(a.prompts,
                             a.prompt_names.empty() ? cached_prompt_names(a.prompts, labels->questions)
                                                    : read_prompt_names(a.prompt_names),
                             a.category);
}

PromptSet prompts_of(ZeroShotArguments& a, const JointSpace& space, const std::optional<LabelTable>& labels) {
  const PromptFile kind = prompt_file_kind(a.prompts);
  if (kind != PromptFile::cache && !a.prompt_names.empty())
    fail(ErrorCategory::usage, "--prompt-names goes with --prompts that are a text cache");
  a.job.prompt_inputs.push_back(text_record("prompts", a.prompts));
  if (!a.prompt_names.empty()) a.job.prompt_inputs.push_back(file_record("prompt names", a.prompt_names));
  switch (kind) {
    case PromptFile::bank:
      return load_prompt_bank(a.prompts);
    case PromptFile::cache:
      return cached(a, labels);
    case PromptFile::lines:
      break;
  }
  return embedded_lines(a, space);
}

void print_summary(const ZeroShotJob& job, const ZeroShotRun& run) {
  fmt::print("studies               {}\n", run.studies);
  fmt::print("{:<22}{}\n", run.probabilities ? "questions" : "prompts", run.questions);
  if (run.evaluation) {
    const Evaluation& evaluation = *run.evaluation;
    fmt::print("with labels           {}, {} with both answers\n", evaluation.questions.size(),
               evaluation.num_evaluated);
    fmt::print("macro AUROC           {}\n", interval_text(evaluation.auroc.mean));
    fmt::print("macro avg. precision  {}\n", interval_text(evaluation.average_precision.mean));
    print_unknown(evaluation);
  }
  fmt::print("{}: scores.csv, metrics.json, report.html{}\n", job.out.string(),
             !run.evaluation     ? ""
             : run.probabilities ? ", metrics.csv, exam_probabilities.csv, ..."
                                 : ", metrics.csv");
}

ExitCode zero_shot(ZeroShotArguments& a, const std::vector<std::string>& words, bool quiet) {
  a.job.command = words;
  a.job.answers = a.labels.rules();
  check_bootstrap_options(a.job.bootstrap);
  const JointSpace space = load_joint_space(a.model);
  std::optional<LabelTable> labels;
  if (!a.job.labels.empty()) {
    labels = load_labels(a.job.labels,
                         a.job.label_map.empty() ? standard_answers() : load_answer_map(a.job.label_map));
    log_notes(labels->notes);
  }
  const PromptSet prompts = prompts_of(a, space, labels);
  const ZeroShotRun run = run_zero_shot(space, prompts, labels, a.job);
  write_evaluation_report(a.job.out, a.job.out / "report.html");
  if (!quiet) print_summary(a.job, run);
  return ExitCode::ok;
}

void add_inputs(CLI::App& command, ZeroShotArguments& a) {
  command
      .add_option("--model", a.model, "folder or weights file of a model that was pretrained with reports")
      ->required();
  command.add_option("--embeddings", a.job.cache, "cache folder of pillar-eval embed")->required();
  command.add_option("--split", a.job.split)->capture_default_str();
  command.add_flag("--allow-mixed", a.job.allow_mixed,
                   "go on where the embeddings are of other weights than --model; says so");
  command
      .add_option("--prompts", a.prompts,
                  "a .pt bank {keys, embeddings}, a cache of pillar-text, or JSON lines with sample_name, "
                  "report_metadata and, for pairs, question and polarity")
      ->required();
  command.add_option("--prompt-names", a.prompt_names,
                     "prompts of a text cache: a name a line, or JSON lines; default: the labels' questions");
  command.add_option("--category", a.category, "of vectors in a text cache")->capture_default_str();
  command.add_option("--text", a.text, "--provider hash: text cache that the model was trained with");
  command.add_option("--out", a.job.out, "run folder: scores.csv, metrics, report.html")->required();
  add_label_flags(command, a.job.labels, a.job.label_map, a.labels);
  command
      .add_option("--patients", a.job.patients,
                  "CSV accession,patient: a patient's studies are resampled together")
      ->needs("--labels");
}

}  // namespace

void add_zero_shot(AppContext& context) {
  CLI::App* command = context.app.add_subcommand("zero-shot", "scans against prompts, without any training");
  command->footer(
      "Examples:\n"
      "  pillar-eval zero-shot --model model --embeddings cache --prompts bank.pt --out zs --labels "
      "labels.json\n"
      "  pillar-eval zero-shot --model model --embeddings cache --prompts prompts.jsonl --out zs --provider "
      "hash "
      "--text text\n"
      "  pillar-eval zero-shot --model model --embeddings cache --prompts prompts.jsonl --out zs --provider "
      "qwen3 "
      "--model-text Qwen3-Embedding-8B\n"
      "Prompts named QUESTION|positive and QUESTION|negative are a pair and give a probability; any other "
      "gives "
      "its cosine.\n"
      "With --provider server, prompts in JSON lines leave this machine for the server that --url names.");
  auto a = std::make_shared<ZeroShotArguments>();
  add_inputs(*command, *a);
  add_text_source(*command, a->source);
  add_bootstrap_options(*command, a->job.bootstrap);
  command->callback([a, &context] { context.result = zero_shot(*a, context.words, context.log.quiet); });
}

}  // namespace pillar
