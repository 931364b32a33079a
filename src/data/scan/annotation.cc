#include "data/scan/annotation.h"

#include "pillar/core/fail.h"
#include "pillar/image/resample.h"
#include "pillar/image/volume_file.h"
#include "pillar/rave/sample.h"

#include "core/shared/joined.h"
#include "core/shared/path_format.h"
#include "data/scan/scan_paths.h"

#include <algorithm>
#include <cmath>

#include <ATen/ops/isnan.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr double kSameMm = 1e-2;  // NIfTI keeps geometry as float32

// A mask's file: where its voxels lie, and the voxels once they are read.
struct MaskFile {
  SizeDhw size_dhw = {0, 0, 0};
  bool geometry_known = false;
  Geometry geometry;
  at::Tensor inside_dhw;  // uint8 of 0 and 1
};

// uint16 has few operators; its zero is int16's.
at::Tensor inside_of(const at::Tensor& voxels_dhw, const fs::path& path) {
  if (voxels_dhw.is_floating_point() && voxels_dhw.isnan().any().item<bool>())
    fail(ErrorCategory::input, "{}: a NaN in a mask", path);
  const bool is_uint16 = voxels_dhw.scalar_type() == at::kUInt16;
  return (is_uint16 ? voxels_dhw.view(at::kShort) : voxels_dhw).ne(0).to(at::kByte).contiguous();
}

// Only MR's metadata say that a sample is a mask; a CT video is none, because its stream is lossy.
MaskFile open_mask_sample(const fs::path& path, bool with_voxels) {
  const Sample sample = Sample::open(path);
  const SampleInfo& info = sample.info();
  const bool is_mask = info.metadata && info.metadata->is_mask;
  if (info.payload == PayloadKind::video && !is_mask)
    fail(ErrorCategory::input, "{}: a scan, no segmentation mask", path);
  MaskFile mask;
  mask.size_dhw = info.size_dhw;
  mask.geometry_known = info.metadata && info.metadata->geometry;
  if (mask.geometry_known) mask.geometry = *info.metadata->geometry;
  if (with_voxels) mask.inside_dhw = inside_of(sample.read({}, /*threads=*/1).voxels_dhw, path);
  return mask;
}

MaskFile open_mask_file(const fs::path& path, bool with_voxels) {
  MaskFile mask;
  mask.geometry_known = true;
  if (with_voxels) {
    Notes of_file;  // what geometry a mask leaves open matters only where it is used
    const Volume volume = read_volume_file(path, {}, of_file);
    mask.geometry_known = volume.oriented;
    mask.size_dhw = size_dhw(volume.voxels_dhw);
    mask.geometry = volume.geometry;
    mask.inside_dhw = inside_of(volume.voxels_dhw, path);
  } else {
    const Grid grid = read_volume_grid(path);
    mask.size_dhw = grid.size_dhw;
    mask.geometry = grid.geometry;
  }
  return mask;
}

MaskFile open_mask(const fs::path& path, bool with_voxels) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) fail(ErrorCategory::io, "{}: no such mask", path);
  switch (scan_kind(path)) {
    case ScanKind::sample:
      return open_mask_sample(path, with_voxels);
    case ScanKind::volume_file:
      return open_mask_file(path, with_voxels);
    default:
      fail(ErrorCategory::input, "{}: a mask is a RAVE sample or a volume file (NIfTI, NRRD, MetaImage)",
           path);
  }
}

[[noreturn]] void fail_size(const fs::path& mask, const SizeDhw& size, std::string_view scan,
                            const SizeDhw& scan_size) {
  fail(ErrorCategory::input, "{}: a mask of {} voxels for the scan {} of {}, and no geometry of both", mask,
       joined(size, "x"), scan, joined(scan_size, "x"));
}

void check_boxes(const std::vector<VoxelBox>& boxes, std::string_view scan, const SizeDhw& size) {
  for (const VoxelBox& box : boxes) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      if (box.first_dhw[axis] >= 0 && box.first_dhw[axis] < box.end_dhw[axis] &&
          box.end_dhw[axis] <= size[axis])
        continue;
      fail(ErrorCategory::input, "{}: a box from {} to {} (slices, rows, columns) in a scan of {}", scan,
           joined(box.first_dhw, ","), joined(box.end_dhw, ","), joined(size, "x"));
    }
  }
}

