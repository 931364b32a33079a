#include "pillar/core/fail.h"
#include "pillar/image/dicom_series.h"

#include "image/dicom/dicom_geometry.h"
#include "image/dicom/dicom_grid.h"
#include "image/dicom/dicom_padding.h"
#include "image/dicom/dicom_pixels.h"
#include "image/dicom/dicom_runtime.h"
#include "image/dicom/dicom_select.h"
#include "image/dicom/dicom_voxels.h"
#include "image/padding.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <system_error>

#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

std::string series_name(const DicomSeries& series) {
  return series.planes.front().file.parent_path().string();
}

void check_planes(const DicomSeries& series) {
  if (series.planes.empty()) fail(ErrorCategory::input, "DICOM series {} has no planes", series.series_uid);
  if (!series.fault.empty()) fail(ErrorCategory::input, "{}", series.fault);
  for (const DicomPlane& plane : series.planes) {
    if (!plane.fault.empty()) fail(ErrorCategory::input, "{}: {}", plane.file, plane.fault);
  }
  const DicomPlane& first = series.planes.front();
  for (const DicomPlane& plane : series.planes) {
    if (plane.rows != first.rows || plane.columns != first.columns) {
      fail(ErrorCategory::input, "{}: matrix {}x{}, {} has {}x{}", plane.file, plane.rows, plane.columns,
           first.file.filename(), first.rows, first.columns);
    }
    if (!same_orientation(plane, first)) {
      fail(ErrorCategory::input,
           "{}: mixed orientations: not parallel to {}, and no orientation has a majority", plane.file,
           first.file.filename());
    }
    for (std::size_t i = 0; i < 2; ++i) {
      if (std::abs(plane.pixel_spacing_rc_mm[i] - first.pixel_spacing_rc_mm[i]) >
          1e-4 * first.pixel_spacing_rc_mm[i]) {
        fail(ErrorCategory::input, "{}: pixel spacing {}x{} mm, {} has {}x{}", plane.file,
             plane.pixel_spacing_rc_mm[0], plane.pixel_spacing_rc_mm[1], first.file.filename(),
             first.pixel_spacing_rc_mm[0], first.pixel_spacing_rc_mm[1]);
      }
    }
  }
}

void check_claims(const DicomSeries& series) {
  std::map<fs::path, std::uint64_t> claimed;
  for (const DicomPlane& plane : series.planes) {
    claimed[plane.file] += static_cast<std::uint64_t>(plane.rows) * static_cast<std::uint64_t>(plane.columns);
  }
  for (const auto& [file, pixels] : claimed) {
    std::error_code error;
    const std::uint64_t bytes = fs::file_size(file, error);
    if (error) fail(ErrorCategory::io, "{}: cannot read: {}", file, error.message());
    if (pixels > kAlwaysAllowedBytes + kLargestRatio * bytes) {
      fail(ErrorCategory::input, "{}: claims {} pixels in {} bytes", file, pixels, bytes);
    }
  }
}

double single_spacing(const DicomPlane& plane, LoadReport& report) {
  if (plane.slice_spacing_mm > 0) return plane.slice_spacing_mm;
  report.notes.add("a single slice without SpacingBetweenSlices or SliceThickness: taken as 1 mm");
  return 1;
}

void note_tilt(const DicomSeries& series, double shear_deg, LoadReport& report) {
  if (series.gantry_tilt_deg != 0 && shear_deg <= 0.1) {
    report.notes.add(
        fmt::format("GantryDetectorTilt is {:.4g} degrees, but the planes are stacked along their normal",
                    series.gantry_tilt_deg));
  }
}

// Values that are whole numbers, of a size that 32-bit sums of 16-bit pixels cannot overflow.
bool rescales_to_whole(const DicomPlane& plane) {
  return plane.rescale_slope == std::nearbyint(plane.rescale_slope) &&
         plane.rescale_intercept == std::nearbyint(plane.rescale_intercept) &&
         std::abs(plane.rescale_slope) <= 8192 && std::abs(plane.rescale_intercept) <= 1e9;
}

