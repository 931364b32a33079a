// pillar-eval evidence: where in the scans a probe's scores come from.
#include "pillar/core/fail.h"
#include "pillar/data/load_model_input.h"
#include "pillar/eval/evidence_job.h"
#include "pillar/model/encoder.h"

#include "commands.h"
#include "evidence_pages.h"
#include "sample_pictures.h"
#include "scan_flags.h"

#include <memory>
#include <optional>

#include <fmt/format.h>

namespace pillar {
namespace {

struct EvidenceArguments {
  EvidenceJob job;
  std::filesystem::path samples, model;
  std::vector<std::string> questions;
  std::string map = "evidence";
  EncoderOptions encoder;
  bool pages = true;
};

void choose_questions(EvidenceArguments& a) {
  for (const std::string& question : a.questions) {
    if (question == "all-positive" || question == "all") {
      if (a.questions.size() > 1) fail(ErrorCategory::usage, "--question {} stands alone", question);
      a.job.positive_only = question == "all-positive";
      return;
    }
  }
  a.job.questions = a.questions;
}

// Scans through the model once more, for what the probe says of each token.
void ask_model(EvidenceArguments& a) {
  if (a.map == "evidence") {
    if (!a.model.empty()) fail(ErrorCategory::usage, "--model goes with --map dense: other maps need none");
    return;
  }
  if (a.model.empty()) fail(ErrorCategory::usage, "--map dense needs --model: the scans go through it again");
  const ModelFolder folder = open_model_folder(a.model);
  const auto encoder = std::make_shared<Encoder>(Encoder::load(folder, a.encoder));
  a.job.model_weights = folder.fingerprint();
  const PreprocessSpec spec = folder.preprocessing(encoder->tower());
  const std::vector<Window> windows = tower_windows(spec, encoder->tower());
  a.job.token_products = [encoder, spec, windows](const ScanEntry& scan, const at::Tensor& weight_qn) {
    Notes notes;
    const ModelInput input = load_model_input(scan.path, spec, notes);
    std::vector<at::Tensor> products =
        encoder->token_products(input.voxels_cdhw.unsqueeze(0), windows, weight_qn);
    for (at::Tensor& scale : products) scale = scale[0];
    return products;
  };
}

ExitCode evidence(EvidenceArguments& a, bool quiet) {
  a.job.quiet = quiet;
  choose_questions(a);
  ask_model(a);
  a.job.scans = SampleFinder(a.samples).all();
  if (a.pages) a.job.show = [&a](const StudyMaps& study) { write_evidence_view(a.job.out, study); };
  const EvidenceSummary summary = run_evidence(a.job);
  write_evidence_index(a.job.out, a.job, summary);
  if (!quiet) {
    fmt::print("{} maps of {} studies in {:.1f} s{}{}\n", summary.maps, summary.studies, summary.seconds,
               summary.failed > 0 ? fmt::format(", {} failed (see failures.csv)", summary.failed) : "",
               summary.without_scan > 0
                   ? fmt::format(", {} studies of the split have no scan", summary.without_scan)
                   : "");
    fmt::print("{}: report.html, places.csv, evidence.csv, maps/, view/\n", a.job.out.string());
  }
  return summary.failed > 0 ? ExitCode::some_inputs_failed : ExitCode::ok;
}

void add_evidence_options(CLI::App& command, EvidenceArguments& a) {
  command
      .add_option("--embeddings", a.job.cache,
                  "cache folder of pillar-eval embed --evidence; the probe must be of the same model and "
                  "preprocessing")
      ->required();
  command.add_option("--probe", a.job.probe, "probe.safetensors of pillar-eval probe")->required();
  command
      .add_option(
          "--samples", a.samples,
          "manifest CSV with sample_name and image_cache_path, or a folder of scans: what the embeddings "
          "are of")
      ->required();
  command
      .add_option(
          "--question", a.questions,
          "a question of the probe, word for word; may be given again. all: each one. all-positive: of "
          "each study those that it answers with yes")
      ->required()
      ->allow_extra_args(false);
  command.add_option("--out", a.job.out, "folder for maps, tables and pages")->required();
  command.add_option("--split", a.job.split, "whose studies are mapped")->capture_default_str();
  command
      .add_option("--train-split", a.job.train_split,
                  "that the probe was trained on, which pillar-eval localize learns its centre prior from")
      ->capture_default_str();
  command.add_option("--studies", a.job.most_studies, "the first of the split that have a scan; 0: all")
      ->check(CLI::Range(0, 1 << 30))
      ->capture_default_str();
  command.add_option("--places", a.job.places, "strongest places of each map, at most")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command.add_option("--apart", a.job.apart_mm, "least distance between two places, mm")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      .add_option(
          "--map", a.map,
          "evidence: which tokens the score is made of, which adds up to it; dense: what the probe would say "
          "of each token alone, which does not")
      ->check(CLI::IsMember({"evidence", "dense"}))
      ->capture_default_str();
  command.add_flag("!--no-pages", a.pages, "tables and maps only, no page of each study");
  const char* group = "Dense maps";
  command.add_option("--model", a.model, "the model of the embeddings")->group(group);
  command.add_option("--modality", a.encoder.modality, "its tower; may be left out where there is one")
      ->group(group);
  add_dtype_flag(command, a.encoder.dtype)->group(group);
  command.add_option("--device", a.encoder.device, "cpu, cuda, cuda:N, or auto")
      ->capture_default_str()
      ->group(group);
}

}  // namespace

void add_evidence(AppContext& context) {
  CLI::App* command = context.app.add_subcommand("evidence", "where in the scans a probe's scores come from");
  command->footer(
      "Examples:\n"
      "  pillar-eval evidence --embeddings cache --probe probe/probe.safetensors --samples "
      "samples/manifest.csv "
      "--question all-positive --out evidence\n"
      "  pillar-eval evidence --embeddings cache --probe probe/probe.safetensors --samples samples "
      "--question \"Is "
      "there a kidney stone?\" --out stones\n"
      "A readout is a maximum over tokens, so the score is a sum over the tokens that have it; the map is "
      "that sum "
      "on\n"
      "the scan's grid (docs/evidence.md). pillar-eval localize holds maps against marked findings.");
  auto a = std::make_shared<EvidenceArguments>();
  add_evidence_options(*command, *a);
  command->callback([a, &context] { context.result = evidence(*a, context.log.quiet); });
}

}  // namespace pillar
