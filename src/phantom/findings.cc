#include "pillar/phantom/phantom.h"

namespace pillar {

const std::vector<FindingKind>& all_findings() {
  static const std::vector<FindingKind> kinds = {
      FindingKind::lung_nodule,  FindingKind::pleural_effusion, FindingKind::coronary_calcification,
      FindingKind::rib_fracture, FindingKind::hepatic_lesion,   FindingKind::cardiomegaly,
      FindingKind::pneumothorax, FindingKind::aortic_aneurysm,  FindingKind::vertebral_fracture,
      FindingKind::kidney_stone,
  };
  return kinds;
}

}  // namespace pillar
