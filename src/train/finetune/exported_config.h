// Internal: which architecture a finetuning has, and what its exported model's config.json says.
#pragma once

#include "pillar/model/heads.h"
#include "pillar/train/finetune_config.h"

#include <filesystem>
#include <string>

namespace pillar {

// model.architecture, else the config.json of model.init. Throws Error(input) where there is none.
std::filesystem::path architecture_file(const FinetuneConfig& config);

// The architecture's document with the one tower that is finetuned, with what the run changes of its
// preprocessing, and with the block "finetune". Throws Error(input | usage) naming the file: a tower that is
// not there, several of which none is named.
std::string exported_config(const FinetuneConfig& config, const HeadsConfig& heads);

}  // namespace pillar
