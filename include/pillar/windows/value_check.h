// Whether a volume's values are what its windows take them for.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/windows/window.h"

#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>

namespace pillar {

enum class ValueLook {
  hounsfield,   // CT: as it should be
  lifted_air,   // CT: the scale of the published 10-bit stream, air near -768 (docs/formats.md, "rave10")
  offset_1024,  // CT: HU + 1024
  constant,     // one value everywhere
  foreign,      // CT: some other scale
  signal,       // MR and X-ray: the values have no unit to be wrong in
};

struct ValueCheck {
  ValueLook look = ValueLook::signal;
  bool warning = false;        // the windows will not show what they should
  bool impossible = false;     // no CT has such values in HU, whatever was scanned
  bool may_be_offset = false;  // CT: none below 0, as where 1024 was added to HU
  std::string message;         // one line, with the numbers it is judged by
};

// voxels: any shape, on the CPU, of any number type but the 64-bit integers. A judgement from the
// distribution of values (of about a million of them), never certain. Throws Error(input) for an empty
// volume, another dtype, and a NaN or infinite voxel.
ValueCheck check_values(const at::Tensor& voxels, WindowFamily family);

// What becomes of a scan by what check_values() says of its values.
enum class ValuePolicy {
  refuse,    // what is impossible is an error
  lenient,   // the same, but HU + 1024 is only said
  only_say,  // nothing is refused
};
ValuePolicy parse_value_policy(std::string_view text);  // "refuse" or "warn"; throws Error(usage)

// Adds to `notes` what is odd. Throws Error(input) naming `source`, with what would help, for what the policy
// refuses.
void judge_values(const at::Tensor& voxels, WindowFamily family, ValuePolicy policy, std::string_view source,
                  Notes& notes);

}  // namespace pillar
