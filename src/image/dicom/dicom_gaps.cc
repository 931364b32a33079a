#include "image/dicom/dicom_gaps.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

namespace pillar {
namespace {

constexpr double worth_a_note = 0.01;  // of the spacing
constexpr double most_missing = 0.1;   // of the slices
constexpr double most_slices =
    65536;  // of a grid made from positions: a hostile one does not fill the memory
constexpr double most_slices_a_plane = 32;
constexpr double finest_of_usual = 0.1;  // of the usual step: two planes almost in one place are one

std::vector<double> steps_of(const Stack& stack) {
  std::vector<double> steps;
  for (std::size_t k = 1; k < stack.places.size(); ++k)
    steps.push_back(stack.places[k] - stack.places[k - 1]);
  return steps;
}

double lower_median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// The farthest that a plane lies from the nearest place of a grid that divides the extent.
double off_grid(const Stack& stack, double spacing) {
  double worst = 0;
  for (double place : stack.places)
    worst = std::max(worst, std::abs(place - std::round(place / spacing) * spacing));
  return worst;
}

// The farthest that plane k lies from k-th place of an even grid over the same extent.
double unevenness(const Stack& stack, double spacing) {
  double worst = 0;
  for (std::size_t k = 0; k < stack.places.size(); ++k)
    worst = std::max(worst, std::abs(stack.places[k] - static_cast<double>(k) * spacing));
  return worst;
}

bool are_alike(double a, double b) {
  return std::abs(a - b) <= place_tolerance(std::min(a, b));
}

// The mean of all steps that are like this one, where they are a third or more of all: a scan that is
// otherwise even has such a step, one whose steps are all different has none.
std::optional<double> usual_like(const std::vector<double>& steps, double step) {
  double sum = 0;
  std::size_t count = 0;
  for (double other : steps) {
    if (!are_alike(step, other)) continue;
    sum += other;
    ++count;
  }
  if (3 * count < steps.size()) return std::nullopt;
  return sum / static_cast<double>(count);
}

// How many planes are missing in step k: it is alone among its neighbours, and nearer to two of a usual step
// beside it than to one and a half.
std::int64_t missing_in(const std::vector<double>& steps, std::size_t k) {
  const double step = steps[k];
  double beside = INFINITY;
  for (std::size_t other : {k - 1, k + 1}) {
    if (other >= steps.size()) continue;
    if (are_alike(step, steps[other])) return 0;
    beside = std::min(beside, steps[other]);
  }
  if (!(step >= 1.5 * beside) || !std::isfinite(beside)) return 0;
  const auto usual = usual_like(steps, beside);
  if (!usual || step < 1.75 * *usual) return 0;
  return static_cast<std::int64_t>(std::min(std::round(step / *usual), most_slices)) - 1;
}

std::vector<double> missing_places(const Stack& stack, const std::vector<double>& steps) {
  std::vector<double> places;
  for (std::size_t k = 0; k < steps.size(); ++k) {
    const std::int64_t count = missing_in(steps, k);
    for (std::int64_t i = 1; i <= count && static_cast<double>(places.size()) < most_slices; ++i) {
      places.push_back(stack.places[k] + steps[k] * static_cast<double>(i) / static_cast<double>(count + 1));
    }
  }
  return places;
}

// A spacing that divides the extent: the usual step if every plane then lies on the grid, else the finest
// one, so that no plane falls between two slices.
double grid_spacing(const Stack& stack, const std::vector<double>& steps) {
  const double usual = lower_median(steps);
  const double finest = std::max(*std::min_element(steps.begin(), steps.end()), finest_of_usual * usual);
  for (double step : {usual, finest}) {
    const double spacing = stack.extent / std::max(1.0, std::round(stack.extent / step));
    if (off_grid(stack, spacing) <= place_tolerance(spacing) && spacing < 1.5 * finest) return spacing;
  }
  return stack.extent / std::max(1.0, std::ceil(stack.extent / finest - 1e-6));
}

}  // namespace

double place_tolerance(double spacing_mm) noexcept {
  return std::min(std::max(0.1 * spacing_mm, 0.1), 0.25 * spacing_mm);
}

SliceSpacing judge_spacing(const Stack& stack, GapPolicy policy, const std::string& name,
                           LoadReport& report) {
  SliceSpacing result;
  const auto planes = static_cast<std::int64_t>(stack.places.size());
  result.spacing_mm = stack.extent / static_cast<double>(planes - 1);
  result.slices = planes;
  const double worst = unevenness(stack, result.spacing_mm);
  if (worst <= place_tolerance(result.spacing_mm)) {
    if (worst > worth_a_note * result.spacing_mm) {
      report.notes.add(
          fmt::format("slices lie up to {:.3g} mm off an even grid of {:.4g} mm", worst, result.spacing_mm));
    }
    return result;
  }
  const std::vector<double> steps = steps_of(stack);
  const auto [least, most] = std::minmax_element(steps.begin(), steps.end());
  if (!(*least > 0)) fail(ErrorCategory::input, "{}: the planes are not in the order of their places", name);
  const std::string fault =
      fmt::format("slices are missing or unevenly spaced: steps of {:.4g} to {:.4g} mm, mostly {:.4g}",
                  *least, *most, lower_median(steps));
  if (policy == GapPolicy::fail) fail(ErrorCategory::input, "{}: {}", name, fault);
  if (policy == GapPolicy::ignore) {
    report.notes.add(fmt::format("{}; stacked as if every {:.4g} mm", fault, result.spacing_mm));
    return result;
  }
  result.missing_mm = missing_places(stack, steps);
  const auto whole = planes + static_cast<std::int64_t>(result.missing_mm.size());
  if (static_cast<double>(whole - planes) > most_missing * static_cast<double>(whole)) {
    fail(ErrorCategory::input, "{}: {} of {} slices are missing, more than a tenth ({})", name,
         whole - planes, whole, fault);
  }
  result.even = false;
  result.spacing_mm = grid_spacing(stack, steps);
  const double slices = std::round(stack.extent / result.spacing_mm) + 1;
  if (slices > std::min(most_slices, most_slices_a_plane * static_cast<double>(planes))) {
    fail(ErrorCategory::input, "{}: slices every {:.4g} mm over {:.4g} mm would be {:.0f}", name,
         result.spacing_mm, stack.extent, slices);
  }
  result.slices = static_cast<std::int64_t>(slices);
  report.notes.add(
      fmt::format("{}; resampled from where they lie{}", fault,
                  result.missing_mm.empty() ? "" : fmt::format(", {} of {} missing", whole - planes, whole)));
  return result;
}

}  // namespace pillar
