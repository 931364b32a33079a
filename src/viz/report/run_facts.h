// Internal: how a run was made, and what lies beside its metrics.json.
#pragma once

#include "pillar/metrics/bootstrap.h"
#include "pillar/metrics/run_metrics.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace pillar::viz {

// Command, settings, versions and input checksums, as a section of a page.
std::string made_section(const RunHead& head);

// "95 % percentile intervals of 1,000 bootstrap replicates over 2,000 studies (seed 0)".
// `unit`: "study" or "patient".
std::string bootstrap_text(const BootstrapOptions& bootstrap, const std::string& unit, std::int64_t units);

// Files beside a run, for a page that is written to `page_folder`.
struct RunFolder {
  std::filesystem::path run, page_folder;

  // The accession, linked to its slice viewer where there is one.
  std::string accession_html(const std::string& accession) const;
  // Where the score of an error comes from, by the run's error_places.csv; empty where it does not say it.
  std::string place_html(const std::string& accession, const std::string& question) const;
  // <img> with the picture inside; empty where there is none. A file that is no PNG of less than 1 MB is
  // left out with a warning.
  std::string thumbnail_html(const std::string& accession) const;
};

}  // namespace pillar::viz
