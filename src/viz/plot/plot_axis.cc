#include "viz/plot/plot_axis.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include <fmt/format.h>

namespace pillar::viz {
namespace {

// 1, 2 or 5 times a power of ten, so that `span` holds at most `most` steps.
double round_step(double span, int most) {
  const double wanted = span / most;
  const double power = std::pow(10, std::floor(std::log10(wanted)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= wanted * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

int decimals_of(double step) {
  return std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
}

// "2e-5": as short as the exponent allows.
std::string with_exponent(double mantissa, int decimals, int exponent) {
  return fmt::format("{:.{}f}e{}", mantissa, decimals, exponent);
}

// All with the same unit and as many decimals as `step` needs.
std::string label_of(double value, double step, double biggest) {
  if (value == 0) return "0";
  if (biggest < 1e-3 || biggest >= 1e12) {
    const int exponent = static_cast<int>(std::floor(std::log10(biggest) + 1e-9));
    const double unit = std::pow(10, exponent);
    return with_exponent(value / unit, decimals_of(step / unit), exponent);
  }
  static constexpr std::array<std::pair<double, const char*>, 4> kUnits = {
      {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}}};
  const auto* const unit = std::find_if(kUnits.begin(), kUnits.end() - 1, [&](const auto& u) {
    return biggest >= std::max(10'000.0, u.first);
  });
  return fmt::format("{:.{}f}{}", value / unit->first, decimals_of(step / unit->first), unit->second);
}

std::string log_label(double factor, int exponent) {
  const double value = factor * std::pow(10, exponent);
  if (exponent >= -3 && exponent <= 3) return fmt::format("{:.{}f}", value, std::max(0, -exponent));
  return with_exponent(factor, 0, exponent);
}

void add_round_ticks(Axis& axis, double step) {
  const double biggest = std::max(std::abs(axis.low), std::abs(axis.high));
  const auto first = static_cast<std::int64_t>(std::ceil(axis.low / step - 1e-6));
  const auto last = static_cast<std::int64_t>(std::floor(axis.high / step + 1e-6));
  for (std::int64_t k = first; k <= last; ++k) {
    const double value = static_cast<double>(k) * step;
    axis.ticks.push_back({value, label_of(value, step, biggest)});
  }
}

// Every `stride`-th power of ten, times each of `factors`.
void add_log_ticks(Axis& axis, std::initializer_list<double> factors, int stride) {
  const int first = static_cast<int>(std::floor(std::log10(axis.low)));
  const int last = static_cast<int>(std::ceil(std::log10(axis.high)));
  for (int exponent = first; exponent <= last; ++exponent) {
    if (exponent % stride != 0) continue;
    for (const double factor : factors) {
      const double value = factor * std::pow(10, exponent);
      if (value >= axis.low * (1 - 1e-9) && value <= axis.high * (1 + 1e-9))
        axis.ticks.push_back({value, log_label(factor, exponent)});
    }
  }
}

}  // namespace

double Axis::place(double value) const {
  if (log) return std::log(value / low) / std::log(high / low);
  return (value - low) / (high - low);
}

double plottable(double value) {
  if (!(std::abs(value) < 1e150)) return std::numeric_limits<double>::quiet_NaN();
  return std::abs(value) < 1e-150 ? 0 : value;
}

Axis linear_axis(double low, double high, int most, bool whole_steps, double least_step) {
  const double biggest = std::max(std::abs(low), std::abs(high));
  if (biggest == 0) {
    high = 1;
  } else if (high - low < 1e-5 * biggest) {
    low -= 0.1 * biggest;
    high += 0.1 * biggest;
  }
  Axis axis{low, high, false, {}};
  const double step = std::max(least_step, round_step(high - low, most));
  if (whole_steps) {
    axis.low = std::floor(low / step + 1e-6) * step;
    axis.high = std::ceil(high / step - 1e-6) * step;
  }
  add_round_ticks(axis, step);
  return axis;
}

Axis log_axis(double low, double high, int most) {
  if (high < 1.05 * low) {
    low /= 1.1;
    high *= 1.1;
  }
  Axis axis{low, high, true, {}};
  const double decades = std::log10(high / low);
  if (decades < 1) {
    add_round_ticks(axis, round_step(high - low, most));
  } else if (decades * 3 <= most) {
    add_log_ticks(axis, {1, 2, 5}, 1);
  } else {
    add_log_ticks(axis, {1}, static_cast<int>(std::ceil(decades / most)));
  }
  return axis;
}

}  // namespace pillar::viz
