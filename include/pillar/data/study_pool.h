// The scans that a model is trained on, and what is marked in them. What else is learned of each (a report,
// labels) is the caller's, by the study's index.
#pragma once

#include "pillar/data/note_kind.h"
#include "pillar/labels/outcomes.h"
#include "pillar/model/preprocess_spec.h"

#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

// What is marked in a scan, by a mask, by boxes, or by both together. A mask is a RAVE sample of a mask or a
// volume file; what is not 0 is inside.
struct StudyAnnotation {
  std::filesystem::path mask;   // empty: none
  std::vector<VoxelBox> boxes;  // in voxels of the scan as it is stored, before any resampling

  bool empty() const noexcept { return mask.empty() && boxes.empty(); }
};

struct PoolStudy {
  std::string name;
  std::filesystem::path path;
  std::string source;               // the dataset that it comes from
  StudyAnnotation annotation = {};  // empty: not annotated
  std::string patient = {};         // empty: not known
};

struct StudyPool {
  PreprocessSpec spec;  // what the model expects of the voxels
  std::vector<PoolStudy> studies;
  // Empty: training sees every study once an epoch. Else an epoch is a draw with replacement of as many
  // studies as there are, each by its weight: finite, none negative, not all 0.
  std::vector<double> weights = {};
  // What the studies' headers say that the model does not expect, and of how many studies the model would see
  // something else than what it is trained for: voxels of another size, or axes that run another way than
  // those of most studies where the model does not say how they run.
  std::vector<NoteKind> notes = {};
  std::int64_t mismatched = 0;
};

// What keeps a study from being trained on.
struct StudyFault {
  std::string source, name, path, fault;
};

}  // namespace pillar
