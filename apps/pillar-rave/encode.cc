#include "pillar/core/config.h"
#include "pillar/core/fail.h"
#include "pillar/core/notes.h"
#include "pillar/rave/encode_job.h"

#include "commands.h"
#include "support/reading_flags.h"

#include <cstdio>
#include <map>

#include <fmt/format.h>

namespace pillar {
namespace {

struct EncodeArguments {
  std::vector<std::filesystem::path> inputs;
  std::filesystem::path input_csv;
  std::string path_column = "series_path";
  std::string name_column;
  std::filesystem::path config_file;
  std::string preset = "none";
  std::vector<std::string> assignments;
  std::string mode;
  std::string archive;
  std::string series = "all";
  bool mask = false, no_mask = false;
  std::int64_t volume = -1;
  EncodeJob job;
};

void apply_config(EncodeArguments& a) {
  Config config = a.config_file.empty() ? encode_preset(a.preset) : Config::load(a.config_file);
  for (const std::string& assignment : a.assignments) config.set(assignment);
  Notes notes;
  a.job.prepare.config = parse_encode_config(config, notes);
  log_notes(notes);
  if (!a.mode.empty()) a.job.prepare.config.write.mode = parse_sample_mode(a.mode);
  if (!a.archive.empty()) a.job.prepare.config.write.archive = parse_archive(a.archive);
  if (a.mask) a.job.prepare.config.preprocess.mask = MaskPolicy::yes;
  if (a.no_mask) a.job.prepare.config.preprocess.mask = MaskPolicy::no;
}

void print_left_out(const EncodeArguments& a, const EncodeSummary& summary) {
  std::map<std::string, std::int64_t> counts;
  for (const EncodeLeftOut& entry : summary.left_out) counts[entry.kind] += entry.count;
  if (counts.empty()) return;
  std::vector<std::string> kinds;
  for (const auto& [kind, count] : counts) kinds.push_back(fmt::format("{} {}", count, kind));
  fmt::print("left out: {}{}\n", fmt::join(kinds, ", "),
             a.job.dry_run ? "" : fmt::format(" (see {})", (a.job.output_folder / "left_out.csv").string()));
}

ExitCode encode(EncodeArguments& a, const LogOptions& log) {
  apply_config(a);
  if (a.inputs.empty() == a.input_csv.empty()) {
    fail(ErrorCategory::usage, "encode needs INPUT... or --input-csv, one of the two");
  }
  a.job.inputs = a.input_csv.empty() ? a.inputs : inputs_from_csv(a.input_csv, a.path_column);
  if (!a.name_column.empty()) a.job.input_names = names_from_csv(a.input_csv, a.name_column);
  a.job.all_series = a.series == "all";
  if (a.volume >= 0) a.job.prepare.volume_index = a.volume;
  a.job.quiet = log.quiet;

  const EncodeSummary summary = run_encode(a.job);
  if (a.job.dry_run) {
    for (const EncodeOutcome& o : summary.outcomes) {
      const std::string name = o.output.filename().string();
      fmt::print("{} -> {}\n", o.source.string(),
                 o.status == EncodeStatus::failed ? "fails: " + o.reason : name);
    }
  }
  const bool failures = summary.count(EncodeStatus::failed) > 0;
  if (!log.quiet) {
    const std::string list = failures && !a.job.dry_run
                                 ? fmt::format(" (see {})", (a.job.output_folder / "failures.csv").string())
                                 : "";
    fmt::print("{}{}\n", summary.brief(), list);
    print_left_out(a, summary);
  }
  return failures ? ExitCode::some_inputs_failed : ExitCode::ok;
}

// What to do where slices, axes or values are not as a volume has them.
void add_geometry_and_values(CLI::App& command, EncodeArguments& a) {
  add_reading_flags(command, a.job.prepare.reading);
  auto* mask = command.add_flag("--mask", a.mask, "the inputs are label maps, whatever their values say");
  command.add_flag("--no-mask", a.no_mask, "they are scans, whatever their values say")->excludes(mask);
}

}  // namespace

void add_encode(AppContext& context) {
  CLI::App* command =
      context.app.add_subcommand("encode", "DICOM folders, NIfTI, NRRD and MetaImage files to RAVE samples");
  auto a = std::make_shared<EncodeArguments>();
  command->add_option("INPUT", a->inputs,
                      "folders (searched for DICOM series and volume files below), DICOM or volume files");
  command->add_option("--input-csv", a->input_csv, "a CSV that lists the inputs");
  command->add_option("--path-column", a->path_column, "its column with the paths")->capture_default_str();
  command->add_option("--name-column", a->name_column, "its column with the samples' names")
      ->needs("--input-csv");
  command->add_option("--name-template", a->job.name_template,
                      "names of the samples: {patient}_{accession}_{series}; also {series_uid}, {study_uid}, "
                      "{description}, {modality}, {volume}, {file}, {folder} (that it lies in), {name}");
  command->add_option("--out", a->job.output_folder, "folder for the samples, mapping.csv and failures.csv")
      ->required();
  auto* preset = command->add_option(
      "--preset", a->preset,
      "grid to resample to: " + fmt::format("{}", fmt::join(encode_preset_names(), ", ")));
  preset->capture_default_str();
  command
      ->add_option("--config", a->config_file,
                   "YAML configuration; files of the public engine work as they are")
      ->excludes(preset);
  command->add_option("--set", a->assignments, "change one key: --set processing.crop_pad.size=[320,320]")
      ->take_all();
  command
      ->add_option("--mode", a->mode,
                   "lossless: every voxel comes back; rave10: the published lossy 10-bit stream")
      ->check(CLI::IsMember({"rave10", "lossless"}));
  command
      ->add_option("--archive", a->archive, "none: a folder each; tar; tar.lz4 (exact voxels as volume.npy)")
      ->check(CLI::IsMember({"none", "tar", "tar.lz4"}));
  command->add_option("--series", a->series, "of a folder with several: all, or the first by UID")
      ->check(CLI::IsMember({"all", "first"}))
      ->capture_default_str();
  add_geometry_and_values(*command, *a);
  command->add_flag("--only-named", a->job.only_named,
                    "of a DICOM file that is named: else its whole series in that folder");
  command
      ->add_option("--volume", a->volume,
                   "which volume of a 4-D file, or of a series that holds several, from 0")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--jobs,-j", a->job.jobs, "scans at once; 0: one a processor")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_flag("--overwrite", a->job.overwrite, "make samples anew that are there already");
  command->add_flag("--dry-run", a->job.dry_run, "read headers and say what would be written");
  command->add_flag("--keep-source-path", a->job.prepare.keep_source_path,
                    "name the source folder in metadata.json");
  command->callback([a, &context] { context.result = encode(*a, context.log); });
}

}  // namespace pillar
