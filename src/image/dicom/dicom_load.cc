#include "pillar/core/fail.h"
#include "pillar/image/dicom_series.h"

#include "image/dicom/dicom_gaps.h"
#include "image/dicom/dicom_geometry.h"
#include "image/dicom/dicom_pixels.h"
#include "image/dicom/dicom_runtime.h"
#include "image/dicom/dicom_select.h"
#include "image/dicom/dicom_voxels.h"

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

// Decodes planes in order and hands out the slices that each completes.
template <typename Value>
class SliceMaker {
 public:
  SliceMaker(const DicomSeries& series, const SlicePlan& plan, VoxelBuilder& voxels)
      : series_(series), plan_(plan), voxels_(voxels) {}

  void run() {
    std::size_t next = 0;
    for (std::size_t k = 0; k < series_.planes.size() && next < plan_.slices.size(); ++k) {
      std::swap(previous_, current_);
      decode(series_.planes[k]);
      for (; next < plan_.slices.size() && plan_.slices[next].upper == k; ++next) {
        const PlannedSlice& slice = plan_.slices[next];
        voxels_.set_slice(static_cast<std::int64_t>(next),
                          slice.lower == k ? std::span<const Value>(current_) : blend(slice.weight));
      }
    }
  }

 private:
  void decode(const DicomPlane& plane) {
    if (!pixels_ || file_ != plane.file) {
      pixels_ = std::make_unique<DicomPixels>(plane.file);
      file_ = plane.file;
    }
    if (pixels_->rows() != plane.rows || pixels_->columns() != plane.columns) {
      fail(ErrorCategory::input, "{}: changed while it was read", plane.file);
    }
    const std::vector<std::int32_t>& stored = pixels_->read(plane.frame);
    const Value slope = static_cast<Value>(plane.rescale_slope);
    const Value intercept = static_cast<Value>(plane.rescale_intercept);
    current_.resize(stored.size());
    std::transform(stored.begin(), stored.end(), current_.begin(),
                   [=](std::int32_t value) { return slope * static_cast<Value>(value) + intercept; });
  }

  std::span<const Value> blend(double weight) {
    blended_.resize(current_.size());
    std::transform(previous_.begin(), previous_.end(), current_.begin(), blended_.begin(),
                   [=](Value a, Value b) {
                     const double value =
                         static_cast<double>(a) + weight * (static_cast<double>(b) - static_cast<double>(a));
                     return static_cast<Value>(std::is_integral_v<Value> ? std::nearbyint(value) : value);
                   });
    return blended_;
  }

  const DicomSeries& series_;
  const SlicePlan& plan_;
  VoxelBuilder& voxels_;
  std::unique_ptr<DicomPixels> pixels_;
  fs::path file_;
  std::vector<Value> previous_;
  std::vector<Value> current_;
  std::vector<Value> blended_;
};

}  // namespace

Volume load_series(const DicomSeries& series, const DicomLoadOptions& options, LoadReport& report) {
  init_dicom_libraries();
  check_planes(series);
  check_claims(series);
  report = {};
  report.source_slice_count = static_cast<std::int64_t>(series.planes.size());
  report.excluded_slice_count = static_cast<std::int64_t>(series.excluded.size());
  report.notes = series.notes;

  const DicomPlane& first = series.planes.front();
  SlicePlan plan{0, {{0, 0, 0}}};
  bool against_normal = false;
  double shear_deg = 0;
  if (series.planes.size() == 1) {
    plan.spacing_mm = single_spacing(first, report);
    if (!first.position)
      report.notes.add("a single slice without ImagePositionPatient: its place is taken as 0, 0, 0");
  } else {
    const Stack stack = measure_stack(series.planes);
    against_normal = stack.against_normal;
    shear_deg = stack.shear_deg;
    plan = plan_slices(stack, options.gaps, series_name(series), report);
  }
  note_tilt(series, shear_deg, report);

  VoxelBuilder voxels(static_cast<std::int64_t>(plan.slices.size()), first.rows, first.columns);
  if (std::all_of(series.planes.begin(), series.planes.end(), rescales_to_whole)) {
    SliceMaker<std::int32_t>(series, plan, voxels).run();
  } else {
    SliceMaker<double>(series, plan, voxels).run();
  }
  return {voxels.take(), stack_geometry(first, against_normal, plan.spacing_mm), series.modality};
}

}  // namespace pillar
