#include "pillar/train/trainer_config.h"

#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace pillar {

MemoryAdvice training_memory_advice(const TrainerConfig& config) {
  std::vector<std::string> ways;
  if (config.micro_batch > 1) ways.push_back(fmt::format("a train.micro_batch below {}", config.micro_batch));
  if (!config.checkpoint_blocks) ways.push_back("train.checkpoint_blocks=true");
  if (config.checkpoint_stem == false) ways.emplace_back("train.checkpoint_stem=true");
  if (config.precision == Precision::fp32) ways.push_back("train.precision=bf16");
  MemoryAdvice advice;
  advice.work = fmt::format("training on {} studies at a time", config.micro_batch);
  advice.lower =
      ways.empty()
          ? "train.micro_batch, train.checkpoint_blocks, train.checkpoint_stem and "
            "train.precision ask for the least already: it takes a smaller model or image, or a larger device"
          : fmt::format("{} {} less", fmt::join(ways, ", "), ways.size() == 1 ? "needs" : "need");
  return advice;
}

}  // namespace pillar
