#include "train/pretrain/pretrain_setup.h"

#include "pillar/core/config.h"
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/sha256.h"
#include "pillar/core/thread_pool.h"

#include "train/pretrain/pretrain_checks.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include <ATen/ops/full.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

// The architecture's preprocess block with the run's pad values in it: what an exported model must say.
std::string merged_config(const PretrainConfig& config) {
  const std::string text = read_text_file(config.architecture, 4 << 20);
  if (config.pad_value.empty()) return text;
  try {
    auto json = nlohmann::ordered_json::parse(text);
    for (const auto& [modality, value] : config.pad_value) json["preprocess"][modality]["pad_value"] = value;
    return json.dump(2) + "\n";
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCategory::input, "{}: {}", config.architecture, error.what());
  }
}

// For each row the index of the first that has the same bytes.
std::vector<std::int64_t> equal_rows(const at::Tensor& rows_nw) {
  const at::Tensor rows = rows_nw.contiguous();
  const auto* bytes = static_cast<const char*>(rows.const_data_ptr());
  const std::size_t row_bytes =
      rows.size(0) == 0 ? 0 : rows.nbytes() / static_cast<std::size_t>(rows.size(0));
  std::unordered_map<std::string_view, std::int64_t> first;
  std::vector<std::int64_t> found;
  for (std::int64_t i = 0; i < rows.size(0); ++i, bytes += row_bytes)
    found.push_back(first.emplace(std::string_view(bytes, row_bytes), i).first->second);
  return found;
}

TrainedModality load_modality(const PretrainConfig::Modality& wanted, const Config& file,
                              const AtlasConfig& atlas, int threads, std::vector<StudyFault>& faults) {
  const TowerConfig& tower = atlas.tower(wanted.name);
  const PreprocessSpec spec = parse_preprocess_spec(file, wanted.name, tower.size_dhw());
  TrainedModality modality{wanted.name,
                           parse_windows(spec.windows, spec.family),
                           load_pretrain_pool(wanted.train, spec, threads, faults),
                           {{spec, {}}, {}}};
  modality.train_reports = equal_rows(modality.train.text_nw);
  if (static_cast<std::int64_t>(modality.windows.size()) != tower.in_chans) {
    fail(ErrorCategory::input, "windows {} of {} are {}, its tower takes {} channels", spec.windows,
         wanted.name, modality.windows.size(), tower.in_chans);
  }
  if (!wanted.validation.empty()) {
    modality.validation = load_pretrain_pool(wanted.validation, spec, threads, faults);
    modality.validation_reports = equal_rows(modality.validation.text_nw);
  }
  return modality;
}

std::int64_t common_text_width(const std::vector<TrainedModality>& modalities) {
  std::int64_t width = 0;
  for (const TrainedModality& modality : modalities) {
    for (const PretrainPool* pool : {&modality.train, &modality.validation}) {
      if (pool->studies.empty()) continue;
      const std::int64_t own = pool->text_nw.size(1);
      if (width != 0 && own != width) {
        fail(ErrorCategory::input,
             "text embeddings of {} are {} wide, those before it {}: one projection takes one width",
             modality.name, own, width);
      }
      width = own;
    }
  }
  return width;
}

// Processes must draw the same studies with the same texts, and a run that goes on those of before.
std::string digest_of(const std::vector<TrainedModality>& modalities) {
  std::string digests;
  for (const TrainedModality& modality : modalities) {
    for (const PretrainPool* pool : {&modality.train, &modality.validation}) {
      std::string names;
      for (const PoolStudy& study : pool->studies) names += study.name + "\n";
      digests += sha256_hex(as_bytes(names));
      if (pool->studies.empty()) continue;
      const at::Tensor texts = pool->text_nw.contiguous();
      digests += sha256_hex({static_cast<const std::uint8_t*>(texts.const_data_ptr()), texts.nbytes()});
    }
  }
  return sha256_hex(as_bytes(digests));
}

// A sigmoid loss begins with a no for nearly every pair, as it should be (arXiv 2303.15343, section 3.2).
void start_siglip(WeightMap& weights) {
  constexpr double kScale = 10, kBias = -10;
  weights["logit_scale"] = at::full({}, std::log(kScale), at::kFloat);
  weights["logit_bias"] = at::full({}, kBias, at::kFloat);
}

}  // namespace

PretrainSetup set_up_pretrain(const PretrainOptions& options, const World& world) {
  const PretrainConfig& config = options.config;
  check_precision(config.precision, options.device);
  PretrainSetup setup;
  setup.shape = batch_shape(config, world);
  setup.shape.join_single = true;  // a study alone has no other to be told from
  setup.config_json = merged_config(config);
  const Config file = Config::parse(setup.config_json, config.architecture);
  setup.atlas = parse_atlas_config(file);
  std::vector<std::string> names;
  for (const PretrainConfig::Modality& wanted : config.modalities) {
    setup.modalities.push_back(load_modality(wanted, file, setup.atlas, usable_processors(), setup.faults));
    names.push_back(wanted.name);
    setup.steps_per_epoch =
        std::max(setup.steps_per_epoch,
                 steps_per_epoch(static_cast<std::int64_t>(setup.modalities.back().train.studies.size()),
                                 setup.shape));
  }
  if (!options.skip_missing) refuse_faults(setup.faults);
  setup.total_steps = setup.steps_per_epoch * config.epochs;
  const std::int64_t text_width = common_text_width(setup.modalities);
  check_pretrain_studies(config, setup.modalities);
  setup.data_digest = digest_of(setup.modalities);
  world.require_same("the studies and their texts", setup.data_digest);
  WeightMap weights = initial_clip_weights(setup.atlas, config.text_projection, text_width, config.seed);
  if (config.loss.kind == ContrastiveKind::siglip) start_siglip(weights);
  if (!config.init.empty()) {
    setup.init_table = take_fitting_weights(weights, config.init).table();
    check_logit_scale(weights.at("logit_scale"), config.init.string());
  }
  setup.model = std::make_unique<ClipModel>(setup.atlas, names, weights, options.device);
  note_pretrain(config, setup, world);
  return setup;
}

StudyLoaderOptions loader_options(const PretrainOptions& options, const PretrainSetup& setup, bool train) {
  return loader_options(options.config, setup.shape, options.device, setup.modalities.size(), train);
}

}  // namespace pillar
