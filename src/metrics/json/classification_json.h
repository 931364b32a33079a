// Internal: what is said at thresholds, and one class of several, in metrics.json.
#pragma once

#include "pillar/metrics/classification.h"

#include "core/shared/json_place.h"
#include "metrics/json/parts.h"

namespace pillar {

MetricsJson thresholded_json(const ThresholdedEvaluation& evaluation);
ThresholdedEvaluation read_thresholded(const JsonPlace& place);

MetricsJson classes_json(const ClassEvaluation& evaluation);
ClassEvaluation read_classes(const JsonPlace& place);

MetricsJson macro_json(const MacroInterval& macro);
MacroInterval read_macro(const JsonPlace& place);

}  // namespace pillar
