// The "key: value" or "key = value" lines at the start of NRRD and MetaImage files: what must be judged
// before ITK, which trusts them, reads on.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/image/volume.h"

#include "image/volume_file/itk_io.h"
#include "image/volume_file/voxel_block.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pillar {

struct TextHeader {
  std::vector<std::pair<std::string, std::string>>
      lines;                // keys in lower case without spaces, values as they are
  std::uint64_t bytes = 0;  // up to where voxels would follow

  std::optional<std::string> value(std::string_view key) const;
};

// Throws Error(io) if the file cannot be read; Error(input) if it does not begin with such a header, or the
// header would lead ITK astray; Error(unsupported) where the voxels are spread over several files. `format`
// is nrrd or meta.
TextHeader read_text_header(VolumeFormat format, const std::filesystem::path& path);

// Error(unsupported) for voxels in several files, as text, or in a compression other than zlib's.
VoxelBlock voxel_block(VolumeFormat format, const TextHeader& header, const std::filesystem::path& path);

// Says which parts of the geometry are absent, and so taken as 1 mm, origin 0, axes left-posterior-superior.
// False where the axes are only taken for the patient's.
bool warn_of_absent_geometry(VolumeFormat format, const TextHeader& header, const std::filesystem::path& path,
                             Notes& notes);

}  // namespace pillar
