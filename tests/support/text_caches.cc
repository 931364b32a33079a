#include "support/text_caches.h"

#include "pillar/core/file.h"
#include "pillar/core/sha256.h"

#include "support/torch_file.h"

#include <ATen/ops/arange.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar::test {

std::string hash_of(const std::string& study_id) {
  return sha256_hex(as_bytes(study_id));
}

std::string public_metadata(const std::map<std::string, std::string>& path_by_hash, std::int64_t width,
                            const std::string& changes) {
  nlohmann::json json = {{"model_name", "Qwen/Qwen3-Embedding-8B"},
                         {"normalize_embeddings", true},
                         {"max_length", 512},
                         {"text_to_path", path_by_hash},
                         {"embedding_dim", width},
                         {"version", "1.0"},
                         {"dataset_name", "chest"},
                         {"split", "train"}};
  json.merge_patch(nlohmann::json::parse(changes));
  return json.dump(2);
}

void write_public_cache(const std::filesystem::path& folder, const std::map<std::string, Vectors>& studies,
                        std::int64_t width) {
  std::filesystem::create_directories(folder / "embeddings");
  std::map<std::string, std::string> paths;
  for (const auto& [id, vectors] : studies) {
    const std::string name = fmt::format("embeddings/{}.pt", hash_of(id));
    std::vector<std::pair<std::string, std::string>> items;
    std::vector<at::Tensor> storages;
    for (const auto& [category, vector] : vectors) {
      PickledTensor record;
      record.key = static_cast<int>(storages.size());
      record.storage = vector.scalar_type() == at::kHalf       ? "HalfStorage"
                       : vector.scalar_type() == at::kBFloat16 ? "BFloat16Storage"
                       : vector.scalar_type() == at::kLong     ? "LongStorage"
                                                               : "FloatStorage";
      for (const auto size : vector.sizes()) record.sizes.push_back(static_cast<int>(size));
      for (const auto stride : vector.strides()) record.strides.push_back(static_cast<int>(stride));
      items.emplace_back(category, pickled(record));
      storages.push_back(vector);
    }
    write_file_atomic(folder / name, torch_file(pickled_dict(items), storages));
    paths[hash_of(id)] = name;
  }
  write_file_atomic(folder / "metadata.json", public_metadata(paths, width));
}

at::Tensor ramp(std::int64_t width, float start) {
  return at::arange(width).to(at::kFloat).add_(start);
}

}  // namespace pillar::test
