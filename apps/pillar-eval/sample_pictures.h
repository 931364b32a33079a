// Pictures of the studies that a run speaks of, for its page.
#pragma once

#include "pillar/data/scan.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace pillar {

// Scans by accession.
class SampleFinder {
 public:
  // `samples`: a folder of RAVE samples (or other scans, or one of them), or a manifest CSV with sample_name
  // and image_cache_path. Of two scans of one accession the first counts; one that cannot be opened is left
  // out with a warning. Throws Error(io | input): nothing there.
  explicit SampleFinder(const std::filesystem::path& samples);

  const ScanEntry* find(const std::string& accession) const;  // null: there is none
  const std::map<std::string, ScanEntry>& all() const noexcept { return scans_; }
  const std::filesystem::path& source() const noexcept { return source_; }

 private:
  std::filesystem::path source_;
  std::map<std::string, ScanEntry> scans_;
};

// <run_folder>/view/<accession>.html, slice viewers as `pillar-rave view` makes them, of the first `limit`
// different accessions that have a scan. Returns how many were written. How many have no scan, and which
// could not be read, is a warning. Throws Error(io) where they cannot be written,
// Error(input) for voxels that are NaN or infinite.
int write_view_pages(const SampleFinder& finder, const std::vector<std::string>& accessions,
                     const std::filesystem::path& run_folder, int limit);

// <run_folder>/thumbnails/<accession>.png, the middle slice of each; the soft tissue window for CT, else from
// the values. Returns and throws the same.
int write_thumbnails(const SampleFinder& finder, const std::vector<std::string>& accessions,
                     const std::filesystem::path& run_folder);

}  // namespace pillar
