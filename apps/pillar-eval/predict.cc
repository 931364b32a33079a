// pillar-eval predict: a finetuned model's answers for scans, or a probe's for embeddings.
#include "pillar/core/available_memory.h"
#include "pillar/core/fail.h"
#include "pillar/eval/probe_job.h"
#include "pillar/eval/scan_predict_job.h"

#include "attention_pictures.h"
#include "commands.h"
#include "scan_flags.h"

#include <cstdio>

#include <fmt/format.h>

namespace pillar {
namespace {

struct PredictArguments {
  ScanPredictorOptions models;
  std::string average = to_string(AverageOf::probabilities);
  std::vector<std::filesystem::path> scans;
  std::filesystem::path manifest, maps;
  ScanFlags reading;
  ScanPredictJob job;
  PredictJob probe;
};

// What makes no sense together, before anything is read.
void check_words(const PredictArguments& a, const CLI::App& command) {
  const bool of_probe = !a.probe.probe.empty(), of_model = !a.models.models.empty();
  if (of_probe == of_model)
    fail(ErrorCategory::usage,
         "predict needs --model RUN with scans, or --probe FILE with --embeddings, one of "
         "the two");
  if (of_probe && a.probe.cache.empty()) fail(ErrorCategory::usage, "--probe needs --embeddings");
  if (of_probe && (!a.scans.empty() || !a.manifest.empty() || !a.maps.empty()))
    fail(ErrorCategory::usage,
         "--probe answers for --embeddings; scans, --manifest and --maps go with --model");
  if (of_model && !a.probe.cache.empty())
    fail(ErrorCategory::usage, "--model answers for scans; --embeddings goes with --probe");
  if (of_model && a.scans.empty() == a.manifest.empty())
    fail(ErrorCategory::usage, "--model needs SAMPLE... or --manifest, one of the two");
  if (a.models.models.size() == 1 && command.count("--average") > 0)
    fail(ErrorCategory::usage, "--average is for several --model");
}

void write_maps_too(PredictArguments& a, const ScanPredictor& predictor) {
  if (a.maps.empty()) return;
  predictor.require_attention();
  const auto pictures = std::make_shared<AttentionPictures>(a.maps, a.job.reading);
  a.job.has_maps = [pictures](const std::string& accession) { return pictures->are_there(accession); };
  a.job.write_maps = [pictures](const BatchedScan& scan, const ScanAttention& attention) {
    pictures->write(scan, attention);
  };
}

ExitCode predict_scans(PredictArguments& a, bool quiet) {
  ScanPredictJob& job = a.job;
  job.quiet = quiet;
  a.models.average = parse_average_of(a.average);
  job.scans = a.manifest.empty() ? list_scans(a.scans) : scans_of_table(a.manifest);
  if (is_nothing_to_do(job)) return ExitCode::ok;
  const std::uint64_t available = available_memory_bytes();
  const ScanPredictor predictor = ScanPredictor::load(a.models);
  job.outputs = predictor.outputs();
  job.settings = predictor.settings();
  job.spec = predictor.preprocessing();
  job.reading = read_options(job.spec);
  apply_scan_flags(a.reading, job);
  job.settings.merge(changed_policies(a.reading.reading));
  plan_loader(job, predictor.device(), predictor.estimated_bytes(job.batch_size), available);
  write_maps_too(a, predictor);
  if (!quiet) {
    fmt::print("{}: {}\n", job.spec.origin, describe(job.spec));
    fmt::print("computes in {} (--dtype {})\n", job.settings["dtype"], a.models.encoder.dtype);
    std::fflush(stdout);
  }
  const MemoryAdvice advice = scan_memory_advice(
      "predicting", job, predictor.estimated_device_bytes(job.batch_size), job.settings["dtype"]);
  ScanSummary summary;
  with_memory_advice(advice, [&] {
    summary = run_scan_predict(job, [&](const at::Tensor& voxels_bcdhw) {
      return predictor.answer(voxels_bcdhw, job.write_maps != nullptr);
    });
  });
  const bool failures = summary.count(ScanStatus::failed) > 0;
  if (!quiet) {
    const std::string list = failures ? " (see failures.csv beside it)" : "";
    fmt::print("{}: {}{}\n", job.out.string(), summary.brief("predicted"), list);
  }
  return failures ? ExitCode::some_inputs_failed : ExitCode::ok;
}

ExitCode predict_embeddings(PredictArguments& a, bool quiet) {
  a.probe.out = a.job.out;
  const std::int64_t studies = run_predict(a.probe);
  if (!quiet) fmt::print("{}: {} studies\n", a.probe.out.string(), studies);
  return ExitCode::ok;
}

void add_scan_options(CLI::App& command, PredictArguments& a) {
  const char* group = "Scans, by finetuned models";
  command.add_option("SAMPLE", a.scans,
                     "samples, folders of samples, DICOM folders, NIfTI, NRRD or MetaImage files");
  command
      .add_option("--manifest", a.manifest,
                  "CSV with accession or sample_name, image_paths or image_cache_path, and any other columns")
      ->group(group);
  command
      .add_option("--model", a.models.models,
                  "run of pillar-train finetune, or its export folder; several are averaged")
      ->allow_extra_args(false)
      ->group(group);
  command
      .add_option("--modality", a.models.encoder.modality,
                  "tower of the model; may be left out where there is one")
      ->group(group);
  command
      .add_option("--maps", a.maps,
                  "folder for where the model looked: NIfTI on the scan's grid, PNG and HTML of each")
      ->group(group);
  command
      .add_option("--calibration", a.models.calibration,
                  "auto: each model's calibration.json; none; or a file, for what is averaged")
      ->capture_default_str()
      ->group(group);
  command.add_option("--average", a.average, "of several models: probabilities or logits")
      ->check(CLI::IsMember({"probabilities", "logits"}))
      ->capture_default_str()
      ->group(group);
  command.add_flag("--overwrite", a.job.overwrite, "begin the table anew; else what is there is kept")
      ->group(group);
}

void add_scan_work(CLI::App& command, PredictArguments& a) {
  const char* group = "Scans, by finetuned models";
  add_dtype_flag(command, a.models.encoder.dtype)->group(group);
  command.add_option("--device", a.models.encoder.device, "cpu, cuda, cuda:N, or auto")
      ->capture_default_str()
      ->group(group);
  command.add_option("--batch-size", a.job.batch_size, "volumes to the model at once")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str()
      ->group(group);
  command.add_option("--jobs,-j", a.job.jobs, "loader threads; 0: one a processor, up to 4")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str()
      ->group(group);
}

void add_probe_answers(CLI::App& command, PredictArguments& a) {
  const char* group = "Embeddings, by a probe";
  command.add_option("--embeddings", a.probe.cache, "cache folder of pillar-eval embed")->group(group);
  command
      .add_flag(
          "--allow-mixed", a.probe.allow_mixed,
          "go on where the embeddings were made otherwise than those that the probe was fitted on; says "
          "what is mixed")
      ->group(group);
  command.add_option("--split", a.probe.split)->capture_default_str()->group(group);
  command.add_option("--probe", a.probe.probe, "probe.safetensors of pillar-eval probe")->group(group);
}

}  // namespace

void add_predict(AppContext& context) {
  CLI::App* command = context.app.add_subcommand(
      "predict", "a finetuned model's answers for scans, or a probe's for embeddings");
  command->footer(
      "Examples:\n"
      "  pillar-eval predict --model run --manifest new.csv --out answers.csv --maps maps\n"
      "  pillar-eval predict --model seed0 --model seed1 --model seed2 scans/P1 --out answers.csv\n"
      "  pillar-eval predict --embeddings cache --split new --probe probe/probe.safetensors --out "
      "answers.csv\n"
      "Run again, it predicts what is not there yet. A scan that fails is named in failures.csv; the exit "
      "code is "
      "then 3.");
  auto a = std::make_shared<PredictArguments>();
  command
      ->add_option("--out", a->job.out, "CSV; of scans: accession, and probability and logit of each output")
      ->required();
  add_scan_options(*command, *a);
  add_scan_flags(*command, a->reading, "Scans as they come");
  add_scan_work(*command, *a);
  add_probe_answers(*command, *a);
  command->callback([a, command, &context] {
    check_words(*a, *command);
    const bool quiet = context.log.quiet;
    context.result = a->probe.probe.empty() ? predict_scans(*a, quiet) : predict_embeddings(*a, quiet);
  });
}

}  // namespace pillar
