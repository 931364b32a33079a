#include "support/text_model.h"

#include "pillar/core/fail.h"

namespace pillar {

const char* const kTextModelGroup = "A model in a folder (--provider qwen3)";

void add_text_model_options(CLI::App& command, TextModelArguments& arguments) {
  Qwen3ProviderOptions& options = arguments.options;
  const auto grouped = [](CLI::Option* option) { option->capture_default_str()->group(kTextModelGroup); };
  grouped(command
              .add_option("--pooling", arguments.pooling,
                          "of a text's tokens: mean, as the public cache, or last, as Qwen's own")
              ->check(CLI::IsMember({"mean", "last"})));
  grouped(command
              .add_option("--instruct", options.instruction,
                          "what is asked for, before texts that are queries; reports take none")
              ->type_name("TEXT"));
  grouped(
      command
          .add_option("--dtype", options.compute.dtype,
                      "of products: fp32, bf16, or auto: bf16 on a GPU and on processors with AMX, else fp32")
          ->check(CLI::IsMember({"auto", "fp32", "bf16"})));
  grouped(command.add_option("--device", options.compute.device, "auto, cpu, cuda or cuda:N"));
  grouped(command
              .add_option("--batch-tokens", options.compute.batch_tokens,
                          "of one pass through the weights; 0: 16384, or fewer where memory is short")
              ->check(CLI::Range(0, 1 << 24)));
  grouped(command
              .add_option("--memory-gb", options.compute.memory_gb,
                          "bound on weights in use and what is computed, on a CPU; 0: what is free")
              ->check(CLI::NonNegativeNumber));
}

Qwen3ProviderOptions text_model_options(const TextModelArguments& arguments, const char* model_flag) {
  Qwen3ProviderOptions options = arguments.options;
  if (options.model.empty())
    fail(ErrorCategory::usage, "--provider qwen3 needs {}, the folder of a model", model_flag);
  options.pooling = parse_text_pooling(arguments.pooling);
  return options;
}

}  // namespace pillar
