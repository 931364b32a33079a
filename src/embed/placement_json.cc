#include "embed/placement_json.h"

#include "pillar/core/fail.h"

#include "core/shared/json_place.h"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using PlacementJson = nlohmann::ordered_json;

PlacementJson grid_json(const Grid& grid) {
  return {{"size_dhw", grid.size_dhw},
          {"spacing_xyz_mm", grid.geometry.spacing_xyz_mm},
          {"origin_xyz_mm", grid.geometry.origin_xyz_mm},
          {"direction", grid.geometry.direction}};
}

PlacementJson fit_json(const AxisFit& fit) {
  return {{"skip", fit.skip}, {"before", fit.before}, {"kept", fit.kept}};
}

template <std::size_t N>
std::vector<JsonPlace> items_of(const JsonPlace& place, const char* key) {
  std::vector<JsonPlace> items = place.at(key).items();
  if (items.size() != N) place.at(key).refuse("a list of another length");
  return items;
}

template <std::size_t N>
std::array<double, N> read_numbers(const JsonPlace& place, const char* key) {
  std::array<double, N> numbers;
  const std::vector<JsonPlace> items = items_of<N>(place, key);
  for (std::size_t i = 0; i < N; ++i) {
    numbers[i] = items[i].number();
    if (!std::isfinite(numbers[i])) items[i].refuse("a finite number");
  }
  return numbers;
}

SizeDhw read_size(const JsonPlace& place, const char* key) {
  SizeDhw size;
  const std::vector<JsonPlace> items = items_of<3>(place, key);
  for (std::size_t i = 0; i < 3; ++i) {
    size[i] = items[i].whole();
    if (size[i] < 1 || size[i] > 65536) items[i].refuse("from 1 to 65536");
  }
  return size;
}

Grid read_grid(const JsonPlace& place) {
  Grid grid;
  grid.size_dhw = read_size(place, "size_dhw");
  grid.geometry.spacing_xyz_mm = read_numbers<3>(place, "spacing_xyz_mm");
  grid.geometry.origin_xyz_mm = read_numbers<3>(place, "origin_xyz_mm");
  grid.geometry.direction = read_numbers<9>(place, "direction");
  return grid;
}

AxisOrder read_order(const JsonPlace& place) {
  AxisOrder order;
  const std::vector<JsonPlace> from = items_of<3>(place, "from"), reversed = items_of<3>(place, "reversed");
  std::array<bool, 3> taken = {false, false, false};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::int64_t axis = from[i].whole();
    if (axis > 2 || std::exchange(taken[static_cast<std::size_t>(axis)], true))
      from[i].refuse("each of 0, 1 and 2 once");
    order.from[i] = static_cast<int>(axis);
    order.reversed[i] = reversed[i].flag();
  }
  return order;
}

}  // namespace

std::string placement_json(const Placement& placement) {
  PlacementJson json = {{"volume", grid_json(placement.volume)},
                        {"source", grid_json(placement.source)},
                        {"order", {{"from", placement.order.from}, {"reversed", placement.order.reversed}}},
                        {"fits", PlacementJson::array()},
                        {"size_dhw", placement.size_dhw},
                        {"flipped", placement.flipped},
                        {"in_patient", placement.in_patient}};
  for (const AxisFit& fit : placement.fits) json["fits"].push_back(fit_json(fit));
  return json.dump();
}

Placement parse_placement(const std::string& text, const std::filesystem::path& file) {
  const JsonPlace json = JsonPlace::parse_object(text, file);
  Placement placement;
  placement.volume = read_grid(json.at("volume"));
  placement.source = read_grid(json.at("source"));
  placement.order = read_order(json.at("order"));
  placement.size_dhw = read_size(json, "size_dhw");
  placement.flipped = json.flag("flipped");
  placement.in_patient = json.flag("in_patient");
  const std::vector<JsonPlace> fits = items_of<3>(json, "fits");
  for (std::size_t axis = 0; axis < 3; ++axis) {
    placement.fits[axis] = {fits[axis].whole("skip"), fits[axis].whole("before"), fits[axis].whole("kept")};
  }
  return placement;
}

}  // namespace pillar
