#include "attention_pictures.h"

#include "pillar/core/fail.h"
#include "pillar/core/file_name.h"
#include "pillar/image/preprocess.h"
#include "pillar/image/volume_file.h"
#include "pillar/viz/hang.h"
#include "pillar/viz/overlay_picture.h"
#include "pillar/viz/png.h"
#include "pillar/viz/slice_viewer.h"

#include <algorithm>

#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr DisplayWindow kSoftTissueWindow = {40, 400};
constexpr const char* kEndings[] = {".nii.gz", ".png", ".html"};

// The scan's own grid, on which the map lies.
void show_as_stored(PrepareOptions& prepare) {
  prepare.axes.reset();
  PreprocessOptions& preprocess = prepare.preprocess;
  preprocess.target_spacing_xyz_mm.reset();
  preprocess.crop_pad_hw.reset();
  preprocess.slices.reset();
}

}  // namespace

AttentionPictures::AttentionPictures(fs::path folder, const ScanReadOptions& reading)
    : folder_(std::move(folder)), reading_(reading) {
  show_as_stored(reading_.prepare);
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) fail(ErrorCategory::io, "{}: cannot make the folder: {}", folder_, error.message());
}

fs::path AttentionPictures::file_of(const std::string& accession, const char* ending) const {
  return folder_ / (file_stem(accession) + ending);
}

bool AttentionPictures::are_there(const std::string& accession) const {
  std::error_code ignored;
  return std::all_of(std::begin(kEndings), std::end(kEndings),
                     [&](const char* ending) { return fs::exists(file_of(accession, ending), ignored); });
}

void AttentionPictures::write(const BatchedScan& scan, const ScanAttention& attention) const {
  write_volume_file(file_of(scan.accession, ".nii.gz"), attention.map);
  Scan shown = open_scan(scan.entry, reading_).read();
  Volume map = attention.map;
  hang(map, shown.geometry_known);  // the map lies as the scan does, and is turned as it is
  SliceViewerOptions page = hang(shown.volume, shown.geometry_known);
  const bool is_ct = shown.volume.modality == Modality::ct;
  page.window = is_ct ? kSoftTissueWindow : automatic_window(shown.volume.voxels_dhw);
  page.title = scan.accession;
  page.facts.insert(page.facts.begin(), {"modality", to_string(shown.volume.modality)});
  page.facts.emplace_back("attention beside the scan, on padding",
                          fmt::format("{:.1f} %", 100 * attention.beside_scan));
  page.overlay = {map.voxels_dhw, "attention"};
  const auto& spacing = shown.volume.geometry.spacing_xyz_mm;
  OverlayPictureOptions picture;
  picture.window = page.window;
  picture.slices_ascend = page.slices_ascend;
  picture.title = scan.accession;
  write_png(file_of(scan.accession, ".png"),
            overlay_picture(shown.volume.voxels_dhw, map.voxels_dhw, spacing, picture));
  write_slice_viewer(file_of(scan.accession, ".html"), shown.volume.voxels_dhw, spacing, page);
}

}  // namespace pillar
