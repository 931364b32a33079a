// pillar-eval embed: scans to embeddings on disk.
#include "pillar/core/available_memory.h"
#include "pillar/core/fail.h"
#include "pillar/core/sha256.h"
#include "pillar/data/manifest.h"
#include "pillar/embed/embed_job.h"
#include "pillar/model/encoder.h"
#include "pillar/rave/encode_config.h"
#include "pillar/world/launch.h"

#include "commands.h"
#include "embed_processes.h"
#include "scan_flags.h"

#include <cmath>
#include <cstdio>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

struct Arguments {
  std::filesystem::path model;
  std::vector<std::filesystem::path> scans;
  std::filesystem::path manifest;
  std::filesystem::path json_lines;
  std::string format = "npz";
  std::string preset;
  bool normalize = false, evidence = false;
  std::string others;  // empty: refuse with a manifest, else keep
  // Unset: as the model's preprocessing says.
  std::optional<double> pad_value;
  ScanFlags reading;
  std::optional<std::string> axes, flip_depth, windows, intensity;
  EncoderOptions encoder;
  ProcessFlags processes;
  EmbedJob job;
};

void list_inputs(Arguments& a) {
  if (a.manifest.empty()) {
    a.job.scans = list_scans(a.scans);
    return;
  }
  Manifest manifest = load_manifest(a.manifest, a.json_lines);
  a.job.missing = std::move(manifest.missing);
  a.job.scans = scan_entries(std::move(manifest));
}

// As the model says, but for what flags say.
PreprocessSpec preprocessing(const Arguments& a, const ModelFolder& model, const TowerConfig& tower) {
  PreprocessSpec spec = model.preprocessing(tower);
  if (a.pad_value) spec.pad_value = *a.pad_value;
  if (a.axes) spec.axes = parse_model_axes(*a.axes);
  if (a.flip_depth) spec.flip_depth = *a.flip_depth == "on";
  if (a.windows) spec.windows = *a.windows;
  if (a.intensity) spec.intensity = parse_intensity_map(*a.intensity);
  if (!std::isfinite(spec.pad_value)) fail(ErrorCategory::usage, "--pad-value must be finite");
  if (a.pad_value || a.axes || a.flip_depth || a.windows || a.intensity) spec.origin += ", changed by flags";
  return spec;
}

PrepareOptions preparation(const Arguments& a, const PreprocessSpec& spec) {
  PrepareOptions options = prepare_options(spec);
  if (a.preset.empty()) return options;
  Notes nothing_odd;
  const EncodeConfig preset = parse_encode_config(encode_preset(a.preset), nothing_odd);
  options.preprocess = preset.preprocess;
  if (preset.modality) options.modality = preset.modality;
  return options;
}

void set_up_job(Arguments& a, const ModelFolder& model, const TowerConfig& tower) {
  EmbedJob& job = a.job;
  job.spec = preprocessing(a, model, tower);
  job.reading = read_options(job.spec);
  job.reading.prepare = preparation(a, job.spec);
  apply_scan_flags(a.reading, job);
  job.format = parse_embedding_format(a.format);
  if (job.model_name.empty()) job.model_name = model.name;
  if (job.dataset_name.empty()) job.dataset_name = tower.modality;
  job.settings.merge(changed_policies(a.reading.reading));
  if (a.others == "remove") job.others = OtherEmbeddings::remove;
  if (a.others == "refuse" || (a.others.empty() && !a.manifest.empty())) job.others = OtherEmbeddings::refuse;
  if (job.others != OtherEmbeddings::keep && a.manifest.empty())
    fail(ErrorCategory::usage, "--others {} goes with --manifest: only a list says what the split is",
         a.others);
  job.settings["normalize"] = a.normalize ? "on" : "off";
  job.settings["preset"] = a.preset.empty() ? "of the model" : a.preset;
}

ExitCode report(const EmbedJob& job, const ScanSummary& summary) {
  const bool failures = summary.count(ScanStatus::failed) > 0;
  if (!job.quiet) {
    const std::string list = failures ? fmt::format(" (see {})", (job.cache / "failures.csv").string()) : "";
    fmt::print("{}{}\n", summary.brief("embedded"), list);
  }
  return failures ? ExitCode::some_inputs_failed : ExitCode::ok;
}

EmbeddedRows embed_rows(const Encoder& encoder, const at::Tensor& voxels_bcdhw,
                        const std::vector<Window>& windows, bool with_places) {
  if (!with_places) return encoder.readout(voxels_bcdhw, windows);
  ReadoutPlaces found = encoder.readout_with_places(voxels_bcdhw, windows);
  return {std::move(found.readout_bn), std::move(found.places_bn)};
}

