#include "pillar/train/run_checkpoint.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/safetensors.h"
#include "pillar/core/sha256.h"

#include "train/run/run_state.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSums = "SHA256SUMS";
constexpr const char* kRemoved = ".removed-";
constexpr std::uint64_t kMostStateBytes = 1 << 28;  // ten million studies

std::string sum_of(const fs::path& file) {
  const MappedFile mapped(file);
  const std::string sum = sha256_hex(mapped.bytes());
  mapped.release_pages();
  return sum;
}

// As sha256sum writes and checks them.
void write_sums(const fs::path& folder) {
  std::string lines;
  for (const auto& entry : fs::directory_iterator(folder))
    lines += fmt::format("{}  {}\n", sum_of(entry.path()), entry.path().filename().string());
  write_file_atomic(folder / kSums, lines);
}

std::vector<std::string> check_sums(const fs::path& folder) {
  const std::string text = read_text_file(folder / kSums, 1 << 16);
  std::vector<std::string> files;
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string line = text.substr(begin, end - begin);
    constexpr std::size_t kDigits = 64;
    if (line.size() < kDigits + 3 || line.find('/') != std::string::npos)
      fail(ErrorCategory::input, "{}: a line that is no checksum", folder / kSums);
    const std::string name = line.substr(kDigits + 2);
    if (sum_of(folder / name) != line.substr(0, kDigits))
      fail(ErrorCategory::input, "{}: damaged, its checksum does not match", folder / name);
    files.push_back(name);
  }
  for (const char* needed : {"model.safetensors", "optimizer.safetensors", "state.json"}) {
    if (std::find(files.begin(), files.end(), needed) == files.end())
      fail(ErrorCategory::input, "{}: names no {}", folder / kSums, needed);
  }
  return files;
}

std::map<std::string, at::Tensor> read_tensors(const fs::path& file) {
  const SafetensorsFile opened(file);
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [name, entry] : opened.entries()) tensors.emplace(name, opened.tensor(name));
  return tensors;
}

// Out of sight at once: a process that is killed while it removes leaves no half checkpoint behind.
void remove_folder(const fs::path& folder) {
  const fs::path hidden = folder.parent_path() / (kRemoved + folder.filename().string());
  std::error_code error;
  fs::remove_all(hidden, error);
  fs::rename(folder, hidden, error);
  if (!error) fs::remove_all(hidden, error);
  if (error) spdlog::warn("{}: not removed: {}", folder.string(), error.message());
}

bool is_checkpoint_name(const std::string& name) {
  constexpr std::string_view kPrefix = "step-";
  return name.starts_with(kPrefix) && name.size() > kPrefix.size() &&
         std::all_of(name.begin() + kPrefix.size(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

CheckpointStore::CheckpointStore(fs::path folder, std::int64_t keep)
    : folder_(std::move(folder)), keep_(keep) {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) fail(ErrorCategory::io, "{}: cannot make the folder: {}", folder_, error.message());
  remove_stale_partials(folder_);
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    if (entry.path().filename().string().starts_with(kRemoved)) fs::remove_all(entry.path(), error);
  }
}

fs::path CheckpointStore::write(const RunState& state, const NamedTensors& model,
                                const NamedTensors& optimizer, const NamedTensors& average) const {
  const fs::path target = folder_ / fmt::format("step-{:010}", state.step);
  try {
    PartialPath partial(target);
    fs::create_directories(partial.path());
    write_safetensors(partial.path() / "model.safetensors", model);
    write_safetensors(partial.path() / "optimizer.safetensors", optimizer);
    if (!average.empty()) write_safetensors(partial.path() / "average.safetensors", average);
    write_file_atomic(partial.path() / "state.json", format_run_state(state));
    write_sums(partial.path());
    partial.commit();
  } catch (const fs::filesystem_error& error) {
    fail(ErrorCategory::io, "{}: {}", target, error.code().message());
  }
  remove_old();
  return target;
}

void CheckpointStore::mark_best(const fs::path& checkpoint) const {
  const fs::path link = folder_ / "best", fresh = folder_ / fmt::format("{}best", kRemoved);
  std::error_code error;
  fs::remove(fresh, error);
  fs::create_symlink(checkpoint.filename(), fresh, error);
  if (!error) fs::rename(fresh, link, error);
  if (error) fail(ErrorCategory::io, "{}: cannot be set: {}", link, error.message());
}

std::vector<fs::path> CheckpointStore::list() const {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    if (entry.is_directory(error) && !entry.is_symlink(error) &&
        is_checkpoint_name(entry.path().filename().string()))
      found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end(), std::greater<>());
  return found;
}

void CheckpointStore::remove_old() const {
  std::error_code error;
  const fs::path best = fs::read_symlink(folder_ / "best", error);
  const std::vector<fs::path> all = list();
  for (std::size_t i = static_cast<std::size_t>(keep_); i < all.size(); ++i) {
    if (all[i].filename() != best) remove_folder(all[i]);
  }
}

std::optional<RunCheckpoint> CheckpointStore::newest(Notes& damaged) const {
  for (const fs::path& folder : list()) {
    try {
      return load_run_checkpoint(folder);
    } catch (const Error& error) {
      damaged.add(error.what());
    }
  }
  if (!damaged.empty()) {
    fail(ErrorCategory::input,
         "{}: every checkpoint is damaged, the newest: {}; --resume none starts over (in another folder)",
         folder_, damaged[0]);
  }
  return std::nullopt;
}

RunCheckpoint load_run_checkpoint(const fs::path& folder) {
  const std::vector<std::string> files = check_sums(folder);
  RunCheckpoint checkpoint;
  checkpoint.folder = folder;
  checkpoint.state =
      parse_run_state(read_text_file(folder / "state.json", kMostStateBytes), folder / "state.json");
  checkpoint.model = read_tensors(folder / "model.safetensors");
  checkpoint.optimizer = read_tensors(folder / "optimizer.safetensors");
  if (std::find(files.begin(), files.end(), "average.safetensors") != files.end())
    checkpoint.average = read_tensors(folder / "average.safetensors");
  return checkpoint;
}

}  // namespace pillar
