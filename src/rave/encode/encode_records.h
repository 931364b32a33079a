// Internal: mapping.csv, manifest.csv and failures.csv of a batch.
#pragma once

#include "pillar/rave/encode_job.h"

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace pillar {

// A sample in the output folder, as mapping.csv and manifest.csv tell of it.
struct SampleRow {
  std::string file;         // name of its folder or archive
  std::string sample_name;  // unique in the folder, never empty
  std::string source_path;  // empty where nothing says it
  std::string accession;
  std::string series_number;
  std::string source_megabytes;
  std::string sample_megabytes;
};

// One row for each sample that lies in the folder, in the order of mapping.csv, then of their names. What the
// two files say is kept, by the sample's file name, so that it does not matter from where or how the folder
// was named; samples that they do not know are asked themselves. Those among `known` are left out. Empty
// where there is no folder. Throws Error(input) where one of the files has other columns.
std::vector<SampleRow> read_sample_rows(const std::filesystem::path& output_folder,
                                        const std::set<std::string>& known = {});

// Writes both files: the samples on disk, those that this batch wrote or found there last and in its order.
void write_mapping(const std::filesystem::path& output_folder, const std::vector<EncodeOutcome>& outcomes);
void record_failures(const std::filesystem::path& output_folder, const std::vector<EncodeOutcome>& outcomes);

// "A1.1.0" of "A1.1.0.tar": without what says that it is an archive.
std::string without_archive_ending(const std::string& file);

// `wanted`, or the sample's own name where another has that, or this with a number. Adds it to `taken`.
std::string unique_sample_name(const std::string& wanted, const std::string& own,
                               std::set<std::string>& taken);

// Size of a file, or of all files below a folder.
std::uint64_t bytes_below(const std::filesystem::path& path);

}  // namespace pillar