// What has to be the same for all processes, so that they make one split.
std::string words_to_compare(const Arguments& a) {
  const EmbedJob& job = a.job;
  std::string names;
  for (const ScanEntry& scan : job.scans) names += scan.name + '\n';
  std::string text = fmt::format(
      "scans: {}, SHA-256 of their names {}\nsplit: {}\nformat: {}\nmodel: {}\ndataset: {}\nothers: {}\n"
      "overwrite: {}\nevidence: {}\npreprocess: {}\n",
      job.scans.size(), sha256_hex(as_bytes(names)), job.split, a.format, job.model_name, job.dataset_name,
      a.others, job.overwrite, a.evidence, describe(job.spec));
  for (const auto& [key, value] : job.settings) text += fmt::format("{}: {}\n", key, value);
  return text;
}

void plan_memory(Arguments& a, const Encoder& encoder, std::uint64_t available, std::int64_t processes) {
  const std::uint64_t model_bytes = encoder.estimated_bytes(a.job.batch_size);
  plan_loader(a.job, encoder.device(), model_bytes, available, processes);
  spdlog::debug(
      "memory: the model takes about {} MB, loading up to {} MB, {} MB are available to {} processes",
      model_bytes >> 20, a.job.loader_bytes >> 20, available >> 20, processes);
}

// As one of the processes that embed the list, or alone.
ExitCode embed_as(Arguments& a, const World& world, std::uint64_t available) {
  const EmbedTeam team = team_of(world);
  const bool speaks = !a.job.quiet && team.rank == 0;
  const ModelFolder model = open_model_folder(a.model);
  list_inputs(a);
  if (is_nothing_to_do(a.job)) return ExitCode::ok;
  const Encoder encoder = Encoder::load(model, a.encoder);
  set_up_job(a, model, encoder.tower());
  const std::vector<Window> windows = tower_windows(a.job.spec, encoder.tower());
  plan_memory(a, encoder, available, processes_on_this_host(team));
  a.job.settings["weights"] = model.fingerprint();
  a.job.settings["dtype"] = encoder.dtype_name();
  if (a.evidence) a.job.scales = encoder.token_scales();
  world.require_same("what is embedded", words_to_compare(a));
  if (speaks) {
    fmt::print("{}: {}\n", a.job.spec.origin, describe(a.job.spec));
    fmt::print("computes in {} (--dtype {})\n", a.job.settings["dtype"], a.encoder.dtype);
    std::fflush(stdout);
  }
  const auto embed = [&](const at::Tensor& voxels_bcdhw) {
    EmbeddedRows embedded = embed_rows(encoder, voxels_bcdhw, windows, a.evidence);
    if (a.normalize) embedded.rows_bn = l2_normalize_rows(embedded.rows_bn);
    return embedded;
  };
  ScanSummary summary;
  const MemoryAdvice advice = scan_memory_advice(
      "embedding", a.job, encoder.estimated_device_bytes(a.job.batch_size), a.job.settings["dtype"]);
  with_memory_advice(advice, [&] { summary = run_embed(a.job, embed, team); });
  // The first process knows of all scans, and answers for them.
  return team.rank == 0 ? report(a.job, summary) : ExitCode::ok;
}

void require_manifest_and_files(const Arguments& a, std::int64_t processes) {
  if (processes == 1) return;
  if (a.manifest.empty())
    fail(
        ErrorCategory::usage,
        "{} processes share a list whose names are known: they need --manifest, since a SAMPLE says its name "
        "only when it is opened",
        processes);
  if (a.format == "csv")
    fail(ErrorCategory::usage,
         "--format csv is one file, which one process writes; {} processes write npz or safetensors",
         processes);
}

ExitCode embed(Arguments& a, const AppContext& context) {
  a.job.quiet = context.log.quiet;
  if (a.scans.empty() == a.manifest.empty())
    fail(ErrorCategory::usage, "embed needs SAMPLE... or --manifest, one of the two");
  const ProcessPlan plan = plan_processes(a.processes);
  require_manifest_and_files(a, plan.size());
  if (plan.start > 1) {
    require_devices(a.processes, plan.start);
    return static_cast<ExitCode>(launch_local(plan.start, context.words));
  }
  a.encoder.device = device_of_process(a.processes, plan);
  const std::uint64_t available = available_memory_bytes();  // before any process has read its weights
  const World world = join_processes(plan);
  try {
    return embed_as(a, world, available);
  } catch (const std::exception& error) {
    world.announce_failure(fault_in_words(error));
    throw;
  }
}

