#include "train/run/batching.h"

#include "pillar/core/fail.h"
#include "pillar/core/thread_pool.h"

#include <fmt/format.h>

namespace pillar {

at::ScalarType compute_type(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return at::kFloat;
    case Precision::bf16:
      return at::kBFloat16;
    case Precision::fp16:
      return at::kHalf;
  }
  return at::kFloat;
}

void check_precision(Precision precision, at::Device device) {
  if (precision == Precision::fp16 && !device.is_cuda())
    fail(ErrorCategory::usage, "train.precision fp16 is for CUDA devices; on a processor use bf16 or fp32");
}

bool is_stem_checkpointed(const TrainerConfig& config, at::Device device) {
  return config.checkpoint_stem.value_or(!device.is_cpu());
}

AtlasPass training_pass(const TrainerConfig& config, at::Device device) {
  AtlasPass pass;
  pass.train = true;
  pass.execution = {device, compute_type(config.precision), /*gradients=*/true};
  pass.checkpoint_blocks = config.checkpoint_blocks;
  pass.checkpoint_stem = is_stem_checkpointed(config, device);
  return pass;
}

BatchShape batch_shape(const TrainerConfig& config, const World& world) {
  const BatchShape shape = {config.batch_size, config.micro_batch, world.rank(), world.size(),
                            config.drop_last};
  const std::int64_t micro_batches = shape.batch / shape.micro_batch;
  if (micro_batches < shape.world) {
    fail(ErrorCategory::usage,
         "train.batch_size {} in micro-batches of {} is work for {} processes, not {}: make "
         "train.micro_batch smaller",
         shape.batch, shape.micro_batch, micro_batches, shape.world);
  }
  if (config.sync_batchnorm && (micro_batches % shape.world != 0 || !config.drop_last)) {
    fail(ErrorCategory::usage,
         "train.sync_batchnorm needs as many micro-batches on every process: data.drop_last true, and a "
         "batch_size "
         "that micro_batch x processes divides");
  }
  return shape;
}

StudyLoaderOptions loader_options(const TrainerConfig& config, const BatchShape& shape, at::Device device,
                                  std::size_t pools, bool train) {
  const auto bytes = [](double gigabytes) { return static_cast<std::uint64_t>(gigabytes * (1ull << 30)); };
  const auto sharers = static_cast<double>(pools);
  StudyLoaderOptions loader;
  loader.shape = shape;
  loader.seed = config.seed;
  loader.train = train;
  loader.threads = config.loader_threads > 0 ? config.loader_threads : usable_processors();
  loader.memory_bytes = bytes(config.loader_memory_gb / sharers);
  loader.cache_bytes = train ? bytes(config.loader_cache_gb / sharers) : 0;
  loader.pin = device.is_cuda();
  // Somewhat less than other processes wait for this one, so that it is what they hear.
  constexpr double kShareOfWait = 0.9;
  loader.patience = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::duration<double, std::ratio<60>>(kShareOfWait * config.max_wait_minutes));
  return loader;
}

std::string study_names(std::span<const StepBatch> batches) {
  std::string names;
  for (const StepBatch& batch : batches) {
    for (const MicroBatch& micro : batch.micro_batches) {
      for (const std::string& name : micro.names) names += (names.empty() ? "" : ", ") + name;
    }
  }
  return names.empty() ? "none on this rank" : names;
}

void refuse_faults(const std::vector<StudyFault>& faults) {
  if (faults.empty()) return;
  constexpr std::size_t kShown = 30;
  std::string text = fmt::format("{:<24} {:<24} {}", "study", "dataset", "fault");
  for (std::size_t i = 0; i < faults.size() && i < kShown; ++i)
    text += fmt::format("\n{:<24} {:<24} {}", faults[i].name, faults[i].source, faults[i].fault);
  if (faults.size() > kShown) text += fmt::format("\nand {} more", faults.size() - kShown);
  fail(ErrorCategory::input, "{} stud{} cannot be trained on (--skip-missing goes on without):\n{}",
       faults.size(), faults.size() == 1 ? "y" : "ies", text);
}

}  // namespace pillar
