// Text models that have not been trained, for tests, benches and trying the commands.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace pillar {

// Writes a folder in released layout: config.json as given, model.safetensors with random weights (norms are
// 1; all else is drawn evenly with standard deviation 0.02) in the type that config.json says, bfloat16 or
// float32, and the tokenizer.json of make_byte_tokenizer(). The same seed gives the same bytes. The folder
// appears, or is replaced, all at once. `source` names config_json in messages. Throws what
// parse_qwen3_config() throws, Error(input) for a vocabulary too small for the tokenizer, and Error(io).
// Returns how many parameters it wrote.
std::int64_t write_random_qwen3(const std::filesystem::path& folder, const std::string& config_json,
                                const std::filesystem::path& source, std::uint64_t seed);

}  // namespace pillar
