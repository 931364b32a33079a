#include "pillar/data/model_input.h"

#include "pillar/core/fail.h"
#include "pillar/image/preprocess.h"

#include "core/shared/joined.h"
#include "data/scan/fitted_input.h"
#include "data/scan/intensity_map.h"
#include "data/scan/scan_notes.h"
#include "windows/shared/stream_copy.h"

#include <cmath>
#include <limits>

#include <ATen/ops/empty.h>

namespace pillar {
namespace {

std::int64_t drawn_start(std::int64_t size, std::int64_t target, double depth_crop) {
  const std::int64_t last = size - target;  // a product just below last + 1 may round to it
  return std::min(last, static_cast<std::int64_t>(depth_crop * static_cast<double>(last + 1)));
}

// The order in which the model takes the axes of a volume of this scan.
AxisOrder order_of(const Scan& scan, const PreprocessSpec& spec) {
  return scan.geometry_known ? model_axis_order(scan.volume.geometry, spec) : AxisOrder();
}

Placement place(const Scan& scan, const PreprocessSpec& spec, std::optional<double> depth_crop) {
  const SizeDhw& size = spec.size_dhw;
  Placement placement;
  placement.volume = grid_of(scan.volume);
  placement.order = order_of(scan, spec);
  placement.size_dhw = size;
  placement.flipped = spec.flip_depth;
  placement.in_patient = scan.geometry_known;
  placement.source = scan.source.value_or(placement.volume);
  const SizeDhw whole = placement.fitted_dhw();
  for (std::size_t axis = 0; axis < 3; ++axis) placement.fits[axis] = fit_axis(whole[axis], size[axis]);
  if (depth_crop && whole[0] > size[0]) placement.fits[0].skip = drawn_start(whole[0], size[0], *depth_crop);
  return placement;
}

template <typename T>
bool holds(double value) {
  if constexpr (std::is_floating_point_v<T>) return true;
  return value == std::trunc(value) && value >= double{std::numeric_limits<T>::lowest()} &&
         value <= double{std::numeric_limits<T>::max()};
}

// One row of the result: mapped voxels with padding on either side; those of the volume are `step` apart.
// False where one is not finite.
template <typename In, typename Out, typename Map, typename Step>
bool write_row(const AxisFit& fit, std::int64_t target, const In* row, Step step, Out* out, Out pad,
               const Map& map) {
  Out* kept = std::fill_n(out, fit.before, pad);
  bool finite = true;
  for (std::int64_t i = 0; i < fit.kept; ++i) {
    const In voxel = row[i * step];
    if constexpr (std::is_floating_point_v<In>) finite &= std::isfinite(voxel);
    kept[i] = static_cast<Out>(map(voxel));
  }
  std::fill(kept + fit.kept, out + target, pad);
  return finite;
}

// The map of voxels that stay as they are: whole slices of them are copied.
struct AsStored {
  template <typename T>
  T operator()(T value) const {
    return value;
  }
};

// How the voxels of a contiguous volume lie along the model's axes: the place of the first one, and how far
// the next along each axis is from it, which is less than 0 on axes that are turned round.
struct VolumeSteps {
  std::int64_t first = 0;
  std::array<std::int64_t, 3> along_dhw;

