// Internal: what a sample is called, and whether what lies there under its name is it.
#pragma once

#include "pillar/rave/encode_job.h"
#include "pillar/rave/metadata.h"

#include "rave/encode/encode_records.h"
#include "rave/shared/find_scans.h"

#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

// A found scan with its name and what is known of its outcome.
struct NamedScan {
  FoundScan scan;
  std::string name;       // of its folder or archive, without what the archive adds
  SampleRecord record;    // the source of a volume file is filled in when it is first needed
  EncodeOutcome outcome;  // planned; failed: nothing found, or no name; skipped: the same scan once more
};

// Names all scans before any is read, in their order; `there` is what lies in the output folder. Two scans of
// one name: the same one is taken once; of two others the first has the name and the second fails, unless the
// names were given, by a template or a column: then nothing is done, and Error(input) names them all.
std::vector<NamedScan> name_scans(std::vector<FoundScan> scans, const EncodeJob& job,
                                  const std::vector<SampleRow>& there);

// Whether there is anything to do for a planned scan: its sample is not there, or is to be made anew. Where
// the same scan's lies there, made with the same settings, the outcome becomes `skipped`. Throws Error(input)
// where another scan's lies there, which names both; and without job.overwrite where the same scan's does
// that has changed since, was made with other settings, has no record, or cannot be read.
bool must_be_made(NamedScan& named, const EncodeJob& job, const std::vector<SampleRow>& there);

// The scan's identity, computed once: a volume file is read for it.
const SourceIdentity& source_of(NamedScan& named, const EncodeJob& job);

// Samples of that name in another container than `kept`, which an overwritten one would leave behind.
void remove_other_containers(const std::filesystem::path& folder, const std::string& name,
                             const std::filesystem::path& kept);

}  // namespace pillar
