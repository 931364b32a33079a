#include "sample_pictures.h"

#include "pillar/core/error.h"
#include "pillar/core/fail.h"
#include "pillar/core/file_name.h"
#include "pillar/data/manifest.h"
#include "pillar/viz/contact_sheet.h"
#include "pillar/viz/hang.h"
#include "pillar/viz/png.h"
#include "pillar/viz/slice_viewer.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <set>

#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr int kThumbnailPixels = 160;
constexpr DisplayWindow kSoftTissue = {40, 400};

DisplayWindow window_of(const Volume& volume) {
  return volume.modality == Modality::ct ? kSoftTissue : automatic_window(volume.voxels_dhw);
}

fs::path make_folder(const fs::path& run_folder, const char* name) {
  const fs::path folder = run_folder / name;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(ErrorCategory::io, "{}: cannot make the folder: {}", folder, error.message());
  return folder;
}

std::optional<Scan> read_scan(const ScanEntry& entry) {
  try {
    return open_scan(entry, {}).read();
  } catch (const Error& error) {
    spdlog::warn("no picture of it: {}", error.what());
    return std::nullopt;
  }
}

// Calls `write` with up to `limit` scans, each accession once. A scan that cannot be read or shown is named
// in a warning; those without one are counted in another.
int write_each(const SampleFinder& finder, const std::vector<std::string>& accessions, int limit,
               const std::function<void(const std::string&, Scan)>& write) {
  std::set<std::string> seen;
  int written = 0, missing = 0;
  for (const std::string& accession : accessions) {
    if (written == limit) break;
    if (!seen.insert(accession).second) continue;
    const ScanEntry* entry = finder.find(accession);
    if (entry == nullptr) {
      ++missing;
      continue;
    }
    std::optional<Scan> scan = read_scan(*entry);
    if (!scan) continue;
    write(accession, std::move(*scan));
    ++written;
  }
  if (missing > 0)
    spdlog::warn("{}: no scan of {} of {} studies", finder.source().string(), missing, seen.size());
  return written;
}

}  // namespace

SampleFinder::SampleFinder(const fs::path& samples) : source_(samples) {
  if (samples.extension() == ".csv") {
    for (ScanEntry& entry : scan_entries(load_manifest(samples)))
      scans_.emplace(entry.name, std::move(entry));
    return;
  }
  std::error_code ignored;
  if (!fs::exists(samples, ignored)) fail(ErrorCategory::io, "{}: no such file or folder", samples);
  for (const ScanEntry& entry : list_scans({samples})) {
    try {
      scans_.emplace(open_scan(entry, {}).name, entry);
    } catch (const Error& error) {
      spdlog::warn("left out: {}", error.what());
    }
  }
  if (scans_.empty()) fail(ErrorCategory::input, "{}: no scans", samples);
}

const ScanEntry* SampleFinder::find(const std::string& accession) const {
  const auto found = scans_.find(accession);
  return found == scans_.end() ? nullptr : &found->second;
}

int write_view_pages(const SampleFinder& finder, const std::vector<std::string>& accessions,
                     const fs::path& run_folder, int limit) {
  const fs::path folder = make_folder(run_folder, "view");
  return write_each(finder, accessions, limit, [&](const std::string& accession, Scan scan) {
    SliceViewerOptions options = hang(scan.volume, scan.geometry_known);
    options.title = accession;
    options.window = window_of(scan.volume);
    options.facts.insert(options.facts.begin(), {"modality", to_string(scan.volume.modality)});
    write_slice_viewer(folder / (file_stem(accession) + ".html"), scan.volume.voxels_dhw,
                       scan.volume.geometry.spacing_xyz_mm, options);
  });
}

int write_thumbnails(const SampleFinder& finder, const std::vector<std::string>& accessions,
                     const fs::path& run_folder) {
  const fs::path folder = make_folder(run_folder, "thumbnails");
  return write_each(finder, accessions, std::numeric_limits<int>::max(),
                    [&](const std::string& accession, Scan scan) {
                      hang(scan.volume, scan.geometry_known);
                      write_png(folder / (file_stem(accession) + ".png"),
                                thumbnail(scan.volume.voxels_dhw, scan.volume.geometry.spacing_xyz_mm,
                                          window_of(scan.volume), kThumbnailPixels));
                    });
}

}  // namespace pillar
