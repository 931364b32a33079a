#include "eval/localize/centre_prior.h"

#include "eval/localize/distance_map.h"

#include <algorithm>
#include <cmath>

#include <ATen/ops/zeros.h>
#include <fmt/format.h>

namespace pillar {
namespace {

constexpr std::int64_t kCells = 80;  // along each axis
constexpr double kCellMm = 10;
constexpr std::int64_t kMostPriorFindings = 150;

// Relative to the middle of the scan.
PatientXyz cell_centre(std::int64_t cell) {
  const auto along = [](std::int64_t index) {
    return (static_cast<double>(index) + 0.5 - 0.5 * static_cast<double>(kCells)) * kCellMm;
  };
  return {along(cell % kCells), along(cell / kCells % kCells), along(cell / (kCells * kCells))};
}

std::int64_t cell_of(const PatientXyz& from_middle) {
  std::int64_t cell = 0;
  for (std::size_t axis = 3; axis-- > 0;) {
    const double index = std::floor(from_middle[axis] / kCellMm + 0.5 * static_cast<double>(kCells));
    if (!(index >= 0 && index < static_cast<double>(kCells))) return -1;
    cell = cell * kCells + static_cast<std::int64_t>(index);
  }
  return cell;
}

// A grid of the spacing of cells around a finding that comes without a scan.
Grid grid_around(const MarkedFinding& finding, double margin_mm) {
  Grid grid;
  constexpr double kSpacing = kCellMm / 2;
  grid.geometry.spacing_xyz_mm = {kSpacing, kSpacing, kSpacing};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double low = finding.box_xyz_mm[axis] - margin_mm, high = finding.box_xyz_mm[axis + 3] + margin_mm;
    grid.geometry.origin_xyz_mm[axis] = low;
    grid.size_dhw[2 - axis] =
        std::min<std::int64_t>(400, static_cast<std::int64_t>((high - low) / kSpacing) + 1);
  }
  return grid;
}

}  // namespace

PatientXyz middle_of(const Grid& grid) {
  return grid.geometry.point({0.5 * static_cast<double>(grid.size_dhw[2] - 1),
                              0.5 * static_cast<double>(grid.size_dhw[1] - 1),
                              0.5 * static_cast<double>(grid.size_dhw[0] - 1)});
}

CentrePrior::CentrePrior(const TruthTable& truth, const std::string& question,
                         const std::vector<TrainRow>& train, const PatientXyz& usual_centre,
                         double tolerance_mm, Notes& notes)
    : covered_(static_cast<std::size_t>(kCells * kCells * kCells), 0), hit_(covered_.size(), 0) {
  std::int64_t without_middle = 0;
  for (const TrainRow& row : train) {
    if (findings_ >= kMostPriorFindings) break;
    for (const MarkedFinding& finding : truth.of(row.accession, question)) {
      Notes same_for_all;  // masks on grids of their own: there is no scan here that they could differ from
      const std::optional<Grid> own = grid_of_finding(finding);
      const Grid grid = own ? *own : grid_around(finding, tolerance_mm + kCellMm);
      if (!own && !row.centre_xyz_mm) ++without_middle;
      const PatientXyz centre = own ? middle_of(*own) : row.centre_xyz_mm.value_or(usual_centre);
      add(finding_voxels(truth, finding, grid, same_for_all), grid, centre, tolerance_mm);
    }
  }
  if (without_middle > 0)
    notes.add(
        fmt::format("{} training findings of '{}' come without the middle of their scan; taken as where the "
                    "mapped scans have it (embed the training split with --evidence)",
                    without_middle, question));
}

void CentrePrior::add(const at::Tensor& mask_dhw, const Grid& grid, const PatientXyz& centre,
                      double tolerance_mm) {
  ++findings_;
  const at::Tensor distance = distance_to_mask(mask_dhw, grid.geometry.spacing_xyz_mm);
  const auto* far = distance.const_data_ptr<float>();
  // Both grids are straight: a cell's voxel is first + its place along each axis.
  const auto index_of = [&](const PatientXyz& from_middle) {
    return grid.geometry.index(
        {centre[0] + from_middle[0], centre[1] + from_middle[1], centre[2] + from_middle[2]});
  };
  const std::array<double, 3> first = index_of(cell_centre(0));
  std::array<std::array<double, 3>, 3> along;
  std::int64_t next_cell = 1;
  for (std::array<double, 3>& step : along) {
    step = index_of(cell_centre(next_cell));
    for (std::size_t axis = 0; axis < 3; ++axis) step[axis] -= first[axis];
    next_cell *= kCells;
  }
  for (std::int64_t cell = 0; cell < kCells * kCells * kCells; ++cell) {
    const std::array<double, 3> count = {static_cast<double>(cell % kCells),
                                         static_cast<double>(cell / kCells % kCells),
                                         static_cast<double>(cell / (kCells * kCells))};
    std::int64_t voxel = 0;
    bool on_grid = true;
    for (std::size_t axis = 3; axis-- > 0;) {
      const double place = std::floor(first[axis] + count[0] * along[0][axis] + count[1] * along[1][axis] +
                                      count[2] * along[2][axis] + 0.5);
      const std::int64_t size = grid.size_dhw[2 - axis];
      on_grid = on_grid && place >= 0 && place < static_cast<double>(size);
      if (on_grid) voxel = voxel * size + static_cast<std::int64_t>(place);
    }
    if (!on_grid) continue;
    const auto index = static_cast<std::size_t>(cell);
    if (far[voxel] <= 0.5 * kCellMm) covered_[index] += 1;
    if (far[voxel] <= tolerance_mm) hit_[index] += 1;
  }
}

PatientXyz CentrePrior::best_place() const {
  return cell_centre(std::max_element(hit_.begin(), hit_.end()) - hit_.begin());
}

at::Tensor CentrePrior::map_on(const Grid& grid) const {
  at::Tensor map = at::zeros(grid.size_dhw, at::kFloat);
  auto* value = map.mutable_data_ptr<float>();
  const PatientXyz centre = middle_of(grid);
  for (std::int64_t k = 0; k < grid.size_dhw[0]; ++k) {
    for (std::int64_t j = 0; j < grid.size_dhw[1]; ++j) {
      for (std::int64_t i = 0; i < grid.size_dhw[2]; ++i, ++value) {
        PatientXyz point =
            grid.geometry.point({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
        for (std::size_t axis = 0; axis < 3; ++axis) point[axis] -= centre[axis];
        const std::int64_t cell = cell_of(point);
        if (cell >= 0) *value = covered_[static_cast<std::size_t>(cell)];
      }
    }
  }
  return map;
}

}  // namespace pillar
