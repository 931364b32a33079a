// Internal: the scale of one axis of a plot.
#pragma once

#include <string>
#include <vector>

namespace pillar::viz {

struct Tick {
  double value = 0;
  std::string label;
};

struct Axis {
  double low = 0, high = 1;  // low < high
  bool log = false;
  std::vector<Tick> ticks;           // ascending, all within
  double place(double value) const;  // 0 at low, 1 at high
};

// Finite numbers of a size that leaves room to calculate; NaN for others.
double plottable(double value);

// Ticks at round numbers, about `most` or fewer. With `whole_steps` the axis begins and ends at one of them.
// Both ends must be plottable; a span of (next to) nothing is widened. Ticks are `least_step` apart or more.
Axis linear_axis(double low, double high, int most, bool whole_steps, double least_step = 0);

// Of values above 0: ticks at powers of ten, their 2- and 5-fold where there is room, and at round numbers
// where the axis spans less than a decade.
Axis log_axis(double low, double high, int most);

}  // namespace pillar::viz
