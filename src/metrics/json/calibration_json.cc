// calibration.json, and the calibrator of the Sybil code of 2022.
#include "pillar/core/file.h"
#include "pillar/metrics/calibration_map.h"

#include "core/shared/json_place.h"
#include "metrics/json/parts.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

constexpr std::uint64_t kMostCalibrationBytes = std::uint64_t{1} << 26;

double finite_number(const JsonPlace& place) {
  const double value = place.number();
  if (!std::isfinite(value)) place.refuse("a finite number");
  return value;
}

std::vector<double> finite_numbers(const JsonPlace& place) {
  std::vector<double> values;
  for (const JsonPlace& item : place.items()) values.push_back(finite_number(item));
  return values;
}

IsotonicMap read_points(const JsonPlace& place, const char* x_key, const char* y_key) {
  IsotonicMap map{finite_numbers(place.at(x_key)), finite_numbers(place.at(y_key))};
  if (map.x.empty()) place.at(x_key).refuse("a list of at least one number");
  if (map.x.size() != map.y.size()) place.at(y_key).refuse("as long a list as that of x");
  for (std::size_t i = 1; i < map.x.size(); ++i)
    if (!(map.x[i] > map.x[i - 1])) place.at(x_key).refuse("rising");
  return map;
}

CalibrationMap read_map(const JsonPlace& place) {
  CalibrationMap map;
  const std::string kind = place.text("kind");
  if (kind == "platt") {
    map.platt = {finite_number(place.at("slope")), finite_number(place.at("intercept"))};
  } else if (kind == "isotonic") {
    map.kind = CalibrationKind::isotonic;
    map.isotonic = read_points(place, "x", "y");
  } else {
    place.at("kind").refuse("platt or isotonic");
  }
  return map;
}

// [[c]] and [c] as scikit-learn keeps the line of one feature.
double only_number(const JsonPlace& place, int depth) {
  JsonPlace inner = place;
  for (int d = 0; d < depth; ++d) {
    const std::vector<JsonPlace> items = inner.items();
    if (items.size() != 1) inner.refuse("a list of one");
    inner = items.front();
  }
  return finite_number(inner);
}

SybilFold read_fold(const JsonPlace& place) {
  SybilFold fold;
  fold.coef = only_number(place.at("coef"), 2);
  fold.intercept = only_number(place.at("intercept"), 1);
  fold.points = read_points(place, "x0", "y0");
  fold.x_min = finite_number(place.at("x_min"));
  fold.x_max = finite_number(place.at("x_max"));
  if (fold.x_min > fold.x_max) place.at("x_max").refuse("at least x_min");
  return fold;
}

}  // namespace

void write_calibration(const std::filesystem::path& file, const CalibrationMaps& maps) {
  MetricsJson json = {{"format", 1}, {"outputs", MetricsJson::object()}};
  for (const auto& [output, map] : maps) {
    json["outputs"][output] =
        map.kind == CalibrationKind::platt
            ? MetricsJson{{"kind", "platt"}, {"slope", map.platt.slope}, {"intercept", map.platt.intercept}}
            : MetricsJson{{"kind", "isotonic"}, {"x", map.isotonic.x}, {"y", map.isotonic.y}};
  }
  const std::string text = json.dump(2) + "\n";
  write_file_atomic(file, std::string_view(text));
}

CalibrationMaps read_calibration(const std::filesystem::path& file) {
  const JsonPlace json = JsonPlace::read_object(file, kMostCalibrationBytes);
  if (json.whole("format") != 1) json.at("format").refuse("1, the only one that this version reads");
  CalibrationMaps maps;
  for (const auto& [output, place] : json.at("outputs").members()) maps[output] = read_map(place);
  return maps;
}

SybilCalibrator read_sybil_calibrator(const std::filesystem::path& file) {
  const JsonPlace json = JsonPlace::read_object(file, kMostCalibrationBytes);
  SybilCalibrator years;
  const std::size_t count = json.members().size();
  for (std::size_t k = 0; k < std::max<std::size_t>(count, 1); ++k) {
    const JsonPlace year = json.at(fmt::format("Year{}", k + 1).c_str());
    years.emplace_back();
    for (const JsonPlace& fold : year.items()) years.back().push_back(read_fold(fold));
    if (years.back().empty()) year.refuse("a list of at least one fold");
  }
  return years;
}

}  // namespace pillar
