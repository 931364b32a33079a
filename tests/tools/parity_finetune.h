// The families of finetuning goldens (../shared/goldens/finetune/README.md), each in a source of its own.
#pragma once

#include <filesystem>

#include <nlohmann/json_fwd.hpp>

namespace pillar::test {

// Where one golden's inputs are and where our values go: `stem` + ".safetensors" and ".json", `out` and the
// same name with the ending .json.
struct FinetuneCase {
  std::filesystem::path tensors, json;  // of the golden; tensors may not exist
  std::filesystem::path out_tensors, out_json;
};
using FinetuneFamily = void (*)(const FinetuneCase& golden);

void parity_finetune_csv_loading(const FinetuneCase& golden);
void parity_finetune_detr_match(const FinetuneCase& golden);
void parity_finetune_heads(const FinetuneCase& golden);
void parity_finetune_layer_decay(const FinetuneCase& golden);
void parity_finetune_metrics(const FinetuneCase& golden);
void parity_finetune_misc(const FinetuneCase& golden);
void parity_finetune_multilabel(const FinetuneCase& golden);
void parity_finetune_rotation3d(const FinetuneCase& golden);
void parity_finetune_train(const FinetuneCase& golden);

// The part "calibration" of a golden of the family misc, with our "calibrated".
nlohmann::ordered_json finetune_calibration_of(const nlohmann::ordered_json& golden);

}  // namespace pillar::test
