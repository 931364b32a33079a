// One scan, from its files to the volume and metadata that a RAVE sample stores, in memory.
#pragma once

#include "pillar/image/prepare.h"
#include "pillar/rave/encode_config.h"
#include "pillar/rave/metadata.h"

#include <cstdint>
#include <filesystem>
#include <optional>

namespace pillar {

struct PreparedSample {
  Volume volume;            // on the configured grid: int16 or uint16
  SampleMetadata metadata;  // all but the export part, which write_sample() fills
};

struct SamplePrepareOptions {
  EncodeConfig config;
  ReadingPolicies reading;
  std::optional<std::int64_t> volume_index;  // of a 4-D file
  bool keep_source_path = false;             // else metadata.json names no path
};

// A DICOM series, and a volume file. They throw what prepare_series() and prepare_volume_file() of image
// throw, and Error(input) for a CT whose values cannot be HU unless the configuration says to take it.
PreparedSample prepare_sample(const DicomSeries& series, const std::filesystem::path& source,
                              const SamplePrepareOptions& options);
PreparedSample prepare_sample(const std::filesystem::path& file, const SamplePrepareOptions& options);

// The metadata that names the output, before anything is decoded: accession and series number.
SampleMetadata identify_series(const DicomSeries& series);
SampleMetadata identify_volume_file(
    const std::filesystem::path& file);  // accession: the name without its extension

}  // namespace pillar
