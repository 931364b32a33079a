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
    65536;  // of a grid made from positions: keeps a hostile one from filling the memory

// A plane farther than this from its place is not on the grid: a tenth of the spacing, or of a millimetre
// where slices are thin and positions come rounded to that.
double tolerance(double spacing) {
  return std::min(std::max(0.1 * spacing, 0.1), 0.25 * spacing);
}

// The farthest that plane k lies from k-th place of an even grid over the same extent.
double unevenness(const Stack& stack) {
  const double spacing = stack.extent / static_cast<double>(stack.places.size() - 1);
  double worst = 0;
  for (std::size_t k = 0; k < stack.places.size(); ++k) {
    worst = std::max(worst, std::abs(stack.places[k] - static_cast<double>(k) * spacing));
  }
  return worst;
}

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

SlicePlan every_plane(const Stack& stack) {
  SlicePlan plan;
  plan.spacing_mm = stack.extent / static_cast<double>(stack.places.size() - 1);
  for (std::size_t k = 0; k < stack.places.size(); ++k) plan.slices.push_back({k, k, 0});
  return plan;
}

// The grid on which all planes lie, with holes: the steps are whole multiples of the usual one. Nothing if
// they are not.
std::optional<SlicePlan> grid_with_holes(const Stack& stack, double usual_step) {
  std::vector<double> index = {0};
  for (double step : steps_of(stack)) {
    const double multiple = std::round(step / usual_step);
    if (multiple < 1) return std::nullopt;
    index.push_back(index.back() + multiple);
  }
  if (index.back() >= most_slices) return std::nullopt;
  SlicePlan plan;
  plan.spacing_mm = stack.extent / index.back();
  for (std::size_t k = 0; k < index.size(); ++k) {
    if (std::abs(stack.places[k] - index[k] * plan.spacing_mm) > tolerance(plan.spacing_mm))
      return std::nullopt;
    for (double i = k == 0 ? 0 : index[k - 1] + 1; i < index[k]; ++i) {
      const double weight =
          (i * plan.spacing_mm - stack.places[k - 1]) / (stack.places[k] - stack.places[k - 1]);
      plan.slices.push_back({k - 1, k, weight});
    }
    plan.slices.push_back({k, k, 0});
  }
  return plan;
}

// Planes at their true places, read off linearly every `spacing` from the first.
SlicePlan even_grid(const Stack& stack, double spacing, const std::string& name) {
  const double count = std::floor(stack.extent / spacing + 1e-6) + 1;
  if (count > most_slices) {
    fail(ErrorCategory::input, "{}: slices every {:.4g} mm over {:.4g} mm would be {:.0f}", name, spacing,
         stack.extent, count);
  }
  SlicePlan plan;
  plan.spacing_mm = spacing;
  std::size_t upper = 1;
  for (double i = 0; i < count; ++i) {
    const double place = std::min(i * spacing, stack.extent);
    while (upper + 1 < stack.places.size() && stack.places[upper] < place) ++upper;
    const std::size_t lower = upper - 1;
    const double weight = (place - stack.places[lower]) / (stack.places[upper] - stack.places[lower]);
    constexpr double on_it = 1e-6;
    if (weight < on_it) {
      plan.slices.push_back({lower, lower, 0});
    } else if (weight > 1 - on_it) {
      plan.slices.push_back({upper, upper, 0});
    } else {
      plan.slices.push_back({lower, upper, weight});
    }
  }
  return plan;
}

void note_sides(const Stack& stack, double spacing, LoadReport& report) {
  if (stack.shear_deg > 0.1) {
    report.notes.add(fmt::format(
        "gantry tilt: the planes are stacked {:.2f} degrees off their normal; the volume is not sheared back",
        stack.shear_deg));
  }
  if (stack.sideways > tolerance(spacing)) {
    report.notes.add(
        fmt::format("planes lie up to {:.2f} mm beside the line from the first to the last", stack.sideways));
  }
}

}  // namespace

SlicePlan plan_slices(const Stack& stack, GapPolicy policy, const std::string& name, LoadReport& report) {
  SlicePlan even = every_plane(stack);
  note_sides(stack, even.spacing_mm, report);
  const double worst = unevenness(stack);
  if (worst <= tolerance(even.spacing_mm)) {
    if (worst > worth_a_note * even.spacing_mm) {
      report.notes.add(
          fmt::format("slices lie up to {:.3g} mm off an even grid of {:.4g} mm", worst, even.spacing_mm));
    }
    return even;
  }
  const std::vector<double> steps = steps_of(stack);
  const auto [least, most] = std::minmax_element(steps.begin(), steps.end());
  const std::string fault =
      fmt::format("slices are missing or unevenly spaced: steps of {:.4g} to {:.4g} mm, mostly {:.4g}",
                  *least, *most, lower_median(steps));
  if (policy == GapPolicy::fail) fail(ErrorCategory::input, "{}: {}", name, fault);
  if (policy == GapPolicy::ignore) {
    report.notes.add(fmt::format("{}; stacked as if every {:.4g} mm", fault, even.spacing_mm));
    return even;
  }
  const double usual = lower_median(steps);
  auto with_holes = grid_with_holes(stack, usual);
  SlicePlan plan = with_holes ? std::move(*with_holes) : even_grid(stack, usual, name);
  const std::size_t count = plan.slices.size();
  const std::size_t planes = stack.places.size();
  if (count > planes && static_cast<double>(count - planes) > most_missing * static_cast<double>(count)) {
    fail(ErrorCategory::input, "{}: {} of {} slices are missing, more than a tenth ({})", name,
         count - planes, count, fault);
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (plan.slices[i].lower != plan.slices[i].upper)
      report.filled_positions_mm.push_back(static_cast<double>(i) * plan.spacing_mm);
  }
  report.notes.add(fmt::format("{}; {} of {} slices were made by linear interpolation onto {:.4g} mm", fault,
                               report.filled_positions_mm.size(), count, plan.spacing_mm));
  return plan;
}

}  // namespace pillar
