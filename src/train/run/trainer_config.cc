#include "train/run/trainer_config.h"

#include "pillar/core/fail.h"

#include <algorithm>

#include <fmt/format.h>

namespace pillar {
namespace {

Precision parse_precision(const Config& node, const char* fallback) {
  const std::string text = node.as_string(fallback);
  if (text == "fp32") return Precision::fp32;
  if (text == "bf16") return Precision::bf16;
  if (text == "fp16") return Precision::fp16;
  node.fail(fmt::format("'{}' is no precision: fp32, bf16 or fp16", text));
}

std::optional<bool> parse_auto_or_bool(const Config& node, const std::optional<bool>& fallback) {
  if (!node.exists()) return fallback;
  const std::string text = node.as_string();
  if (text == "auto") return std::nullopt;
  if (text == "true" || text == "false") return text == "true";
  node.fail(fmt::format("'{}' is none of auto, true, false", text));
}

void allow_keys(const Config& section, std::vector<std::string> common, const std::vector<std::string>& own) {
  common.insert(common.end(), own.begin(), own.end());
  section.allow_only(common);
}

void parse_train_section(const Config& train, TrainerConfig& config) {
  config.epochs = train.get("epochs").as_int(config.epochs);
  config.batch_size = train.get("batch_size").as_int(config.batch_size);
  config.micro_batch = train.get("micro_batch").as_int(config.micro_batch);
  config.precision = parse_precision(train.get("precision"), to_string(config.precision));
  config.checkpoint_blocks = train.get("checkpoint_blocks").as_bool(config.checkpoint_blocks);
  config.checkpoint_stem = parse_auto_or_bool(train.get("checkpoint_stem"), config.checkpoint_stem);
  config.sync_batchnorm = train.get("sync_batchnorm").as_bool(config.sync_batchnorm);
  config.reuse_memory = train.get("reuse_memory").as_bool(config.reuse_memory);
  config.clip_norm = train.get("clip_norm").as_double(config.clip_norm);
  config.ema_decay = train.get("ema_decay").as_double(config.ema_decay);
  config.max_wait_minutes = train.get("max_wait_minutes").as_double(config.max_wait_minutes);
}

void parse_optimizer_section(const Config& optimizer, TrainerConfig& config) {
  config.lr = optimizer.get("lr").as_double(config.lr);
  if (optimizer.get("betas").exists()) {
    const std::vector<double> betas = optimizer.get("betas").as_doubles(2);
    config.adamw.beta1 = betas[0];
    config.adamw.beta2 = betas[1];
  }
  config.adamw.eps = optimizer.get("eps").as_double(config.adamw.eps);
  config.adamw.weight_decay = optimizer.get("weight_decay").as_double(config.adamw.weight_decay);
}

void parse_loading(const Config& file, TrainerConfig& config) {
  const Config data = file.get("data");
  config.max_bad_fraction = data.get("max_bad_fraction").as_double(config.max_bad_fraction);
  config.max_mismatch_fraction = data.get("max_mismatch_fraction").as_double(config.max_mismatch_fraction);
  config.drop_last = data.get("drop_last").as_bool(config.drop_last);

  const Config loader = file.get("loader");
  loader.allow_only({"threads", "memory_gb", "cache_gb"});
  config.loader_threads = static_cast<int>(
      std::clamp<std::int64_t>(loader.get("threads").as_int(config.loader_threads), -1, INT32_MAX));
  config.loader_memory_gb = loader.get("memory_gb").as_double(config.loader_memory_gb);
  config.loader_cache_gb = loader.get("cache_gb").as_double(config.loader_cache_gb);

  const Config rotation = file.get("augment").get("rotation");
  file.get("augment").allow_only({"rotation"});
  rotation.allow_only({"probability", "max_degrees"});
  config.rotation.probability = rotation.get("probability").as_double(config.rotation.probability);
  config.rotation.max_degrees = rotation.get("max_degrees").as_double(config.rotation.max_degrees);
}

void parse_keeping(const Config& file, TrainerConfig& config) {
  const Config checkpoint = file.get("checkpoint");
  checkpoint.allow_only({"every_steps", "every_minutes", "keep"});
  config.checkpoint_steps = checkpoint.get("every_steps").as_int(config.checkpoint_steps);
  config.checkpoint_minutes = checkpoint.get("every_minutes").as_int(config.checkpoint_minutes);
  config.checkpoints_kept = checkpoint.get("keep").as_int(config.checkpoints_kept);

  file.get("log").allow_only({"every_steps"});
  config.log_steps = file.get("log").get("every_steps").as_int(config.log_steps);
  file.get("validation").allow_only({"every_epochs"});
  config.validation_epochs = file.get("validation").get("every_epochs").as_int(config.validation_epochs);
}

}  // namespace

const char* to_string(Precision precision) noexcept {
  switch (precision) {
    case Precision::fp32:
      return "fp32";
    case Precision::bf16:
      return "bf16";
    case Precision::fp16:
      return "fp16";
  }
  return "";
}

std::filesystem::path below_root(const std::filesystem::path& root, const std::filesystem::path& path) {
  return path.empty() || root.empty() ? path : root / path;
}

void parse_trainer_config(const Config& file, const OwnKeys& own, TrainerConfig& config) {
  const std::int64_t seed = file.get("seed").as_int(static_cast<std::int64_t>(config.seed));
  if (seed < 0) file.get("seed").fail("a seed is 0 or more");
  config.seed = static_cast<std::uint64_t>(seed);
  config.output = file.get("output").as_path();
  allow_keys(file.get("data"), {"max_bad_fraction", "max_mismatch_fraction", "drop_last"}, own.data);
  allow_keys(file.get("train"),
             {"epochs", "batch_size", "micro_batch", "precision", "checkpoint_blocks", "checkpoint_stem",
              "sync_batchnorm", "clip_norm", "ema_decay", "reuse_memory", "max_wait_minutes"},
             own.train);
  allow_keys(file.get("optimizer"), {"lr", "betas", "eps", "weight_decay"}, own.optimizer);
  parse_train_section(file.get("train"), config);
  parse_optimizer_section(file.get("optimizer"), config);
  parse_loading(file, config);
  parse_keeping(file, config);
}

void require_setting(bool holds, const char* key, const std::string& wanted) {
  if (!holds) fail(ErrorCategory::usage, "{}: must be {}", key, wanted);
}

void check_trainer_config(const TrainerConfig& config) {
  // Far above any use, far below where steps, bytes and nanoseconds overflow.
  constexpr std::int64_t kMillion = 1'000'000;
  const auto require = require_setting;
  require(!config.output.empty(), "output", "the run's folder");
  require(config.epochs > 0 && config.epochs <= kMillion, "train.epochs", "from 1 to 1000000");
  require(config.batch_size > 0 && config.batch_size <= kMillion, "train.batch_size", "from 1 to 1000000");
  require(config.micro_batch > 0 && config.micro_batch <= config.batch_size, "train.micro_batch",
          "from 1 to train.batch_size");
  require(config.batch_size % config.micro_batch == 0, "train.micro_batch",
          fmt::format("a divisor of train.batch_size ({})", config.batch_size));
  require(config.clip_norm >= 0, "train.clip_norm", "0 (no clipping) or more");
  require(config.ema_decay >= 0 && config.ema_decay < 1, "train.ema_decay", "from 0 (none) to below 1");
  require(config.lr > 0, "optimizer.lr", "above 0");
  require(
      config.adamw.beta1 >= 0 && config.adamw.beta1 < 1 && config.adamw.beta2 >= 0 && config.adamw.beta2 < 1,
      "optimizer.betas", "from 0 to below 1");
  require(config.adamw.eps > 0, "optimizer.eps", "above 0");
  require(config.adamw.weight_decay >= 0, "optimizer.weight_decay", "0 or more");
  require(config.max_bad_fraction >= 0 && config.max_bad_fraction <= 1, "data.max_bad_fraction",
          "from 0 to 1");
  require(config.max_mismatch_fraction >= 0 && config.max_mismatch_fraction <= 1,
          "data.max_mismatch_fraction", "from 0 to 1 (whatever they are)");
  require(config.max_wait_minutes >= 0.01 && config.max_wait_minutes <= kMillion, "train.max_wait_minutes",
          "from 0.01 to 1000000");
  require(config.loader_threads >= 0 && config.loader_threads <= 1024, "loader.threads",
          "from 0 (as many as there are processors) to 1024");
  require(config.loader_memory_gb > 0 && config.loader_memory_gb <= kMillion, "loader.memory_gb",
          "above 0, at most 1000000");
  require(config.loader_cache_gb >= 0 && config.loader_cache_gb <= kMillion, "loader.cache_gb",
          "from 0 (no cache) to 1000000");
  require(config.rotation.probability >= 0 && config.rotation.probability <= 1,
          "augment.rotation.probability", "from 0 to 1");
  require(config.rotation.max_degrees >= 0 && config.rotation.max_degrees <= 180,
          "augment.rotation.max_degrees", "from 0 to 180");
  require(config.checkpoint_steps > 0, "checkpoint.every_steps", "at least 1");
  require(config.checkpoint_minutes > 0 && config.checkpoint_minutes <= kMillion, "checkpoint.every_minutes",
          "from 1 to 1000000");
  require(config.checkpoints_kept > 0, "checkpoint.keep", "at least 1");
  require(config.log_steps > 0, "log.every_steps", "at least 1");
  require(config.validation_epochs > 0, "validation.every_epochs", "at least 1");
}

}  // namespace pillar
