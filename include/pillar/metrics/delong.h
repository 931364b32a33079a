// The variance of an AUROC without any drawing (DeLong, DeLong and Clarke-Pearson, 1988, "Comparing the areas
// under two or more correlated receiver operating characteristic curves"). Studies are taken for independent.
#pragma once

#include "pillar/metrics/bootstrap.h"
#include "pillar/metrics/metrics.h"

#include <limits>
#include <vector>

namespace pillar {

// Structural components: of each yes the share of no that it scores above, of each no the share of yes that
// score above it, an equal score counting half. Their mean is the AUROC.
struct DelongComponents {
  double auroc = 0;
  std::vector<double> of_yes, of_no;  // P and N, in order of the studies' indices
};

// n log n by midranks (Sun and Xu, 2014). Empty, with an AUROC of NaN, where there is one class only.
DelongComponents delong_components(const RankedScores& ranked);

// Of the AUROC; NaN where a class has fewer than two studies.
double delong_variance(const DelongComponents& components);

// value +- z x its standard error, within 0 to 1. Ends are NaN where the variance is.
Interval delong_interval(const DelongComponents& components, double confidence);

// Two scores of the same studies.
struct DelongDifference {
  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  Interval difference = {kNone, kNone, kNone};  // of the AUROCs, second - first, within -1 to 1
  double p = kNone;  // two-sided, that there is none; 1 where both rank alike, NaN where it is not defined
};
// Throws Error(usage) where the components are of other numbers of studies.
DelongDifference delong_difference(const DelongComponents& first, const DelongComponents& second,
                                   double confidence);

// Of the standard normal distribution, to some 1e-9: what `probability` of it lies below.
double normal_quantile(double probability);

}  // namespace pillar
