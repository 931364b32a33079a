// The page of an evaluation: one HTML file, no network.
#pragma once

#include <filesystem>

namespace pillar {

// Reads `run`/metrics.json of any kind of run (pillar/metrics/run_record.h) and writes `out_html` (atomic):
// summary, sortable tables, ROC and reliability curves, the most confident errors, and how it was made. What
// lies beside it is used where it is there: <run>/view/<accession>.html is linked,
// <run>/thumbnails/<accession>.png is put into the page (file names by file_stem(), pillar/core/file_name.h).
// The page works without JavaScript and prints whole. Throws Error(io), and Error(input) naming file and key.
void write_evaluation_report(const std::filesystem::path& run, const std::filesystem::path& out_html);

}  // namespace pillar
