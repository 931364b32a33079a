#include "pillar/core/fail.h"
#include "pillar/image/volume_file.h"

#include "eval/localize/truth_table.h"
#include "eval/voxel_at.h"

#include <algorithm>
#include <cmath>

#include <ATen/ops/eq.h>
#include <ATen/ops/ne.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

namespace pillar {
namespace {

constexpr double kSameGridMm = 1e-2;

bool same_grid(const Grid& a, const Grid& b) {
  if (a.size_dhw != b.size_dhw) return false;
  for (const std::array<double, 3>& ijk :
       {std::array<double, 3>{0, 0, 0},
        std::array<double, 3>{static_cast<double>(a.size_dhw[2] - 1), static_cast<double>(a.size_dhw[1] - 1),
                              static_cast<double>(a.size_dhw[0] - 1)}}) {
    const auto p = a.geometry.point(ijk), q = b.geometry.point(ijk);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      if (std::abs(p[axis] - q[axis]) > kSameGridMm) return false;
    }
  }
  return true;
}

// Calls visit(index, point) with each voxel of a grid and its centre in the patient.
template <typename Visit>
void for_each_voxel(const Grid& grid, const Visit& visit) {
  std::int64_t index = 0;
  for (std::int64_t k = 0; k < grid.size_dhw[0]; ++k) {
    for (std::int64_t j = 0; j < grid.size_dhw[1]; ++j) {
      for (std::int64_t i = 0; i < grid.size_dhw[2]; ++i, ++index)
        visit(index,
              grid.geometry.point({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)}));
    }
  }
}

at::Tensor looked_up(const at::Tensor& mask_dhw, const Grid& from, const Grid& to, bool& overlaps) {
  const at::Tensor mask = mask_dhw.contiguous();
  const auto* values = mask.const_data_ptr<std::uint8_t>();
  at::Tensor out = at::zeros(to.size_dhw, at::kByte);
  auto* voxels = out.mutable_data_ptr<std::uint8_t>();
  for_each_voxel(to, [&](std::int64_t index, const std::array<double, 3>& point) {
    const std::int64_t there = voxel_at(from, point);
    if (there < 0) return;
    overlaps = true;
    voxels[index] = values[there];
  });
  return out;
}

at::Tensor mask_voxels(const TruthTable& truth, const MarkedFinding& finding, const Grid& grid,
                       Notes& notes) {
  Notes of_file;
  const Volume stored = read_volume_file(finding.path, {}, of_file);
  if (!stored.oriented)
    fail(ErrorCategory::input, "{}: row {}: {} does not say how it lies in the patient", truth.file(),
         finding.row, finding.path);
  const at::Tensor mask =
      (finding.kind == TruthKind::labels ? at::eq(stored.voxels_dhw.to(at::kDouble), finding.value)
                                         : at::ne(stored.voxels_dhw.to(at::kDouble), 0))
          .to(at::kByte);
  if (!mask.any().item<bool>())
    fail(ErrorCategory::input, "{}: row {}: {} has no voxel of the finding", truth.file(), finding.row,
         finding.path);
  const Grid own = grid_of(stored);
  if (same_grid(own, grid)) return mask;
  bool overlaps = false;
  const at::Tensor out = looked_up(mask, own, grid, overlaps);
  if (!overlaps)
    fail(ErrorCategory::input,
         "{}: row {}: {} lies in another frame of reference: no voxel of the scan is within it", truth.file(),
         finding.row, finding.path);
  notes.add(fmt::format("{}: {} lies on another grid than its scan; looked up at each voxel's centre",
                        truth.file().string(), finding.path.string()));
  return out;
}

at::Tensor box_voxels(const TruthTable& truth, const MarkedFinding& finding, const Grid& grid) {
  at::Tensor out = at::zeros(grid.size_dhw, at::kByte);
  auto* voxels = out.mutable_data_ptr<std::uint8_t>();
  const std::array<double, 6>& box = finding.box_xyz_mm;
  bool any = false;
  for_each_voxel(grid, [&](std::int64_t index, const std::array<double, 3>& point) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      if (point[axis] < box[axis] || point[axis] > box[axis + 3]) return;
    }
    voxels[index] = 1;
    any = true;
  });
  if (any) return out;
  const std::int64_t middle =
      voxel_at(grid, {(box[0] + box[3]) / 2, (box[1] + box[4]) / 2, (box[2] + box[5]) / 2});
  if (middle < 0)
    fail(ErrorCategory::input, "{}: row {}: its {} lies beside the scan", truth.file(), finding.row,
         finding.kind == TruthKind::box ? "box" : "point");
  voxels[middle] = 1;
  return out;
}

}  // namespace

at::Tensor finding_voxels(const TruthTable& truth, const MarkedFinding& finding, const Grid& grid,
                          Notes& notes) {
  if (finding.path.empty()) return box_voxels(truth, finding, grid);
  return mask_voxels(truth, finding, grid, notes);
}

}  // namespace pillar
