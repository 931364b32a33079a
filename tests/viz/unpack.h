// Reads back what the viz room writes, with other code than the room's own.
#pragma once

#include "pillar/viz/png.h"

#include "viz/viewer/packed_voxels.h"

#include <string>
#include <vector>

namespace pillar::test {

Image8 decode_png(ByteView bytes);  // by libpng; grey or RGB as the file says

std::vector<double> unpack_values(const viz::PackedVoxels& packed);  // in z, y, x order

// The page's text between `begin` and `end`; fails the test where they are missing.
std::string between(const std::string& page, const std::string& begin, const std::string& end);

// The voxels that a slice viewer page carries.
viz::PackedVoxels packed_voxels_of(const std::string& page);

}  // namespace pillar::test
