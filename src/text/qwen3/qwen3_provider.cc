#include "pillar/text/qwen3_provider.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"
#include "pillar/core/sha256.h"
#include "pillar/nn/weight_files.h"
#include "pillar/text/tokenizer.h"

#include "text/qwen3/model_files.h"

#include <algorithm>
#include <memory>

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::int64_t kUsualTextTokens = 256;  // of a report: how many make a batch
constexpr double kGigabyteBytes = 1e9;

// Tokenizer and decoder of one folder. Calls may come from several threads.
class TextModel {
 public:
  explicit TextModel(const Qwen3ProviderOptions& options)
      : options_(options),
        tokenizer_(Tokenizer::load(text_model_file(options.model, "tokenizer.json"))),
        model_(Qwen3Model::load(options.model, options.compute)) {
    if (tokenizer_.size() > model_.config().vocabulary) {
      fail(ErrorCategory::input,
           "{}: tokenizer.json has {} tokens, the embedding table of config.json's vocab_size {} rows",
           options.model, tokenizer_.size(), model_.config().vocabulary);
    }
    tokenizer_.encode(asked({}), options.compute.longest_text);  // throws where it leaves no room
  }

  at::Tensor embed(const std::vector<std::string>& texts) const {
    std::vector<TokenIds> ids;
    for (const std::string& text : texts)
      ids.push_back(tokenizer_.encode(asked(text), options_.compute.longest_text).ids);
    return model_.embed(ids, options_.pooling);
  }
  std::int64_t count_tokens(const std::string& text) const {
    return tokenizer_.encode(asked(text), options_.compute.longest_text).whole_length;
  }
  const Qwen3Model& model() const { return model_; }

 private:
  std::string asked(const std::string& text) const {
    if (options_.instruction.empty()) return text;
    return fmt::format("Instruct: {}\nQuery:{}", options_.instruction, text);
  }

  Qwen3ProviderOptions options_;
  Tokenizer tokenizer_;
  Qwen3Model model_;
};

std::string file_sha256(const fs::path& model, const char* name) {
  return sha256_hex(MappedFile(text_model_file(model, name)).bytes());
}

std::string folder_name(const fs::path& model) {
  std::error_code error;
  fs::path full = fs::weakly_canonical(model, error);
  if (error) full = model;
  if (!full.has_filename() || !fs::is_directory(full, error)) full = full.parent_path();
  return full.filename().string();
}

void log_memory(const std::string& name, const Qwen3Model& model) {
  const Qwen3Memory& memory = model.memory();
  const auto gigabytes = [](std::uint64_t bytes) { return static_cast<double>(bytes) / kGigabyteBytes; };
  spdlog::info("{}: weights of {:.2f} GB, {} on {}, batches of {} tokens", name, gigabytes(memory.weights),
               model.dtype() == at::kFloat ? "fp32" : "bf16", model.device().str(), memory.batch_tokens);
  if (!model.device().is_cpu()) return;
  spdlog::info("{}: about {:.2f} GB of memory: {}, {:.2f} GB of activations", name, gigabytes(memory.peak()),
               memory.resident ? "all weights"
                               : fmt::format("weights a layer at a time ({:.2f} GB) and the embedding table",
                                             gigabytes(memory.layer)),
               gigabytes(memory.activations));
}

Json settings_of(const Qwen3ProviderOptions& options, const Qwen3Model& model) {
  Json settings = {{"provider", "qwen3"},
                   {"config_sha256", file_sha256(options.model, "config.json")},
                   {"tokenizer_sha256", file_sha256(options.model, "tokenizer.json")},
                   {"weights_sha256", weights_fingerprint(options.model)},
                   {"pooling", to_string(options.pooling)},
                   {"dtype", model.dtype() == at::kFloat ? "fp32" : "bf16"}};
  if (!options.instruction.empty()) settings["instruction"] = options.instruction;
  return settings;
}

}  // namespace

TextProvider qwen3_provider(const Qwen3ProviderOptions& options) {
  if (!is_text(options.instruction)) fail(ErrorCategory::usage, "an instruction that is not UTF-8");
  const auto text_model = std::make_shared<const TextModel>(options);
  const Qwen3Model& model = text_model->model();
  TextProvider provider;
  provider.embed = [text_model](const std::vector<std::string>& texts) { return text_model->embed(texts); };
  provider.count_tokens = [text_model](const std::string& text) { return text_model->count_tokens(text); };
  provider.model_name = folder_name(options.model);
  provider.texts_a_call = std::max<std::int64_t>(1, model.memory().batch_tokens / kUsualTextTokens);
  const Json settings = settings_of(options, model);
  provider.cache_settings = settings.dump();
  provider.run_settings = {{"text provider", "qwen3"}, {"text model", provider.model_name}};
  for (const auto& [key, value] : settings.items()) {
    if (key != "provider") provider.run_settings["text " + key] = value.get<std::string>();
  }
  log_memory(provider.model_name, model);
  return provider;
}

}  // namespace pillar
