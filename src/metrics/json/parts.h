// Internal: what metrics.json of every kind of run is made of, as it is written and as it is read. Readers
// throw Error(input) naming file and key.
#pragma once

#include "pillar/metrics/bootstrap.h"
#include "pillar/metrics/run_metrics.h"
#include "pillar/metrics/run_record.h"

#include "core/shared/json_place.h"

#include <cstdint>
#include <filesystem>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace pillar {

using MetricsJson = nlohmann::ordered_json;

// "format", "kind", "created", "command", "versions", "inputs", "settings": what every kind begins with.
MetricsJson metrics_head(const RunRecord& record);
RunHead read_head(const JsonPlace& metrics);
// The kind of a file of the one format that there is.
std::string read_kind(const JsonPlace& metrics);

MetricsJson number_json(double value);  // null where it is not finite

// Under the names `value_key`, "low" and "high".
MetricsJson interval_json(const Interval& interval, const char* value_key = "value");
Interval read_interval(const JsonPlace& place, const char* value_key = "value");

MetricsJson bootstrap_json(const BootstrapOptions& options, const std::string& unit, std::int64_t units);
// Sets `options`, `unit` and `units` of what metrics.json has at "bootstrap". Without replicates there was
// nothing to draw, and the others are not looked at.
void read_bootstrap(const JsonPlace& metrics, BootstrapOptions& options, std::string& unit,
                    std::int64_t& units);

// The count at `key`, 0 where there is none.
std::int64_t read_count_or_zero(const JsonPlace& place, const char* key);

// Makes the folder; bytes that are no UTF-8 become U+FFFD. Throws Error(io).
void write_metrics_json(const std::filesystem::path& run_folder, const MetricsJson& metrics);

}  // namespace pillar
