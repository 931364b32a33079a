// Internal: what is marked in scans, and where.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/image/volume.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pillar {

enum class TruthKind { mask, labels, box, point };

// One row: a finding, or one of its lesions.
struct MarkedFinding {
  std::size_t row = 0;  // of the table, from 2
  TruthKind kind = TruthKind::mask;
  std::filesystem::path path;             // of a mask or label map
  std::int64_t value = 0;                 // of a label map: which voxels
  std::array<double, 6> box_xyz_mm = {};  // low and high corner; a point is one with both the same
};

class TruthTable {
 public:
  // Relative paths are taken from the table's folder. `label_names` may be empty where no row is of kind
  // "labels". Throws Error(io | input) naming file, row and column.
  TruthTable(const std::filesystem::path& csv, const std::filesystem::path& label_names);

  // Empty where nothing is marked.
  const std::vector<MarkedFinding>& of(const std::string& accession, const std::string& question) const;
  const std::map<std::pair<std::string, std::string>, std::vector<MarkedFinding>>& all() const {
    return findings_;
  }
  const std::filesystem::path& file() const { return file_; }

 private:
  std::filesystem::path file_;
  std::map<std::pair<std::string, std::string>, std::vector<MarkedFinding>> findings_;
};

// The finding's voxels on a grid, (D,H,W) uint8 of 0 and 1. A mask on another grid is looked up at each
// voxel's centre, which `notes` says. A box takes the voxels whose centres lie in it, a point the one that it
// lies in; at least one. Throws Error(input) naming the row: no voxel, a place beside the grid, a mask whose
// voxels lie elsewhere altogether or whose axes are not known.
at::Tensor finding_voxels(const TruthTable& truth, const MarkedFinding& finding, const Grid& grid,
                          Notes& notes);

// The grid that a mask lies on, of its header; unset for a box or a point.
std::optional<Grid> grid_of_finding(const MarkedFinding& finding);

}  // namespace pillar
