// The kinds of findings and what RATE calls them.
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

const char* to_string(FindingKind kind) noexcept {
  switch (kind) {
    case FindingKind::lung_nodule:
      return "lung nodule";
    case FindingKind::pleural_effusion:
      return "pleural effusion";
    case FindingKind::coronary_calcification:
      return "coronary calcification";
    case FindingKind::rib_fracture:
      return "rib fracture";
    case FindingKind::hepatic_lesion:
      return "hepatic lesion";
    case FindingKind::cardiomegaly:
      return "cardiomegaly";
    case FindingKind::pneumothorax:
      return "pneumothorax";
    case FindingKind::aortic_aneurysm:
      return "aortic aneurysm";
    case FindingKind::vertebral_fracture:
      return "vertebral compression fracture";
    case FindingKind::kidney_stone:
      return "kidney stone";
  }
  return "";
}

const char* rate_question(FindingKind kind) noexcept {
  switch (kind) {
    case FindingKind::lung_nodule:
      return "Is there a lung nodule?";
    case FindingKind::pleural_effusion:
      return "Is there a pleural effusion?";
    case FindingKind::coronary_calcification:
      return "Is there coronary artery calcification?";
    case FindingKind::rib_fracture:
      return "Is there a rib fracture?";
    case FindingKind::hepatic_lesion:
      return "Is there a focal liver lesion?";
    case FindingKind::cardiomegaly:
      return "Is the heart enlarged?";
    case FindingKind::pneumothorax:
      return "Is there a pneumothorax?";
    case FindingKind::aortic_aneurysm:
      return "Is there an aortic aneurysm?";
    case FindingKind::vertebral_fracture:
      return "Is there a vertebral compression fracture?";
    case FindingKind::kidney_stone:
      return "Is there a kidney stone?";
  }
  return "";
}

const char* rate_category(FindingKind kind) noexcept {
  switch (kind) {
    case FindingKind::lung_nodule:
      return "Lungs";
    case FindingKind::pleural_effusion:
    case FindingKind::pneumothorax:
      return "Pleura";
    case FindingKind::coronary_calcification:
    case FindingKind::cardiomegaly:
      return "Heart";
    case FindingKind::aortic_aneurysm:
      return "Vessels";
    case FindingKind::hepatic_lesion:
      return "Liver";
    case FindingKind::kidney_stone:
      return "Kidneys";
    case FindingKind::rib_fracture:
    case FindingKind::vertebral_fracture:
      return "Bones";
  }
  return "";
}

}  // namespace pillar