bool is_same_place(const Geometry& a, const Geometry& b, const SizeDhw& size) {
  const std::array<double, 3> last = {static_cast<double>(size[2] - 1), static_cast<double>(size[1] - 1),
                                      static_cast<double>(size[0] - 1)};
  for (int corner = 0; corner < 8; ++corner) {
    std::array<double, 3> index = {0, 0, 0};
    for (std::size_t axis = 0; axis < 3; ++axis) index[axis] = (corner >> axis & 1) != 0 ? last[axis] : 0;
    const auto p = a.point(index), q = b.point(index);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      if (!(std::abs(p[axis] - q[axis]) <= kSameMm)) return false;
    }
  }
  return true;
}

// A mask that was made on the grid of the scan's sample, whose axes are those of the stored scan.
at::Tensor mask_of_sample(const MaskFile& mask, const Scan& scan) {
  return reordered(Volume{mask.inside_dhw, {}, Modality::ct}, scan.order).voxels_dhw;
}

// By the patient's coordinates, from the mask's nearest voxel; 0 beside it.
at::Tensor mask_by_geometry(const MaskFile& mask, const Grid& to, const fs::path& path) {
  const auto start = mask.geometry.index(to.geometry.point({0, 0, 0}));
  std::array<std::array<double, 3>, 3> steps;  // along columns, rows, slices of the volume
  for (std::size_t axis = 0; axis < 3; ++axis) {
    std::array<double, 3> one = {0, 0, 0};
    one[axis] = 1;
    steps[axis] = mask.geometry.index(to.geometry.point(one));
    for (std::size_t i = 0; i < 3; ++i) steps[axis][i] -= start[i];
  }
  const auto [depth, height, width] = to.size_dhw;
  const std::array<std::int64_t, 3> size_ijk = {mask.size_dhw[2], mask.size_dhw[1], mask.size_dhw[0]};
  const auto* from = mask.inside_dhw.const_data_ptr<std::uint8_t>();
  at::Tensor out = at::zeros({depth, height, width}, at::kByte);
  auto* voxel = out.mutable_data_ptr<std::uint8_t>();
  bool met = false;
  for (std::int64_t k = 0; k < depth; ++k) {
    for (std::int64_t j = 0; j < height; ++j) {
      for (std::int64_t i = 0; i < width; ++i, ++voxel) {
        std::int64_t offset = 0;
        bool within = true;
        for (std::size_t axis = 3; axis-- > 0;) {
          const double at = std::floor(start[axis] + static_cast<double>(i) * steps[0][axis] +
                                       static_cast<double>(j) * steps[1][axis] +
                                       static_cast<double>(k) * steps[2][axis] + 0.5);
          within = within && at >= 0 && at < static_cast<double>(size_ijk[axis]);
          if (within) offset = offset * size_ijk[axis] + static_cast<std::int64_t>(at);
        }
        if (within) *voxel = from[offset];
        met |= within;
      }
    }
  }
  if (!met) fail(ErrorCategory::input, "{}: by its geometry the mask lies beside its scan", path);
  return out;
}

// From the grid that the scan was stored on to that of its volume, as prepare.h brings the scan there.
at::Tensor prepared_mask(const at::Tensor& inside_dhw, const Scan& scan, const PreprocessSpec& spec) {
  if (!scan.source) return inside_dhw;
  if (scan.from_true_positions) {
    const MaskFile on_source{scan.source->size_dhw, true, scan.source->geometry, inside_dhw};
    return mask_by_geometry(on_source, grid_of(scan.volume), scan.name);
  }
  Volume mask;
  mask.voxels_dhw = inside_dhw;
  mask.geometry = scan.source->geometry;
  mask = reordered(mask, scan.order);
  const PreprocessOptions options = prepare_options(spec).preprocess;
  if (options.target_spacing_xyz_mm)
    mask = resample(mask, *options.target_spacing_xyz_mm, Interpolation::nearest, /*threads=*/1);
  if (options.slices) mask = select_slices(mask, *options.slices);
  if (options.crop_pad_hw) mask = crop_pad_hw(mask, *options.crop_pad_hw, 0);
  if (size_dhw(mask.voxels_dhw) != size_dhw(scan.volume.voxels_dhw))
    fail(ErrorCategory::usage, "{}: was not read as its spec says", scan.name);
  return mask.voxels_dhw.contiguous();
}

