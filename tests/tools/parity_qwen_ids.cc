#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/text/tokenizer.h"

#include "tools/parity.h"

#include <nlohmann/json.hpp>

namespace pillar::test {

void parity_qwen_ids(const std::filesystem::path& tokenizer_json, const std::filesystem::path& texts_json,
                     const std::filesystem::path& out) {
  const Tokenizer tokenizer = Tokenizer::load(tokenizer_json);
  const auto texts = nlohmann::json::parse(read_text_file(texts_json), nullptr, false);
  if (!texts.is_array()) fail(ErrorCategory::input, "{}: must be a list of {{text}}", texts_json);
  auto results = nlohmann::ordered_json::array();
  for (const auto& entry : texts) {
    const auto text = entry.at("text").get<std::string>();
    const EncodedText encoded = tokenizer.encode(text);
    results.push_back({{"ids", encoded.ids},
                       {"ids_without_special", tokenizer.encode_plain(text)},
                       {"decoded", tokenizer.decode(encoded.ids)}});
  }
  write_file_atomic(out, results.dump() + "\n");
}

}  // namespace pillar::test