void add_inputs(CLI::App& command, Arguments& a) {
  command.add_option("SAMPLE", a.scans,
                     "samples, folders of samples, DICOM folders, NIfTI, NRRD or MetaImage files");
  command.add_option("--manifest", a.manifest, "CSV with sample_name,image_cache_path");
  command.add_option("--json", a.json_lines, "JSON lines: only these samples of the manifest, in this order")
      ->needs("--manifest");
  command.add_option("--model", a.model, "folder with config.json and weights, or the weights file")
      ->required();
  command.add_option("--modality", a.encoder.modality,
                     "tower of the model; may be left out where there is one");
  command.add_option("--out", a.job.cache, "cache folder: embeddings/, processed.csv, failures.csv")
      ->required();
  command.add_option("--split", a.job.split, "train, valid, test: a folder below embeddings/")->required();
}

void add_preprocessing(CLI::App& command, Arguments& a) {
  const char* group = "Preprocessing (default: the model's)";
  command.add_option("--pad-value", a.pad_value, "of voxels that padding adds, HU")->group(group);
  command
      .add_option(
          "--axes", a.axes,
          "sides that D, H and W rise to before the slices are turned round, such as SPL; stored: whatever "
          "the geometry says")
      ->group(group);
  command.add_option("--flip-depth", a.flip_depth, "turn slices round, so that the head end comes first")
      ->check(CLI::IsMember({"on", "off"}))
      ->group(group);
  command.add_option("--windows", a.windows, "all, default, or names")->group(group);
  command
      .add_option("--intensity", a.intensity,
                  "rave10: as after the published lossy stream; native: as stored")
      ->check(CLI::IsMember({"rave10", "native"}))
      ->group(group);
  command
      .add_option("--preset", a.preset,
                  fmt::format("grid for DICOM and volume files: {}", fmt::join(encode_preset_names(), ", ")))
      ->group(group);
}

void add_work(CLI::App& command, Arguments& a) {
  command.add_option("--format", a.format, "npz, safetensors, or one csv a split")
      ->check(CLI::IsMember({"npz", "safetensors", "csv"}))
      ->capture_default_str();
  command.add_flag("--normalize", a.normalize, "embeddings of length 1");
  command.add_flag("--evidence", a.evidence,
                   "keep beside each vector which token each of its numbers came from and where the tokens "
                   "lie in the scan, a few kB a study: pillar-eval evidence makes maps of it");
  add_dtype_flag(command, a.encoder.dtype);
  command.add_flag(
      "--cuda-graphs", a.encoder.cuda_graphs,
      "on a GPU: record the model's work once for each batch size, then replay it; for towers so "
      "small that launching their kernels takes longer than running them");
  add_process_flags(command, a.processes);
  command.add_option("--batch-size", a.job.batch_size, "volumes to the model at once")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command.add_option("--jobs,-j", a.job.jobs, "loader threads; 0: one a processor, up to 4")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command.add_option("--model-name", a.job.model_name, "for processed.csv; default: the folder's name");
  command.add_option("--dataset", a.job.dataset_name, "for processed.csv; default: the modality");
  command
      .add_option("--others", a.others,
                  "embeddings of the split whose studies are not in --manifest: refuse begins nothing (the "
                  "default there), remove takes them out, keep adds to them")
      ->check(CLI::IsMember({"refuse", "remove", "keep"}));
  command.add_flag("--overwrite", a.job.overwrite, "compute embeddings again that are there already");
}

}  // namespace

void add_embed(AppContext& context) {
  CLI::App* command = context.app.add_subcommand("embed", "scans to embeddings on disk");
  command->footer(
      "Examples:\n"
      "  pillar-eval embed --model model samples --out cache --split test\n"
      "  pillar-eval embed --model model --modality chest_ct --manifest all.csv --json test.jsonl --out "
      "cache --split test\n"
      "  pillar-eval embed --model model scans/P1 scans/P2.nii.gz --out cache --split new --format csv\n"
      "  pillar-eval embed --model model --manifest all.csv --out cache --split train --nproc 8\n"
      "  srun pillar-eval embed --model model --manifest all.csv --out cache --split train\n"
      "Run again, it embeds what is not there yet, with any number of processes.");
  auto a = std::make_shared<Arguments>();
  add_inputs(*command, *a);
  add_scan_flags(*command, a->reading, "Scans as they come");
  add_preprocessing(*command, *a);
  add_work(*command, *a);
  command->callback([a, &context] { context.result = embed(*a, context); });
}

}  // namespace pillar