  explicit VolumeSteps(const Placement& p) {
    const SizeDhw& stored = p.volume.size_dhw;
    along_dhw = reordered(std::array<std::int64_t, 3>{stored[1] * stored[2], stored[2], 1}, p.order);
    const SizeDhw whole = p.fitted_dhw();
    for (std::size_t axis = 0; axis < 3; ++axis) {
      if (!p.order.reversed[axis]) continue;
      first += (whole[axis] - 1) * along_dhw[axis];
      along_dhw[axis] = -along_dhw[axis];
    }
  }
  std::int64_t at(std::int64_t d, std::int64_t h, std::int64_t w) const {
    return first + d * along_dhw[0] + h * along_dhw[1] + w * along_dhw[2];
  }
};

bool keeps_rows_whole(const Placement& p, const VolumeSteps& steps) {
  const AxisFit& w = p.fits[2];
  return w.skip == 0 && w.before == 0 && w.kept == p.size_dhw[2] && steps.along_dhw[2] == 1 &&
         steps.along_dhw[1] == p.size_dhw[2];
}

// The rows of one slice that come from the volume.
template <typename In, typename Out, typename Map, typename Step>
bool write_rows(const Placement& p, const In* row, std::int64_t to_next_row, Step step, Out* out, Out pad,
                const Map& map) {
  bool finite = true;
  for (std::int64_t j = 0; j < p.fits[1].kept; ++j, row += to_next_row, out += p.size_dhw[2])
    finite &= write_row(p.fits[2], p.size_dhw[2], row, step, out, pad, map);
  return finite;
}

// Every voxel of the result is written once, front to back in the order of its own slices.
template <typename In, typename Out, typename Map>
bool write_placed(const Placement& p, const In* from, Out* to, Out pad, const Map& map) {
  const auto& [d, h, w] = p.fits;
  const VolumeSteps steps(p);
  const auto& [between_slices, between_rows, between_columns] = steps.along_dhw;
  const std::int64_t row_size = p.size_dhw[2], slice_size = p.size_dhw[1] * row_size;
  constexpr bool kCopies = std::is_same_v<Map, AsStored> && std::is_integral_v<In> && std::is_same_v<In, Out>;
  const bool copies = kCopies && keeps_rows_whole(p, steps);
  bool finite = true;
  for (std::int64_t slice = 0; slice < p.size_dhw[0]; ++slice, to += slice_size) {
    const std::int64_t k = (p.flipped ? p.size_dhw[0] - 1 - slice : slice) - d.before;
    if (k < 0 || k >= d.kept) {
      std::fill_n(to, slice_size, pad);
      continue;
    }
    Out* row_out = std::fill_n(to, h.before * row_size, pad);
    const In* row = from + steps.at(d.skip + k, h.skip, w.skip);
    if (copies) {
      windows::stream_copy(row_out, row, static_cast<std::size_t>(h.kept * row_size) * sizeof(Out));
    } else if (between_columns == 1) {
      constexpr std::integral_constant<std::int64_t, 1> kNext;  // a loop that the compiler can vectorise
      finite &= write_rows(p, row, between_rows, kNext, row_out, pad, map);
    } else {
      finite &= write_rows(p, row, between_rows, between_columns, row_out, pad, map);
    }
    std::fill(row_out + h.kept * row_size, to + slice_size, pad);
  }
  if (copies) windows::stream_done();
  return finite;
}

// Mapped : the type that the map makes; float32 instead where the padding has no place in it.
template <typename Mapped, typename In, typename Map>
FittedInput fitted(const Scan& scan, const at::Tensor& voxels_dhw, const Placement& p, double pad_value,
                   const Map& map) {
  const auto write_as = [&]<typename Out>(Out pad) {
    return [p, pad, map, source = voxels_dhw.contiguous(), name = scan.name](void* out) {
      if (write_placed(p, source.const_data_ptr<In>(), static_cast<Out*>(out), pad, map)) return;
      fail(ErrorCategory::input, "{}: a voxel is NaN or infinite", name);
    };
  };
  if (p.pads() && !holds<Mapped>(pad_value)) return {at::kFloat, write_as(static_cast<float>(pad_value)), p};
  const Mapped pad = p.pads() ? static_cast<Mapped>(pad_value) : Mapped();
  return {c10::CppTypeToScalarType<Mapped>::value, write_as(pad), p};
}

[[noreturn]] void unknown_type(const Scan& scan) {
  fail(ErrorCategory::input, "{}: voxels of type {}, not int16, uint16 or float32", scan.name,
       c10::toString(scan.volume.voxels_dhw.scalar_type()));
}

FittedInput fit_as_stored(const Scan& scan, const Placement& p, double pad_value) {
  const at::Tensor& voxels = scan.volume.voxels_dhw;
  const AsStored same;
  switch (voxels.scalar_type()) {
    case at::kShort:
      return fitted<std::int16_t, std::int16_t>(scan, voxels, p, pad_value, same);
    case at::kUInt16:
      return fitted<std::uint16_t, std::uint16_t>(scan, voxels, p, pad_value, same);
    case at::kFloat:
      return fitted<float, float>(scan, voxels, p, pad_value, same);
    default:
      unknown_type(scan);
  }
}

FittedInput fit_ct_as_rave10(const Scan& scan, const Placement& p, double pad_value) {
  const at::Tensor& voxels = scan.volume.voxels_dhw;
  switch (voxels.scalar_type()) {
    case at::kShort:
      return fitted<std::int16_t, std::int16_t>(
          scan, voxels, p, pad_value, [&table = rave10_of_hu()](std::int16_t hu) { return table(hu); });
    case at::kUInt16:
      return fitted<std::int16_t, std::uint16_t>(
          scan, voxels, p, pad_value, [&table = rave10_of_hu()](std::uint16_t hu) { return table(hu); });
    case at::kFloat:
      return fitted<std::int16_t, float>(scan, voxels, p, pad_value, [](float hu) {
        return std::isfinite(hu) ? rave10_of_real(hu) : std::int16_t{0};  // refused when all is written
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

FittedInput fit_mr_as_rave10(const Scan& scan, const Placement& p, double pad_value, Notes& notes) {
  at::Tensor grey = scan.volume.voxels_dhw;
  if (!is_normalised(scan)) {
    PreprocessOptions scale;
    scale.modality = Modality::mr;
    scale.mask = MaskPolicy::no;
    grey = preprocess(scan.volume, scale, scan.name).volume.voxels_dhw;
    notes.add(fmt::format("{}: MR signal scaled from its minimum and maximum to 16 bits", scan.name));
  }
  return fitted<std::uint16_t, std::uint16_t>(
      scan, grey, p, pad_value, [&table = rave10_of_grey()](std::uint16_t value) { return table[value]; });
}

void check_scan(const Scan& scan, const PreprocessSpec& spec) {
  if (std::any_of(spec.size_dhw.begin(), spec.size_dhw.end(), [](std::int64_t n) { return n < 1; }))
    fail(ErrorCategory::usage, "{}: a model size of {}", spec.modality, joined(spec.size_dhw, "x"));
  const SizeDhw size = size_dhw(scan.volume.voxels_dhw);
  if (std::any_of(size.begin(), size.end(), [](std::int64_t n) { return n < 1; }))
    fail(ErrorCategory::input, "{}: no voxels ({})", scan.name, joined(size, "x"));
  check_modality(scan.name, scan.volume.modality, spec);
}

}  // namespace

void check_modality(const std::string& name, Modality modality, const PreprocessSpec& spec) {
  const bool is_mr = modality == Modality::mr;
  if (spec.family == WindowFamily::xray || is_mr == (spec.family == WindowFamily::mr)) return;
  fail(ErrorCategory::input, "{}: a {} volume, the model's tower {} takes {}", name, to_string(modality),
       spec.modality, is_mr ? "CT" : "MR");
}

FittedInput fit_input(const Scan& scan, const PreprocessSpec& spec, Notes& notes,
                      std::optional<double> depth_crop) {
  if (depth_crop && !(*depth_crop >= 0 && *depth_crop < 1))
    fail(ErrorCategory::usage, "a depth crop of {}: it lies in [0, 1)", *depth_crop);
  check_scan(scan, spec);
  for (const std::string& note : scan.notes) notes.add(fmt::format("{}: {}", scan.name, note));
  const Placement placement = place(scan, spec, depth_crop);
  if (scan.spacing_xyz_mm) note_spacing(scan.name, *scan.spacing_xyz_mm, placement.order, spec, notes);
  if (scan.geometry_known)
    note_axes(scan.name, scan.source ? scan.source->geometry : scan.volume.geometry, spec, notes);
  if (spec.intensity == IntensityMap::native || scan.rave10)
    return fit_as_stored(scan, placement, spec.pad_value);
  if (scan.volume.modality == Modality::mr) return fit_mr_as_rave10(scan, placement, spec.pad_value, notes);
  return fit_ct_as_rave10(scan, placement, spec.pad_value);
}

void write_mask(const at::Tensor& mask_dhw, const Placement& placement, std::uint8_t* out_dhw) {
  write_placed(placement, mask_dhw.const_data_ptr<std::uint8_t>(), out_dhw, std::uint8_t{0}, AsStored());
}

ModelInput model_input(const Scan& scan, const PreprocessSpec& spec, Notes& notes,
                       std::optional<double> depth_crop) {
  FittedInput input = fit_input(scan, spec, notes, depth_crop);
  at::Tensor out = at::empty({1, spec.size_dhw[0], spec.size_dhw[1], spec.size_dhw[2]}, input.dtype);
  input.write(out.mutable_data_ptr());
  return {std::move(out), std::move(input.placement)};
}

}  // namespace pillar
