// Internal: what of a run's configuration is another run's.
#pragma once

#include <string>
#include <vector>

namespace pillar {

// "optimizer.lr: 0.001 -> 0.0001" of every key that changes what is trained: two configurations as
// format_pretrain_config() and format_finetune_config() write them. Left alone is what may change from start
// to start: where output goes, logs, checkpoints, loading and validation, and what RunIdentity says itself.
std::vector<std::string> config_changes(const std::string& before, const std::string& now);

}  // namespace pillar
