#include "phantom/palette.h"

namespace pillar::phantom {
namespace {

Palette ct_palette(bool contrast, float lung) {
  Palette p{};
  p.air = -1000;
  p.skin = 20;
  p.fat = -103;
  p.muscle = contrast ? 62 : 50;
  p.lung = lung;
  p.lung_dense = lung + 95;
  p.airway_wall = -20;
  p.blood = contrast ? 150 : 44;
  p.artery = contrast ? 165 : 45;
  p.myocardium = contrast ? 100 : 42;
  p.liver = contrast ? 112 : 60;
  p.spleen = contrast ? 125 : 50;
  p.kidney_cortex = contrast ? 190 : 36;
  p.kidney_medulla = contrast ? 150 : 30;
  p.pancreas = contrast ? 95 : 40;
  p.bowel_wall = contrast ? 75 : 40;
  p.bowel_content = 18;
  p.stool = -60;
  p.bile = 8;
  p.fluid = 12;
  p.effusion = 10;
  p.cartilage = 105;
  p.disc = 78;
  p.cord = 38;
  p.cortical_bone = 620;
  p.marrow = 210;
  p.calcification = 900;
  p.stone = 1000;
  p.nodule = contrast ? 65 : 35;
  p.collapsed_lung = contrast ? 70 : 30;
  p.lesion = contrast ? 42 : 14;
  p.thrombus = 38;
  p.hematoma = 58;
  p.gland = 35;
  p.table_shell = -330;
  p.table_core = -870;
  return p;
}

Palette mr_palette() {
  Palette p{};
  p.air = 8;
  p.skin = 420;
  p.fat = 960;
  p.muscle = 390;
  p.lung = 45;
  p.lung_dense = 85;
  p.airway_wall = 260;
  p.blood = 330;
  p.artery = 120;  // flow void
  p.myocardium = 400;
  p.liver = 560;
  p.spleen = 370;
  p.kidney_cortex = 440;
  p.kidney_medulla = 340;
  p.pancreas = 600;
  p.bowel_wall = 380;
  p.bowel_content = 300;
  p.stool = 420;
  p.bile = 240;
  p.fluid = 190;
  p.effusion = 200;
  p.cartilage = 340;
  p.disc = 310;
  p.cord = 350;
  p.cortical_bone = 45;
  p.marrow = 640;
  p.calcification = 12;
  p.stone = 12;
  p.nodule = 420;
  p.collapsed_lung = 380;
  p.lesion = 290;
  p.thrombus = 470;
  p.hematoma = 520;
  p.gland = 430;
  p.table_shell = p.air;
  p.table_core = p.air;
  return p;
}

}  // namespace

Palette make_palette(Modality modality, bool contrast, double lung) {
  return modality == Modality::ct ? ct_palette(contrast, static_cast<float>(lung)) : mr_palette();
}

}  // namespace pillar::phantom
