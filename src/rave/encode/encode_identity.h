// Internal: what a sample is called, and whether it is there already.
#pragma once

#include "pillar/rave/encode_job.h"
#include "pillar/rave/metadata.h"

#include "rave/encode/encode_find.h"

#include <vector>

namespace pillar {

// A found scan with its name and what is known of its outcome.
struct NamedScan {
  FoundScan scan;
  SampleMetadata identity;
  EncodeOutcome outcome;  // planned, or failed: nothing found, or its name is another's
};

// Names all scans before any is read, in their order.
std::vector<NamedScan> name_scans(std::vector<FoundScan> scans, const EncodeJob& job);

// Whether its sample is there; the outcome is `skipped` then.
bool already_there(NamedScan& named, const EncodeJob& job);

}  // namespace pillar
