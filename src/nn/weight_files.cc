#include "pillar/nn/weight_files.h"

#include "pillar/core/config.h"
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"
#include "pillar/core/safetensors.h"
#include "pillar/core/sha256.h"

#include "core/shared/joined.h"
#include "core/shared/torch_file.h"

#include <algorithm>
#include <set>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

// The file that a model's path means: the index, where the weights are in shards.
fs::path main_file(const fs::path& model) {
  std::error_code error;
  if (!fs::exists(model, error)) fail(ErrorCategory::io, "{}: no such file or folder", model);
  if (!fs::is_directory(model)) return model;
  for (const char* name : {kSingle, kIndex}) {
    if (fs::exists(model / name)) return model / name;
  }
  static const std::set<std::string> kEndings = {".safetensors", ".pt", ".pth", ".ckpt"};
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(model)) {
    const std::string name = entry.path().filename().string();
    const bool usable = !name.starts_with('.') && kEndings.count(entry.path().extension().string()) != 0;
    if (usable && entry.is_regular_file()) found.push_back(name);
  }
  std::sort(found.begin(), found.end());
  if (found.size() == 1) return model / found.front();
  if (found.empty()) fail(ErrorCategory::io, "{}: holds no {}, {} or .pt file", model, kSingle, kIndex);
  fail(ErrorCategory::input, "{}: holds no {} but several other weights, name one of them: {}", model,
       kSingle, joined(found, ", "));
}

bool is_index(const fs::path& file) {
  return file.string().ends_with(".index.json");
}

// Each shard of an index, and the names of the tensors that the index places there. Shards are files of the
// index's own folder, whatever it says.
std::map<fs::path, std::set<std::string>> shards_of(const fs::path& index) {
  const Config map = Config::load(index).get("weight_map");
  if (!map.is_map() || map.size() == 0) map.fail("must name the file of each tensor");
  std::map<fs::path, std::set<std::string>> shards;
  for (const std::string& name : map.keys()) {
    const std::string file = map.get(name).as_string();
    if (file.empty() || file.front() == '.' || file.find_first_of("/\\") != std::string::npos) {
      map.get(name).fail(fmt::format("'{}' is no name of a file beside the index", printable(file)));
    }
    shards[index.parent_path() / file].insert(name);
  }
  return shards;
}

WeightMap read_safetensors(const fs::path& path, MappedFiles& files) {
  const SafetensorsFile file(path);
  files.push_back(file.mapping());
  WeightMap tensors;
  for (const auto& [name, entry] : file.entries()) tensors.emplace(name, file.tensor(name));
  return tensors;
}

// What a trainer saves beside the weights.
bool is_training_state(std::string_view name) {
  static const std::set<std::string_view> kKeys = {"optimizer",
                                                   "optimizer_state",
                                                   "optimizer_state_dict",
                                                   "optimizer_states",
                                                   "scheduler",
                                                   "lr_scheduler",
                                                   "lr_schedulers",
                                                   "scaler",
                                                   "rng",
                                                   "rng_state",
                                                   "args"};
  return kKeys.count(name.substr(0, name.find('.'))) != 0;
}

WeightMap read_one(const fs::path& path, MappedFiles& files) {
  const auto file = std::make_shared<const MappedFile>(path);
  if (!looks_like_torch_file(file->bytes())) return read_safetensors(path, files);
  files.push_back(file);
  WeightMap tensors = read_torch_tensors(file->bytes(), path.string(), file);
  std::erase_if(tensors, [](const auto& item) { return is_training_state(item.first); });
  return tensors;
}

WeightMap read_sharded(const fs::path& index, MappedFiles& files) {
  WeightMap tensors;
  for (const auto& [path, names] : shards_of(index)) {
    for (auto& [name, tensor] : read_safetensors(path, files)) {
      if (names.count(name) == 0) {
        fail(ErrorCategory::input, "{}: holds '{}', which {} does not place there", path, printable(name),
             kIndex);
      }
      tensors.emplace(name, tensor);
    }
    for (const std::string& name : names) {
      if (tensors.count(name) == 0) {
        fail(ErrorCategory::input, "{}: lacks '{}', which {} places there", path, printable(name), kIndex);
      }
    }
  }
  return tensors;
}

}  // namespace

std::vector<fs::path> weight_files(const fs::path& model) {
  const fs::path file = main_file(model);
  if (!is_index(file)) return {file};
  std::vector<fs::path> shards;
  for (const auto& [path, names] : shards_of(file)) shards.push_back(path);
  return shards;
}

WeightMap read_weight_files(const fs::path& model, MappedFiles& files) {
  const fs::path file = main_file(model);
  WeightMap tensors = is_index(file) ? read_sharded(file, files) : read_one(file, files);
  if (tensors.empty()) fail(ErrorCategory::input, "{}: holds no tensor", file);
  return tensors;
}

std::string weights_fingerprint(const fs::path& model) {
  std::string digests;
  for (const fs::path& file : weight_files(model)) digests += sha256_hex(MappedFile(file).bytes());
  return sha256_hex(as_bytes(digests));
}

std::string canonical_name(std::string_view name) {
  constexpr std::array<std::string_view, 6> kPrefixes = {
      "module.", "model.", "backbone_model.", "state_dict.", "model_state_dict.", "_orig_mod."};
  const auto is_front = [&name](std::string_view prefix) { return name.starts_with(prefix); };
  for (auto found = std::find_if(kPrefixes.begin(), kPrefixes.end(), is_front); found != kPrefixes.end();
       found = std::find_if(kPrefixes.begin(), kPrefixes.end(), is_front)) {
    name.remove_prefix(found->size());
  }
  // torch.compile() of a part names that part so.
  constexpr std::string_view kCompiled = "._orig_mod.";
  std::string canonical(name);
  for (std::size_t at = canonical.find(kCompiled); at != std::string::npos;
       at = canonical.find(kCompiled, at))
    canonical.erase(at, kCompiled.size() - 1);
  return canonical;
}

}  // namespace pillar
