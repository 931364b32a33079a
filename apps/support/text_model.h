// The words of the command line for a Qwen3 model in a folder that embeds texts.
#pragma once

#include "pillar/text/qwen3_provider.h"

#include <string>

#include <CLI/CLI.hpp>

namespace pillar {

struct TextModelArguments {
  Qwen3ProviderOptions options;  // the model's folder and longest_text are the program's to fill
  std::string pooling = "mean";
};

// --pooling, --instruct, --dtype, --device, --batch-tokens and --memory-gb.
void add_text_model_options(CLI::App& command, TextModelArguments& arguments);
extern const char* const kTextModelGroup;  // what --help lists them under

// The options with the pooling in them. Throws Error(usage) where no model was named, by `model_flag`.
Qwen3ProviderOptions text_model_options(const TextModelArguments& arguments, const char* model_flag);

}  // namespace pillar
