// Golden of the text encoder: ids of tokens, hidden states and pooled vectors of its texts.
#include "pillar/core/config.h"
#include "pillar/core/safetensors.h"
#include "pillar/text/qwen3_model.h"
#include "pillar/text/tokenizer.h"

#include "tools/parity.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <ATen/ops/empty.h>
#include <fmt/format.h>

namespace pillar::test {
namespace {

constexpr std::int64_t kShortLength = 32;  // whose hidden states the golden has

at::Tensor id_tensor(const TokenIds& ids) {
  at::Tensor tensor = at::empty({static_cast<std::int64_t>(ids.size())}, at::kInt);
  std::copy(ids.begin(), ids.end(), tensor.mutable_data_ptr<std::int32_t>());
  return tensor;
}

}  // namespace

void parity_qwen(const std::filesystem::path& model_dir, const std::filesystem::path& out) {
  const Config file = Config::load(model_dir / "texts.json");
  const Config texts = file.get("texts"), lengths = file.get("max_length");
  const Tokenizer tokenizer = Tokenizer::load(model_dir / "tokenizer.json");
  const auto length_at = [&](std::size_t l) { return lengths.at(l).as_int(); };
  Qwen3Options options;
  options.device = "cpu";
  options.dtype = "fp32";
  options.longest_text = 1;
  for (std::size_t l = 0; l < lengths.size(); ++l)
    options.longest_text = std::max(options.longest_text, length_at(l));
  const Qwen3Model model = Qwen3Model::load(model_dir, options);
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (std::size_t l = 0; l < lengths.size(); ++l) {
    std::vector<TokenIds> all;
    for (std::size_t text = 0; text < texts.size(); ++text)
      all.push_back(tokenizer.encode(texts.at(text).as_string(), length_at(l)).ids);
    const at::Tensor mean = model.embed(all, TextPooling::mean), last = model.embed(all, TextPooling::last);
    for (std::size_t text = 0; text < all.size(); ++text) {
      const std::string place = fmt::format("{}.{}", length_at(l), text);
      const auto row = static_cast<std::int64_t>(text);
      tensors.emplace_back("ids." + place, id_tensor(all[text]));
      tensors.emplace_back("mean." + place, mean[row]);
      tensors.emplace_back("last." + place, last[row]);
      if (length_at(l) == kShortLength) tensors.emplace_back("hidden." + place, model.hidden(all[text]));
    }
  }
  write_safetensors(out, tensors);
}

}  // namespace pillar::test
