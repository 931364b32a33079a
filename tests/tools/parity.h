// What pillar_parity can repeat from reference data. A new kind is one source file and a row in parity.cc.
#pragma once

#include <filesystem>

namespace pillar::test {

// Reads only the inputs of a golden folder, never its expected outputs, and writes ours to `out` under the
// same tensor names. Throws Error as the library does.
using ParityKind = void (*)(const std::filesystem::path& golden_dir, const std::filesystem::path& out);

void parity_windows(const std::filesystem::path& golden_dir, const std::filesystem::path& out);
void parity_atlas(const std::filesystem::path& golden_dir, const std::filesystem::path& out);
void parity_finetune(const std::filesystem::path& golden_stem, const std::filesystem::path& out);
void parity_pretrain(const std::filesystem::path& golden_dir, const std::filesystem::path& out);
void parity_qwen(const std::filesystem::path& model_dir, const std::filesystem::path& out);
void parity_atlas_grads(const std::filesystem::path& golden_dir, const std::filesystem::path& out);

// Two inputs: a tokenizer.json and a JSON list of {text}. Writes a list of {ids, ids_without_special,
// decoded}.
void parity_qwen_ids(const std::filesystem::path& tokenizer_json, const std::filesystem::path& texts_json,
                     const std::filesystem::path& out);

}  // namespace pillar::test
