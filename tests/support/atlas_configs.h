// Small configurations.
#pragma once

#include "pillar/model/atlas_config.h"

namespace pillar::test {

// 48^3 voxels, one stage a scale, 32 wide.
inline TowerConfig small_tower(const std::string& modality = "abdomen_ct") {
  TowerConfig tower;
  tower.modality = modality;
  tower.image_size_hwd = {48, 48, 48};
  tower.patch_size_hwd = {6, 6, 6};
  tower.in_chans = 2;
  tower.num_features = 16;
  tower.merge_ratio_dhw = {2, 2, 2};
  tower.local2global_dhw = {2, 2, 2};
  return tower;
}

inline AtlasConfig small_config() {
  AtlasConfig config;
  config.stages = {1, 1, 2};
  config.dim = 32;
  config.num_heads = 4;
  config.towers = {small_tower()};
  return config;
}

}  // namespace pillar::test
