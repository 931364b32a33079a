// Internal: the records of a zip that torch.save() wrote: stored as they are, so that each is a piece of the
// file.
#pragma once

#include "pillar/core/file.h"

#include <map>
#include <string>

namespace pillar {

// Views of `bytes` by name, without the folder that all of them are in: "data.pkl", "data/0". Throws
// Error(input): not a whole zip, a wrong checksum, a name twice, a record that is compressed or encrypted.
std::map<std::string, ByteView> read_torch_zip(ByteView bytes, const std::string& name);

}  // namespace pillar
