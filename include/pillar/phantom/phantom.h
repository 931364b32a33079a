// One synthetic torso: anatomy, findings and their positions, from a seed.
#pragma once

#include "pillar/image/volume.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pillar {

enum class FindingKind {
  lung_nodule,
  pleural_effusion,
  coronary_calcification,
  rib_fracture,
  hepatic_lesion,
  cardiomegaly,
  pneumothorax,
  aortic_aneurysm,
  vertebral_fracture,
  kidney_stone,
};
const std::vector<FindingKind>& all_findings();
const char* to_string(FindingKind kind) noexcept;      // "lung nodule"
const char* rate_question(FindingKind kind) noexcept;  // "Is there a lung nodule?"
const char* rate_category(FindingKind kind) noexcept;  // "Lungs"

struct Finding {
  FindingKind kind;
  std::array<double, 3> center_xyz_mm;  // LPS
  double size_mm = 0;                   // longest diameter
  std::string side;                     // "left", "right", or empty
  std::string site;                     // "upper lobe", "rib 6", "L1", ... or empty
};

struct PhantomOptions {
  std::int64_t size = 96;         // voxels along W and H; D is the same
  double field_of_view_mm = 360;  // spacing = field_of_view / size, slices as far apart
  Modality modality = Modality::ct;
  double finding_probability = 0.3;  // of each kind, independently
};

struct Phantom {
  Volume volume;                  // CT: int16 HU, air -1000; MR: uint16 signal
  std::vector<Finding> findings;  // in the order of all_findings(); at most one of a kind
};

// The same seed and options give the same voxels on every machine and any number of threads.
Phantom make_phantom(std::uint64_t seed, const PhantomOptions& options);

// A free-text report that states every finding and denies some of the others, in wording that varies with the
// seed.
std::string make_report(std::uint64_t seed, const Phantom& phantom);

// What a report of make_report() states, in the order of all_findings(): labels without a language model.
std::vector<FindingKind> findings_in_report(std::string_view report);

}  // namespace pillar