// Decodes planes in order.
template <typename Value>
class PlaneReader {
 public:
  PlaneReader(const DicomSeries& series, bool padding_is_air, VoxelBuilder& voxels)
      : series_(series), padding_is_air_(padding_is_air), voxels_(voxels) {}

  // Returns how many voxels were padding.
  std::int64_t run() {
    std::int64_t slice = 0;
    for (const DicomPlane& plane : series_.planes) {
      decode(plane);
      voxels_.set_slice(slice++, std::span<const Value>(values_));
    }
    return padding_;
  }

 private:
  void decode(const DicomPlane& plane) {
    if (!pixels_ || file_ != plane.file) {
      pixels_ = std::make_unique<DicomPixels>(plane.file);
      file_ = plane.file;
    }
    const std::vector<std::int32_t>& stored = pixels_->read_plane(plane);
    const Value slope = static_cast<Value>(plane.rescale_slope);
    const Value intercept = static_cast<Value>(plane.rescale_intercept);
    values_.resize(stored.size());
    std::transform(stored.begin(), stored.end(), values_.begin(),
                   [=](std::int32_t value) { return slope * static_cast<Value>(value) + intercept; });
    if (padding_is_air_) padding_ += padding_to_air(plane, std::span(stored), std::span(values_));
  }

  const DicomSeries& series_;
  bool padding_is_air_;
  VoxelBuilder& voxels_;
  std::int64_t padding_ = 0;
  std::unique_ptr<DicomPixels> pixels_;
  fs::path file_;
  std::vector<Value> values_;
};

at::Tensor read_planes(const DicomSeries& series, bool padding_is_air, LoadReport& report) {
  const DicomPlane& first = series.planes.front();
  VoxelBuilder voxels(static_cast<std::int64_t>(series.planes.size()), first.rows, first.columns);
  const bool whole = std::all_of(series.planes.begin(), series.planes.end(), rescales_to_whole);
  const std::int64_t padding = whole ? PlaneReader<std::int32_t>(series, padding_is_air, voxels).run()
                                     : PlaneReader<double>(series, padding_is_air, voxels).run();
  if (padding > 0) report.notes.add(padding_note(padding));
  return voxels.take();
}

// A single plane, or a stack: how its planes become slices.
StackPlan plan_series(const DicomSeries& series, const DicomLoadOptions& options, LoadReport& report) {
  if (series.planes.size() > 1) return plan_stack(series.planes, options, series_name(series), report);
  StackPlan plan;
  plan.spacing_mm = single_spacing(series.planes.front(), report);
  if (!series.planes.front().position)
    report.notes.add("a single slice without ImagePositionPatient: its place is taken as 0, 0, 0");
  return plan;
}

}  // namespace

Volume load_series(const DicomSeries& series, const DicomLoadOptions& options, LoadReport& report) {
  init_dicom_libraries();
  check_planes(series);
  check_claims(series);
  report = {};
  report.source_slice_count = static_cast<std::int64_t>(series.planes.size());
  report.excluded_slice_count = static_cast<std::int64_t>(series.excluded.size());
  report.notes = series.notes;

  const StackPlan plan = plan_series(series, options, report);
  note_tilt(series, plan.shear_deg, report);
  const bool is_resampled = plan.correction || options.target_spacing_xyz_mm;
  const bool padding_is_air = options.padding_is_air && is_resampled && series.modality == Modality::ct;
  const at::Tensor planes = read_planes(series, padding_is_air, report);
  Volume volume;
  if (plan.correction) {
    volume = resampled_planes(planes, *plan.correction, options, report);
  } else {
    volume.voxels_dhw = planes;
    volume.geometry = stack_geometry(series.planes.front(), plan.against_normal, plan.spacing_mm);
  }
  volume.modality = series.modality;
  return volume;
}

}  // namespace pillar
