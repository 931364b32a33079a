#include "pillar/rave/verify.h"

#include "pillar/core/fail.h"
#include "pillar/core/file_walk.h"

#include "core/shared/joined.h"

#include <algorithm>
#include <set>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPayloads[] = {"volume.mp4", "volume.mkv", "volume.npy", "volume.pt"};
constexpr std::string_view kArchiveEndings[] = {".tar", ".tar.lz4"};

bool is_sample_folder(const fs::path& folder) {
  std::error_code ignored;
  if (fs::exists(folder / "metadata.json", ignored)) return true;
  return std::any_of(std::begin(kPayloads), std::end(kPayloads),
                     [&](const char* name) { return fs::exists(folder / name, ignored); });
}

bool is_archive(const fs::path& file) {
  const std::string name = file.filename().string();
  return std::any_of(std::begin(kArchiveEndings), std::end(kArchiveEndings),
                     [&](std::string_view end) { return name.ends_with(end); });
}

bool is_hidden(const fs::path& path) {
  return path.filename().string().starts_with(".");
}

std::string kind_of(const SampleInfo& info) {
  const bool lossy =
      info.payload == PayloadKind::video && info.video && info.video->kind == VideoKind::rave10;
  return fmt::format("{} {}", lossy ? "rave10" : "lossless", info.payload_name);
}

void check_against_metadata(const SampleInfo& info, const SizeDhw& decoded) {
  if (!info.metadata) fail(ErrorCategory::input, "{}: has no metadata.json", info.path);
  const SizeDhw& stated = info.metadata->final_shape;
  if (stated != SizeDhw{0, 0, 0} && stated != decoded) {
    fail(ErrorCategory::input, "{}: metadata.json says {}, the volume is {}", info.path, joined(stated, "x"),
         joined(decoded, "x"));
  }
}

}  // namespace

bool looks_like_sample(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored) ? is_sample_folder(path) : is_archive(path);
}

fs::path sample_of(const fs::path& file) {
  const fs::path folder = file.parent_path();
  if (is_hidden(folder) || is_hidden(file)) return {};
  if (is_sample_folder(folder)) return folder;
  return is_archive(file) ? file : fs::path();
}

std::vector<fs::path> find_samples(const std::vector<fs::path>& paths) {
  std::vector<fs::path> found;
  for (const fs::path& path : paths) {
    std::error_code ignored;
    if (!fs::is_directory(path, ignored) || is_sample_folder(path)) {
      found.push_back(path);
      continue;
    }
    const FileWalk walk = walk_files({path});
    if (!walk.unreadable.empty()) {
      const auto& [folder, reason] = walk.unreadable.front();
      fail(ErrorCategory::io, "{}: cannot list: {}", folder, reason);
    }
    std::set<fs::path> samples;
    for (const WalkedFile& file : walk.files) samples.insert(sample_of(file.path));
    samples.erase(fs::path());
    if (samples.empty()) fail(ErrorCategory::input, "{}: no samples in it", path);
    found.insert(found.end(), samples.begin(), samples.end());
  }
  return found;
}

VerifyResult verify_sample(const fs::path& path, int threads) {
  VerifyResult result;
  result.path = path;
  try {
    const Sample sample = Sample::open(path);
    result.kind = kind_of(sample.info());
    result.bytes_on_disk = sample.info().bytes_on_disk;
    const Volume volume = sample.read({}, threads);
    result.size_dhw = size_dhw(volume.voxels_dhw);
    check_against_metadata(sample.info(), result.size_dhw);
  } catch (const std::exception& error) {
    result.fault = error.what();
  }
  return result;
}

}  // namespace pillar
