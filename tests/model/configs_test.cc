// The configurations that come with libpillar (configs/).
#include "pillar/core/config.h"
#include "pillar/model/weights.h"

#include "model/atlas/patch_embed_table.h"
#include "model/atlas/scale_layout.h"
#include "model/atlas/weights_patch_embed.h"

#include <gtest/gtest.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

fs::path configs() {
  return fs::read_symlink("/proc/self/exe").parent_path() / "../share/pillar/configs";
}

struct Known {
  const char* name;
  const char* modality;
  PatchEmbedKind kind;
};
const std::vector<Known> kKnown = {{"atlas-small-abdomen-ct", "abdomen_ct", PatchEmbedKind::volume_666},
                                   {"atlas-small-chest-ct", "chest_ct", PatchEmbedKind::volume_884},
                                   {"atlas-small-head-ct", "brain_ct", PatchEmbedKind::brain},
                                   {"atlas-small-breast-mr", "breast_mr", PatchEmbedKind::breast_mr},
                                   {"atlas-tiny-abdomen-ct", "abdomen_ct", PatchEmbedKind::volume_666}};

TEST(Configs, AllAreKnownHere) {
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(configs())) files += entry.path().extension() == ".json";
  EXPECT_EQ(files, kKnown.size());
}

TEST(Configs, EachHasATowerOfThreeScales) {
  for (const Known& known : kKnown) {
    SCOPED_TRACE(known.name);
    const AtlasConfig config = load_atlas_config(configs() / fmt::format("{}.json", known.name));
    const TowerConfig& tower = config.tower(known.modality);
    EXPECT_EQ(default_patch_embed(tower), known.kind);
    EXPECT_EQ(scale_layout(tower, embedded_tokens_dhw(known.kind, tower.size_dhw())).size(), 3u);
    EXPECT_EQ(config.stages.size(), 3u);
  }
}

TEST(Configs, PreprocessingGivesWhatTheTowerTakes) {
  for (const Known& known : kKnown) {
    SCOPED_TRACE(known.name);
    const fs::path file = configs() / fmt::format("{}.json", known.name);
    const AtlasConfig config = load_atlas_config(file);
    const TowerConfig& tower = config.tower("");
    const Config preprocess = Config::load(file).get("preprocess").get(known.modality);
    preprocess.allow_only({"target_spacing_xyz_mm", "size_dhw", "pad_value", "axes", "flip_depth", "windows",
                           "normalisation", "intensity"});
    const std::vector<std::int64_t> size = preprocess.get("size_dhw").as_ints(3);
    EXPECT_TRUE(std::equal(size.begin(), size.end(), tower.size_dhw().begin()));
    EXPECT_EQ(preprocess.get("target_spacing_xyz_mm").as_doubles(3).size(), 3u);
    const bool is_mr = std::string_view(known.modality).ends_with("_mr");
    EXPECT_EQ(preprocess.get("windows").as_string(), "all");
    EXPECT_EQ(tower.in_chans, is_mr ? 3 : 11);  // how many windows "all" are
  }
}

}  // namespace
}  // namespace pillar
