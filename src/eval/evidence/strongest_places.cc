#include "pillar/core/fail.h"
#include "pillar/eval/evidence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace pillar {
namespace {

// Heights that are looked at: places too near to a higher one fall out.
constexpr std::size_t kMostHeights = 128;

// The highest values above 0, each once.
std::vector<float> highest_values(const float* map, std::int64_t count) {
  std::vector<float> highest;  // falling
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = map[i];
    if (!(value > 0) || (highest.size() == kMostHeights && value <= highest.back())) continue;
    const auto place = std::lower_bound(highest.begin(), highest.end(), value, std::greater<>());
    if (place != highest.end() && *place == value) continue;
    highest.insert(place, value);
    if (highest.size() > kMostHeights) highest.pop_back();
  }
  return highest;
}

// All voxels of one height.
struct Plateau {
  std::vector<std::int64_t> voxels;
  StrongPlace place;
};

class MapVoxels {
 public:
  explicit MapVoxels(const SizeDhw& size) : size_(size) {}
  std::array<std::int64_t, 3> dhw(std::int64_t voxel) const {
    return {voxel / (size_[1] * size_[2]), voxel / size_[2] % size_[1], voxel % size_[2]};
  }

 private:
  SizeDhw size_;
};

std::array<std::int64_t, 3> middle_voxel(const std::vector<std::int64_t>& voxels, const MapVoxels& grid) {
  std::array<double, 3> middle = {0, 0, 0};
  for (const std::int64_t voxel : voxels) {
    const auto dhw = grid.dhw(voxel);
    for (std::size_t axis = 0; axis < 3; ++axis) middle[axis] += static_cast<double>(dhw[axis]);
  }
  for (double& place : middle) place /= static_cast<double>(voxels.size());
  std::array<std::int64_t, 3> nearest = {0, 0, 0};
  double least = std::numeric_limits<double>::infinity();
  for (const std::int64_t voxel : voxels) {
    const auto dhw = grid.dhw(voxel);
    double distance = 0;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const double off = static_cast<double>(dhw[axis]) - middle[axis];
      distance += off * off;
    }
    if (distance < least) {
      least = distance;
      nearest = dhw;
    }
  }
  return nearest;
}

double distance_mm(const PatientXyz& a, const PatientXyz& b) {
  return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

void describe_values(Plateau& plateau, const at::Tensor& values, const SizeDhw& size) {
  if (!values.defined()) return;
  const at::Tensor flat = values.contiguous().view(-1);
  const auto value_of = [&](std::int64_t voxel) {
    switch (flat.scalar_type()) {
      case at::kShort:
        return static_cast<double>(flat.const_data_ptr<std::int16_t>()[voxel]);
      case at::kUInt16:
        return static_cast<double>(flat.const_data_ptr<std::uint16_t>()[voxel]);
      case at::kFloat:
        return static_cast<double>(flat.const_data_ptr<float>()[voxel]);
      default:
        fail(ErrorCategory::input, "voxels of type {}", c10::toString(flat.scalar_type()));
    }
  };
  double sum = 0;
  for (const std::int64_t voxel : plateau.voxels) sum += value_of(voxel);
  plateau.place.mean_value = sum / static_cast<double>(plateau.voxels.size());
  const auto& [d, h, w] = plateau.place.voxel_dhw;
  plateau.place.value = value_of((d * size[1] + h) * size[2] + w);
}

}  // namespace

std::vector<StrongPlace> strongest_places(const Volume& map, const at::Tensor& values_dhw, int most,
                                          double apart_mm) {
  const SizeDhw size = size_dhw(map.voxels_dhw);
  if (values_dhw.defined() && values_dhw.sizes() != map.voxels_dhw.sizes())
    fail(ErrorCategory::input, "a map and a scan of other sizes");
  const at::Tensor voxels = map.voxels_dhw.contiguous();
  const auto* heights = voxels.const_data_ptr<float>();
  std::map<float, Plateau, std::greater<>> plateaus;
  for (const float height : highest_values(heights, voxels.numel())) plateaus[height];
  if (plateaus.empty()) return {};
  const float least = plateaus.rbegin()->first;
  for (std::int64_t i = 0; i < voxels.numel(); ++i) {
    if (heights[i] >= least) plateaus.at(heights[i]).voxels.push_back(i);
  }
  const MapVoxels grid(size);
  std::vector<StrongPlace> places;
  for (auto& [height, plateau] : plateaus) {
    if (static_cast<int>(places.size()) == most) break;
    StrongPlace& place = plateau.place;
    place.voxel_dhw = middle_voxel(plateau.voxels, grid);
    place.point_xyz_mm =
        map.geometry.point({static_cast<double>(place.voxel_dhw[2]), static_cast<double>(place.voxel_dhw[1]),
                            static_cast<double>(place.voxel_dhw[0])});
    const bool is_near = std::any_of(places.begin(), places.end(), [&](const StrongPlace& other) {
      return distance_mm(other.point_xyz_mm, place.point_xyz_mm) < apart_mm;
    });
    if (is_near) continue;
    place.evidence = static_cast<double>(height) * static_cast<double>(plateau.voxels.size());
    describe_values(plateau, values_dhw, size);
    places.push_back(place);
  }
  return places;
}

}  // namespace pillar
