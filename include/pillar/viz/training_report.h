// report.html of a training run: one file, no network.
#pragma once

#include <filesystem>

namespace pillar {

// Reads `run`/metrics.jsonl and writes `run`/report.html (atomic): loss, learning rate, logit scale, gradient
// and weight norm, wait share and samples/s by step, validation loss, recall and median rank by epoch, a
// table of the last and best values. Curves that no row has are left out. Throws Error(io | input).
void write_training_report(const std::filesystem::path& run);

}  // namespace pillar