// A mask of the scan's own voxels that is stored along other axes is brought to the scan's.
void turn_onto(const Grid& stored, MaskFile& mask) {
  const AxisOrder order = axis_order(mask.geometry, nearest_body_axes(stored.geometry));
  const Volume turned = reordered(Volume{mask.inside_dhw, mask.geometry, Modality::ct}, order);
  const SizeDhw size = size_dhw(turned.voxels_dhw);
  if (size != stored.size_dhw || !is_same_place(turned.geometry, stored.geometry, size)) return;
  mask.size_dhw = size;
  mask.geometry = turned.geometry;
  mask.inside_dhw = turned.voxels_dhw;
}

at::Tensor file_mask(const fs::path& path, const Scan& scan, const PreprocessSpec& spec, Notes& notes) {
  MaskFile mask = open_mask(path, /*with_voxels=*/true);
  const Grid volume = grid_of(scan.volume), stored = scan.source.value_or(volume);
  const bool located = mask.geometry_known && scan.geometry_known;
  if (located) turn_onto(stored, mask);
  const bool as_stored = mask.size_dhw == stored.size_dhw;
  const bool as_volume = reordered(mask.size_dhw, scan.order) == volume.size_dhw;
  if (!as_stored && !as_volume && !located) fail_size(path, mask.size_dhw, scan.name, stored.size_dhw);
  if (!as_stored && (!as_volume || located)) return mask_by_geometry(mask, volume, path);
  if (located && as_stored && !is_same_place(mask.geometry, stored.geometry, stored.size_dhw))
    notes.add(fmt::format("{}: its mask's geometry is another: taken voxel by voxel", scan.name));
  return as_stored ? prepared_mask(mask.inside_dhw, scan, spec) : mask_of_sample(mask, scan);
}

at::Tensor box_mask(const std::vector<VoxelBox>& boxes, const Scan& scan, const PreprocessSpec& spec) {
  const SizeDhw size = scan.source ? scan.source->size_dhw : size_dhw(scan.volume.voxels_dhw);
  check_boxes(boxes, scan.name, size);
  const at::Tensor inside = at::zeros(size, at::kByte);
  for (const VoxelBox& box : boxes) {
    at::Tensor part = inside;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      part = part.narrow(static_cast<std::int64_t>(axis), box.first_dhw[axis],
                         box.end_dhw[axis] - box.first_dhw[axis]);
    }
    part.fill_(1);
  }
  return prepared_mask(inside, scan, spec);
}

}  // namespace

void check_annotation(const StudyAnnotation& annotation, const fs::path& scan, const OpenedScan& opened) {
  if (annotation.empty()) return;
  std::optional<SizeDhw> size = opened.stored_dhw;
  if (!size && scan_kind(scan) == ScanKind::volume_file) size = read_volume_grid(scan).size_dhw;
  constexpr std::int64_t kAny = INT64_MAX;
  check_boxes(annotation.boxes, scan.string(), size.value_or(SizeDhw{kAny, kAny, kAny}));
  if (annotation.mask.empty()) return;
  const MaskFile mask = open_mask(annotation.mask, /*with_voxels=*/false);
  if (size && mask.size_dhw != *size && !(mask.geometry_known && opened.geometry_known))
    fail_size(annotation.mask, mask.size_dhw, scan.string(), *size);
}

at::Tensor read_annotation(const StudyAnnotation& annotation, const Scan& scan, const PreprocessSpec& spec,
                           Notes& notes) {
  at::Tensor inside;
  if (!annotation.mask.empty()) inside = file_mask(annotation.mask, scan, spec, notes);
  if (annotation.boxes.empty()) return inside;
  const at::Tensor boxes = box_mask(annotation.boxes, scan, spec);
  return inside.defined() ? inside.bitwise_or_(boxes) : boxes;
}

}  // namespace pillar
