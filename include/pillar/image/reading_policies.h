// What to do with a scan that is not as a volume has to be: the words of the programs' flags, of options and
// of what samples and embeddings record.
#pragma once

#include "pillar/image/dicom_series.h"
#include "pillar/image/volume_file.h"

#include <map>
#include <string>
#include <string_view>

namespace pillar {

struct ReadingPolicies {
  GapPolicy gaps = GapPolicy::interpolate;       // of a DICOM series
  TiltPolicy gantry_tilt = TiltPolicy::correct;  // of a DICOM series
  NanPolicy nan = NanPolicy::refuse;             // of a volume file
  bool operator==(const ReadingPolicies&) const = default;
};

const char* to_string(GapPolicy gaps) noexcept;   // "interpolate", "ignore", "fail"
const char* to_string(TiltPolicy tilt) noexcept;  // "correct", "refuse", "keep"
const char* to_string(NanPolicy nan) noexcept;    // "refuse", "air"

// Throw Error(usage) naming the words that there are.
GapPolicy parse_gap_policy(std::string_view word);
TiltPolicy parse_tilt_policy(std::string_view word);
NanPolicy parse_nan_policy(std::string_view word);

// Those that are not the default, by the names of their flags: what a result was made with.
std::map<std::string, std::string> changed_policies(const ReadingPolicies& policies);

}  // namespace pillar
