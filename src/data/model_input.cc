#include "pillar/data/model_input.h"

#include "pillar/image/preprocess.h"

#include "core/fail.h"
#include "data/intensity_map.h"

#include <cmath>
#include <limits>

#include <ATen/ops/empty.h>

namespace pillar {
namespace {

constexpr double kSpacingTolerance = 0.05;

// `skip` voxels are cropped before, or `before` padded before; one of them is 0.
struct AxisFit {
  std::int64_t skip = 0, before = 0, kept = 0;
};

AxisFit fit_axis(std::int64_t size, std::int64_t target) {
  if (size > target) return {(size - target) / 2, 0, target};
  return {0, (target - size) / 2, size};
}

struct Placement {
  SizeDhw source, target;
  std::array<AxisFit, 3> fits;
  bool flip = false;
  bool pads = false;
};

Placement place(const SizeDhw& source, const SizeDhw& target, bool flip) {
  Placement placement{source, target, {}, flip, false};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    placement.fits[axis] = fit_axis(source[axis], target[axis]);
    placement.pads |= placement.fits[axis].kept < target[axis];
  }
  return placement;
}

template <typename T>
bool holds(double value) {
  if constexpr (std::is_floating_point_v<T>) return true;
  return value == std::trunc(value) && value >= double{std::numeric_limits<T>::lowest()} &&
         value <= double{std::numeric_limits<T>::max()};
}

template <typename In, typename Out, typename Map>
void copy_placed(const Placement& p, const In* from, Out* to, Out pad, const Map& map) {
  const auto& [d, h, w] = p.fits;
  if (p.pads) std::fill(to, to + p.target[0] * p.target[1] * p.target[2], pad);
  for (std::int64_t k = 0; k < d.kept; ++k) {
    const std::int64_t placed = d.before + k;
    const std::int64_t slice = p.flip ? p.target[0] - 1 - placed : placed;
    for (std::int64_t j = 0; j < h.kept; ++j) {
      const In* row = from + ((d.skip + k) * p.source[1] + h.skip + j) * p.source[2] + w.skip;
      Out* out = to + (slice * p.target[1] + h.before + j) * p.target[2] + w.before;
      std::transform(row, row + w.kept, out, [&](In value) { return static_cast<Out>(map(value)); });
    }
  }
}

// Mapped : the type that the map makes; float32 instead where the padding has no place in it.
template <typename Mapped, typename In, typename Map>
at::Tensor placed(const at::Tensor& voxels_dhw, const Placement& p, double pad_value, const Map& map) {
  const at::Tensor source = voxels_dhw.contiguous();
  const In* from = source.const_data_ptr<In>();
  const bool fits = !p.pads || holds<Mapped>(pad_value);
  const at::ScalarType type = fits ? c10::CppTypeToScalarType<Mapped>::value : at::kFloat;
  at::Tensor out = at::empty({1, p.target[0], p.target[1], p.target[2]}, type);
  if (fits) {
    copy_placed(p, from, out.mutable_data_ptr<Mapped>(), p.pads ? static_cast<Mapped>(pad_value) : Mapped(),
                map);
  } else {
    copy_placed(p, from, out.mutable_data_ptr<float>(), static_cast<float>(pad_value), map);
  }
  return out;
}

[[noreturn]] void unknown_type(const Scan& scan) {
  fail(ErrorCategory::input, "{}: voxels of type {}, not int16, uint16 or float32", scan.name,
       c10::toString(scan.volume.voxels_dhw.scalar_type()));
}

at::Tensor place_as_stored(const Scan& scan, const Placement& p, double pad_value) {
  const at::Tensor& voxels = scan.volume.voxels_dhw;
  const auto same = [](auto value) { return value; };
  switch (voxels.scalar_type()) {
    case at::kShort:
      return placed<std::int16_t, std::int16_t>(voxels, p, pad_value, same);
    case at::kUInt16:
      return placed<std::uint16_t, std::uint16_t>(voxels, p, pad_value, same);
    case at::kFloat:
      return placed<float, float>(voxels, p, pad_value, same);
    default:
      unknown_type(scan);
  }
}

at::Tensor place_ct_as_rave10(const Scan& scan, const Placement& p, double pad_value) {
  const at::Tensor& voxels = scan.volume.voxels_dhw;
  switch (voxels.scalar_type()) {
    case at::kShort:
      return placed<std::int16_t, std::int16_t>(
          voxels, p, pad_value,
          [&table = rave10_of_int16()](std::int16_t hu) { return table[static_cast<std::uint16_t>(hu)]; });
    case at::kUInt16:
      return placed<std::int16_t, std::uint16_t>(
          voxels, p, pad_value, [&table = rave10_of_uint16()](std::uint16_t hu) { return table[hu]; });
    case at::kFloat:
      return placed<std::int16_t, float>(voxels, p, pad_value, [&scan](float hu) {
        if (!std::isfinite(hu)) fail(ErrorCategory::input, "{}: a voxel is NaN or infinite", scan.name);
        return rave10_of_real(hu);
      });
    default:
      unknown_type(scan);
  }
}

// uint16 that reaches 65535 has been scaled already: scanners' signal has fewer bits.
bool is_normalised(const Scan& scan) {
  if (scan.mr_normalised) return true;
  const at::Tensor voxels = scan.volume.voxels_dhw.contiguous();
  if (voxels.scalar_type() != at::kUInt16) return false;
  const auto* data = voxels.const_data_ptr<std::uint16_t>();
  return std::find(data, data + voxels.numel(), std::uint16_t{65535}) != data + voxels.numel();
}

at::Tensor place_mr_as_rave10(const Scan& scan, const Placement& p, double pad_value,
                              std::vector<std::string>& notes) {
  at::Tensor grey = scan.volume.voxels_dhw;
  if (!is_normalised(scan)) {
    PreprocessOptions scale;
    scale.modality = Modality::mr;
    scale.mask = MaskPolicy::no;
    grey = preprocess(scan.volume, scale, scan.name).volume.voxels_dhw;
    notes.push_back(fmt::format("{}: MR signal scaled from its minimum and maximum to 16 bits", scan.name));
  }
  return placed<std::uint16_t, std::uint16_t>(
      grey, p, pad_value, [&table = rave10_of_grey()](std::uint16_t value) { return table[value]; });
}

// Only axial slices have a head end.
bool runs_from_head_to_feet(const Scan& scan) {
  if (!scan.geometry_known) return false;
  const auto normal = scan.volume.geometry.axis(2);
  return normal[2] < 0 && -normal[2] >= std::abs(normal[0]) && -normal[2] >= std::abs(normal[1]);
}

void check_scan(const Scan& scan, const PreprocessSpec& spec) {
  if (std::any_of(spec.size_dhw.begin(), spec.size_dhw.end(), [](std::int64_t n) { return n < 1; }))
    fail(ErrorCategory::usage, "{}: a model size of {}", spec.modality, fmt::join(spec.size_dhw, "x"));
  const SizeDhw size = size_dhw(scan.volume.voxels_dhw);
  if (std::any_of(size.begin(), size.end(), [](std::int64_t n) { return n < 1; }))
    fail(ErrorCategory::input, "{}: no voxels ({})", scan.name, fmt::join(size, "x"));
  const bool is_mr = scan.volume.modality == Modality::mr;
  if (spec.family != WindowFamily::xray && is_mr != (spec.family == WindowFamily::mr)) {
    fail(ErrorCategory::input, "{}: a {} volume, the model's tower {} takes {}", scan.name,
         to_string(scan.volume.modality), spec.modality, is_mr ? "CT" : "MR");
  }
}

void note_spacing(const Scan& scan, const PreprocessSpec& spec, std::vector<std::string>& notes) {
  if (!scan.spacing_xyz_mm || !spec.target_spacing_xyz_mm) return;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double target = (*spec.target_spacing_xyz_mm)[axis];
    if (std::abs((*scan.spacing_xyz_mm)[axis] - target) <= kSpacingTolerance * target) continue;
    notes.push_back(fmt::format(
        "{}: voxels of {:.4g} mm, the model expects {:.4g} mm; a sample is not resampled", scan.name,
        fmt::join(*scan.spacing_xyz_mm, "x"), fmt::join(*spec.target_spacing_xyz_mm, "x")));
    return;
  }
}

}  // namespace

at::Tensor model_input(const Scan& scan, const PreprocessSpec& spec, std::vector<std::string>& notes) {
  check_scan(scan, spec);
  note_spacing(scan, spec, notes);
  const bool head_first = spec.flip_depth && runs_from_head_to_feet(scan);
  if (head_first) notes.push_back(fmt::format("{}: slices run from head to feet: not flipped", scan.name));
  const Placement placement =
      place(size_dhw(scan.volume.voxels_dhw), spec.size_dhw, spec.flip_depth && !head_first);
  if (spec.intensity == IntensityMap::native || scan.rave10)
    return place_as_stored(scan, placement, spec.pad_value);
  if (scan.volume.modality == Modality::mr) return place_mr_as_rave10(scan, placement, spec.pad_value, notes);
  return place_ct_as_rave10(scan, placement, spec.pad_value);
}

}  // namespace pillar
