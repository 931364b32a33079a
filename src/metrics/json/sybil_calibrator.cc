#include "pillar/metrics/sybil_calibrator.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"

#include "core/shared/json_place.h"
#include "metrics/json/curve_json.h"

#include <algorithm>

#include <ATen/ops/empty_like.h>
#include <fmt/format.h>

namespace pillar {
namespace {

constexpr std::uint64_t kMostCalibratorBytes = std::uint64_t{1} << 26;

// The only number of a list.
double only_number(const JsonPlace& place) {
  const std::vector<JsonPlace> items = place.items();
  if (items.size() != 1) place.refuse("a list of one item");
  return read_finite(items.front());
}

SybilFold read_fold(const JsonPlace& place) {
  SybilFold fold;
  const std::vector<JsonPlace> coefficients = place.at("coef").items();
  if (coefficients.size() != 1) place.at("coef").refuse("a list of one item");
  fold.slope = only_number(coefficients.front());
  fold.intercept = only_number(place.at("intercept"));
  fold.least = read_finite(place.at("x_min"));
  fold.most = read_finite(place.at("x_max"));
  if (fold.least > fold.most) place.at("x_min").refuse("at most x_max");
  fold.curve = read_isotonic_curve(place, "x0", "y0");
  return fold;
}

// The mean over the folds.
double probability_of(const std::vector<SybilFold>& folds, double probability) {
  double sum = 0;
  for (const SybilFold& fold : folds) {
    const double score = std::clamp(fold.slope * probability + fold.intercept, fold.least, fold.most);
    sum += probability_at(fold.curve, score);
  }
  return sum / static_cast<double>(folds.size());
}

}  // namespace

SybilCalibrator read_sybil_calibrator(const std::filesystem::path& file) {
  return parse_sybil_calibrator(read_text_file(file, kMostCalibratorBytes), file);
}

SybilCalibrator parse_sybil_calibrator(std::string_view json, const std::filesystem::path& file_name) {
  const JsonPlace root = JsonPlace::parse_object(json, file_name);
  SybilCalibrator calibrator;
  const std::size_t years = root.members().size();
  if (years == 0) root.refuse("an object of Year1, Year2 and so on");
  for (std::size_t year = 1; year <= years; ++year) {
    const JsonPlace folds = root.at(fmt::format("Year{}", year).c_str());
    std::vector<SybilFold>& read = calibrator.years.emplace_back();
    for (const JsonPlace& fold : folds.items()) read.push_back(read_fold(fold));
    if (read.empty()) folds.refuse("a list of at least one fold");
  }
  return calibrator;
}

at::Tensor calibrate(const SybilCalibrator& calibrator, const at::Tensor& probabilities_ny) {
  const std::size_t years = calibrator.years.size();
  if (probabilities_ny.dim() != 2 || probabilities_ny.size(1) != static_cast<std::int64_t>(years))
    fail(ErrorCategory::usage, "probabilities of {} years wanted for each study", years);
  if (probabilities_ny.scalar_type() != at::kFloat && probabilities_ny.scalar_type() != at::kDouble)
    fail(ErrorCategory::usage, "probabilities must be float32 or float64");
  const at::Tensor given_ny = probabilities_ny.to(at::kCPU, at::kDouble).contiguous();
  const at::Tensor calibrated_ny = at::empty_like(given_ny);
  const auto* given = given_ny.const_data_ptr<double>();
  auto* calibrated = calibrated_ny.mutable_data_ptr<double>();
  for (std::size_t i = 0; i < static_cast<std::size_t>(given_ny.numel()); ++i) {
    if (!(given[i] >= 0 && given[i] <= 1))
      fail(ErrorCategory::input, "study {}, year {}: {} is no probability from 0 to 1", i / years + 1,
           i % years + 1, given[i]);
    calibrated[i] = probability_of(calibrator.years[i % years], given[i]);
  }
  return calibrated_ny;
}

}  // namespace pillar
