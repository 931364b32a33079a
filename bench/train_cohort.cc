#include "train_cohort.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/data/scan.h"
#include "pillar/model/atlas_config.h"
#include "pillar/phantom/phantom.h"
#include "pillar/rave/sample.h"
#include "pillar/text/hash_ngrams.h"
#include "pillar/text/text_embed_job.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kTextWidth = 4096;  // of the public text model

PhantomOptions phantom_options(const TowerConfig& tower) {
  const SizeDhw size = tower.size_dhw();
  PhantomOptions options;
  options.size = *std::max_element(size.begin(), size.end());
  options.modality = tower.modality.find("mr") != std::string::npos ? Modality::mr : Modality::ct;
  return options;
}

void make_phantoms(const fs::path& folder, int count, const PhantomOptions& options) {
  fs::create_directories(folder);
  for (int seed = 0; seed < count; ++seed) {
    SampleMetadata metadata;
    metadata.accession = fmt::format("PH{}", seed);
    metadata.series_number = 1;
    metadata.modality = options.modality;
    const fs::path target = folder / sample_name(metadata);
    if (fs::exists(target)) continue;
    write_sample(target, make_phantom(static_cast<std::uint64_t>(seed), options).volume, metadata, {});
  }
}

std::string study_name(std::int64_t row) {
  return fmt::format("study-{:05}", row);
}

void write_manifest(const fs::path& file, const std::vector<ScanEntry>& scans, std::int64_t rows) {
  CsvTable table;
  table.header = {"sample_name", "image_cache_path"};
  for (std::int64_t row = 0; row < rows; ++row) {
    const ScanEntry& scan = scans[static_cast<std::size_t>(row) % scans.size()];
    table.rows.push_back({study_name(row), fs::absolute(scan.path).string()});
  }
  write_csv(file, table);
}

// One report after another of small phantoms: studies of one sample have texts of their own.
void embed_reports(const fs::path& folder, std::int64_t rows) {
  PhantomOptions small;
  small.size = 32;
  HashNgrams ngrams(HashNgramOptions{kTextWidth, 0});
  std::string lines;
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto seed = static_cast<std::uint64_t>(row);
    const std::string report = make_report(seed, make_phantom(seed, small));
    ngrams.count(report);
    lines += nlohmann::json{{"sample_name", study_name(row)}, {"report_metadata", report}}.dump() + "\n";
  }
  write_file_atomic(folder / "reports.jsonl", lines);
  TextEmbedJob job;
  job.json_lines = {folder / "reports.jsonl"};
  job.cache = folder / "text";
  job.model_name = "hash-ngrams (not a language model)";
  job.settings = "{}";
  job.quiet = true;
  run_text_embed(job, [&](const std::vector<std::string>& texts) { return ngrams.embed(texts); });
}

}  // namespace

void make_train_cohort(const TrainCohortOptions& options, const fs::path& folder) {
  const AtlasConfig atlas = load_atlas_config(options.architecture);
  fs::create_directories(folder);
  fs::path samples = options.samples;
  if (samples.empty()) {
    samples = folder / "phantoms";
    make_phantoms(samples, options.phantoms, phantom_options(atlas.towers.at(0)));
  }
  const std::vector<ScanEntry> scans = list_scans({samples});
  if (scans.empty()) fail(ErrorCategory::input, "{}: no samples", samples);
  write_manifest(folder / "manifest.csv", scans, options.rows);
  embed_reports(folder, options.rows);
}

PretrainConfig train_cohort_config(const fs::path& folder, const fs::path& architecture) {
  constexpr std::int64_t kNever = 1'000'000;
  PretrainConfig config;
  config.architecture = architecture.string();
  PretrainSource source;
  source.name = "bench";
  source.manifest = folder / "manifest.csv";
  source.text_cache = folder / "text";
  config.modalities = {{load_atlas_config(architecture).towers.at(0).modality, {source}, {}}};
  config.checkpoint_steps = config.checkpoint_minutes = kNever;
  config.checkpoints_kept = 1;
  config.log_steps = 1;
  config.max_mismatch_fraction =
      1;  // a phantom fills the model's grid, whatever its voxels' size: only times count
  return config;
}

}  // namespace pillar::bench
