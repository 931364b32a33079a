// A Qwen3 embedding model in a folder as what makes vectors of texts.
#pragma once

#include "pillar/text/provider.h"
#include "pillar/text/qwen3_model.h"

#include <filesystem>
#include <string>

namespace pillar {

struct Qwen3ProviderOptions {
  std::filesystem::path model;  // folder in released layout: config.json, tokenizer.json, weights
  TextPooling pooling = TextPooling::mean;
  // What the texts are asked for, put before each as Qwen's embedding models were trained to read a query:
  // "Instruct: <instruction>\nQuery:<text>". Empty for texts that are searched: reports.
  std::string instruction;
  Qwen3Options compute;  // longest_text: tokens that are read of a text; what is over is cut at its end
};

// Loads the model. What the vectors depend on stands in the settings: the SHA-256 of config.json, of
// tokenizer.json and of the weights, pooling, instruction, and the type of products. The log says how much
// memory it takes. Throws what Qwen3Model::load() and Tokenizer::load() throw, Error(usage) for an
// instruction that is not UTF-8, and Error(input) for a tokenizer with more tokens than the embedding table
// has rows.
TextProvider qwen3_provider(const Qwen3ProviderOptions& options);

}  // namespace pillar
