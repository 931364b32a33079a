// Finetuning goldens: the family is told by the name of the golden.
#include "tools/parity_finetune.h"

#include "pillar/core/fail.h"

#include "tools/parity.h"

#include <map>
#include <string>

namespace pillar::test {
namespace {

const std::map<std::string, FinetuneFamily> kFamilies = {
    {"csv_loading", parity_finetune_csv_loading},
    {"detr_match", parity_finetune_detr_match},
    {"heads", parity_finetune_heads},
    {"lr_and_layer_decay", parity_finetune_layer_decay},
    {"metrics", parity_finetune_metrics},
    {"misc", parity_finetune_misc},
    {"multilabel", parity_finetune_multilabel},
    {"rotation3d", parity_finetune_rotation3d},
    {"train", parity_finetune_train},
};

}  // namespace

void parity_finetune(const std::filesystem::path& stem, const std::filesystem::path& out) {
  const std::string name = stem.filename().string();
  for (const auto& [family, run] : kFamilies) {
    if (!name.starts_with(family)) continue;
    FinetuneCase golden{stem, stem, out, out};
    golden.tensors += ".safetensors";
    golden.json += ".json";
    golden.out_json.replace_extension(".json");
    return run(golden);
  }
  fail(ErrorCategory::usage, "{}: the name tells no family of finetuning goldens", stem);
}

}  // namespace pillar::test
