// pillar-eval retrieve: scans for reports, reports for scans, and the nearest studies of one query.
#include "pillar/core/fail.h"
#include "pillar/eval/retrieve_job.h"
#include "pillar/viz/evaluation_report.h"

#include "commands.h"
#include "sample_pictures.h"
#include "support/statistics.h"
#include "text_source.h"

#include <fmt/format.h>

namespace pillar {
namespace {

struct RetrieveArguments {
  std::filesystem::path model, samples;
  TextSource source;
  RetrieveJob job;
};

void print_direction(const char* title, const RetrievalDirection& direction) {
  fmt::print("{}\n", title);
  fmt::print("  recall at 1   {}\n", interval_text(direction.recall_at_1));
  fmt::print("  recall at 5   {}\n", interval_text(direction.recall_at_5));
  fmt::print("  recall at 10  {}\n", interval_text(direction.recall_at_10));
  fmt::print("  recall at 50  {}\n", interval_text(direction.recall_at_50));
  fmt::print("  median rank   {}\n", interval_text(direction.median_rank, 1));
}

void print_summary(const RetrieveJob& job, const RetrieveRun& run) {
  fmt::print("pairs           {}\n", run.evaluation.accessions.size());
  print_direction("a scan for a report", run.evaluation.text_to_image);
  print_direction("a report for a scan", run.evaluation.image_to_text);
  if (run.query) {
    fmt::print("nearest to {}\n", run.query->kind == "report" ? "the report" : run.query->text);
    for (const NearestStudy& study : run.query->nearest)
      fmt::print("  {:>3}  {:.3f}  {}\n", study.rank, study.score, study.accession);
  }
  fmt::print("{}: metrics.json, ranks.csv, {}report.html\n", job.out.string(),
             run.query ? "nearest.csv, " : "");
}

void write_pictures(const SampleFinder& finder, const RetrieveJob& job, const RetrievalQuery& query) {
  std::vector<std::string> accessions;
  if (query.kind == "accession") accessions.push_back(query.text);
  for (const NearestStudy& study : query.nearest) accessions.push_back(study.accession);
  write_thumbnails(finder, accessions, job.out);
}

ExitCode retrieve(RetrieveArguments& a, const std::vector<std::string>& words, bool quiet) {
  RetrieveJob& job = a.job;
  job.command = words;
  check_bootstrap_options(job.bootstrap);
  if (!a.samples.empty() && job.query.empty() && job.report.empty())
    fail(ErrorCategory::usage, "--samples shows the nearest studies of --query or --report");
  std::optional<SampleFinder> finder;
  if (!a.samples.empty()) finder.emplace(a.samples);
  const JointSpace space = load_joint_space(a.model);
  if (!job.report.empty()) {
    job.report_vector = embed_from_source(a.source, {{"--report", job.report}}, job.text,
                                          space.projection.text_width, job.settings)[0];
  }
  const RetrieveRun run = run_retrieve(space, job);
  if (finder) write_pictures(*finder, job, *run.query);
  write_evaluation_report(job.out, job.out / "report.html");
  if (!quiet) print_summary(job, run);
  return ExitCode::ok;
}

void add_retrieve_inputs(CLI::App& command, RetrieveArguments& a) {
  command
      .add_option("--model", a.model, "folder or weights file of a model that was pretrained with reports")
      ->required();
  command.add_option("--embeddings", a.job.cache, "cache folder of pillar-eval embed")->required();
  command.add_option("--split", a.job.split)->capture_default_str();
  command.add_flag("--allow-mixed", a.job.allow_mixed,
                   "go on where the embeddings are of other weights than --model; says so");
  command.add_option("--text", a.job.text, "cache of report embeddings, by accession (pillar-text)")
      ->required();
  command.add_option("--category", a.job.category, "of vectors in it")->capture_default_str();
  command.add_option("--out", a.job.out, "run folder: metrics.json, ranks.csv, report.html")->required();
  CLI::Option* query = command.add_option("--query", a.job.query,
                                          "accession: the studies whose scans are nearest to its scan");
  command.add_option("--report", a.job.report, "words: the studies whose scans are nearest to them")
      ->excludes(query)
      ->type_name("TEXT");
  command.add_option("--nearest", a.job.nearest, "how many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_option("--samples", a.samples,
                     "folder of samples, or CSV with sample_name,image_cache_path: pictures of the nearest");
}

}  // namespace

void add_retrieve(AppContext& context) {
  CLI::App* command = context.app.add_subcommand("retrieve", "which scan belongs to which report");
  command->footer(
      "Examples:\n"
      "  pillar-eval retrieve --model model --embeddings cache --text text --out retrieval\n"
      "  pillar-eval retrieve --model model --embeddings cache --text text --out near --query P0012 "
      "--samples "
      "samples\n"
      "  pillar-eval retrieve --model model --embeddings cache --text text --out near --report 'Pleural "
      "effusion on "
      "the left.' --provider hash\n"
      "  pillar-eval retrieve --model model --embeddings cache --text text --out near --report 'Pleural "
      "effusion on "
      "the left.' --provider qwen3 --model-text Qwen3-Embedding-8B\n"
      "With --provider server the words of --report leave this machine for the server that --url names.");
  auto a = std::make_shared<RetrieveArguments>();
  add_retrieve_inputs(*command, *a);
  add_text_source(*command, a->source);
  add_bootstrap_options(*command, a->job.bootstrap);
  command->callback([a, &context] { context.result = retrieve(*a, context.words, context.log.quiet); });
}

}  // namespace pillar
