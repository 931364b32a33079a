// Internal: what each tissue measures: HU on CT, arbitrary units on a T1-weighted MR.
#pragma once

#include "pillar/image/volume.h"

namespace pillar::phantom {

struct Palette {
  float air, skin, fat, muscle, lung, lung_dense, airway_wall, blood, artery, myocardium, liver, spleen,
      kidney_cortex, kidney_medulla, pancreas, bowel_wall, bowel_content, stool, bile, fluid, effusion,
      cartilage, disc, cord, cortical_bone, marrow, calcification, stone, nodule, collapsed_lung, lesion,
      thrombus, hematoma, gland, table_shell, table_core;
};

// `lung` is the patient's own aeration in HU; contrast agent matters on CT only.
Palette make_palette(Modality modality, bool contrast, double lung);

}  // namespace pillar::phantom
