// calibration.json: the keys that are written and read.
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"
#include "pillar/metrics/calibration_map.h"

#include "core/shared/json_place.h"
#include "metrics/curve_limits.h"
#include "metrics/json/curve_json.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

constexpr std::uint64_t kMostCalibrationBytes = std::uint64_t{1} << 28;

using CalibrationJson = nlohmann::ordered_json;

CalibrationJson curve_json(const PlattCurve& curve) {
  return {{"method", "platt"}, {"slope", curve.slope}, {"intercept", curve.intercept}};
}

CalibrationJson curve_json(const IsotonicCurve& curve) {
  return {{"method", "isotonic"}, {"scores", curve.scores}, {"probabilities", curve.probabilities}};
}

OutcomeKind read_outcome_kind(const JsonPlace& place) {
  const std::string text = place.text();
  for (const OutcomeKind kind : {OutcomeKind::multilabel, OutcomeKind::multiclass, OutcomeKind::survival})
    if (text == to_string(kind)) return kind;
  place.refuse("multilabel, multiclass or survival");
}

PlattCurve read_platt_curve(const JsonPlace& place) {
  const PlattCurve curve = {read_finite(place.at("slope")), read_finite(place.at("intercept"))};
  if (curve.slope < 0 || curve.slope > kMostCurveScore)
    place.at("slope").refuse("from 0 to 1e150: probabilities rise with scores");
  return curve;
}

std::variant<PlattCurve, IsotonicCurve> read_curve(const JsonPlace& place) {
  const std::string method = place.text("method");
  if (method == to_string(CalibrationMethod::platt)) return read_platt_curve(place);
  if (method == to_string(CalibrationMethod::isotonic))
    return read_isotonic_curve(place, "scores", "probabilities");
  place.at("method").refuse("platt or isotonic");
}

}  // namespace

void write_calibration(const std::filesystem::path& file, const CalibrationMap& map) {
  CalibrationJson json = {
      {"format", 1}, {"kind", to_string(map.kind)}, {"outputs", CalibrationJson::array()}};
  for (const OutputCalibration& output : map.outputs) {
    if (!is_text(output.output))
      fail(ErrorCategory::input, "{}: the output's name '{}' is not UTF-8 text", file,
           printable(output.output));
    CalibrationJson item = {{"output", output.output}};
    item.update(std::visit([](const auto& curve) { return curve_json(curve); }, output.curve));
    json["outputs"].push_back(std::move(item));
  }
  write_file_atomic(file, std::string_view(json.dump(1) + "\n"));
}

CalibrationMap read_calibration(const std::filesystem::path& file, const std::vector<std::string>& outputs) {
  const JsonPlace json = JsonPlace::read_object(file, kMostCalibrationBytes);
  if (json.whole("format") != 1) json.at("format").refuse("1, the only one that this version reads");
  CalibrationMap map{read_outcome_kind(json.at("kind")), {}};
  std::map<std::string, OutputCalibration> by_name;
  for (const JsonPlace& item : json.at("outputs").items()) {
    const std::string name = item.text("output");
    if (std::find(outputs.begin(), outputs.end(), name) == outputs.end())
      fail(ErrorCategory::input, "{}: calibrates the output {}, which the model has not", file,
           printable(name));
    if (!by_name.emplace(name, OutputCalibration{name, read_curve(item)}).second)
      fail(ErrorCategory::input, "{}: calibrates the output {} twice", file, printable(name));
  }
  for (const std::string& output : outputs) {
    const auto found = by_name.find(output);
    if (found == by_name.end())
      fail(ErrorCategory::input, "{}: no calibration of the output {}", file, printable(output));
    map.outputs.push_back(found->second);
  }
  return map;
}

}  // namespace pillar
