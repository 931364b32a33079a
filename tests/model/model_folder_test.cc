#include "pillar/model/model_folder.h"

#include "pillar/core/file.h"

#include "support/atlas_configs.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

void write_index(const fs::path& folder, const std::vector<std::string>& shards) {
  std::string places;
  for (const std::string& shard : shards)
    places += fmt::format("{}\"tensor of {}\": \"{}\"", places.empty() ? "" : ", ", shard, shard);
  write_file_atomic(folder / "model.safetensors.index.json",
                    fmt::format(R"({{"weight_map": {{{}}}}})", places));
}

TEST(Fingerprint, FollowsTheWeightsAndNothingElse) {
  TempDir dir;
  write_file_atomic(dir / "model.safetensors", "weights");
  const std::string file = weights_fingerprint(dir / "model.safetensors");
  EXPECT_EQ(file.size(), 64u);
  EXPECT_EQ(weights_fingerprint(dir.path()), file);
  write_file_atomic(dir / "config.json", "{}");
  EXPECT_EQ(weights_fingerprint(dir.path()), file);
  write_file_atomic(dir / "epoch_7.ckpt", "of an earlier training");
  write_file_atomic(dir / "other.safetensors", "of another model");
  EXPECT_EQ(weights_fingerprint(dir.path()), file) << "what is not loaded does not count";
  write_file_atomic(dir / "model.safetensors", "weightz");
  EXPECT_NE(weights_fingerprint(dir.path()), file);
  EXPECT_PILLAR_ERROR(weights_fingerprint(dir / "absent.pt"), ErrorCategory::io, HasSubstr("absent.pt"));
}

TEST(Fingerprint, OfShardsIsThatOfThemAll) {
  TempDir dir;
  write_index(dir.path(), {"s-1.safetensors", "s-2.safetensors"});
  write_file_atomic(dir / "s-1.safetensors", "first");
  write_file_atomic(dir / "s-2.safetensors", "second");
  const std::string before = weights_fingerprint(dir.path());
  EXPECT_EQ(weights_fingerprint(dir / "model.safetensors.index.json"), before);
  write_file_atomic(dir / "epoch_7.ckpt", "of an earlier training");
  write_file_atomic(dir / "s-3.safetensors", "in no index");
  EXPECT_EQ(weights_fingerprint(dir.path()), before);
  write_file_atomic(dir / "s-2.safetensors", "trained on");
  EXPECT_NE(weights_fingerprint(dir.path()), before);
  fs::remove(dir / "s-2.safetensors");
  EXPECT_PILLAR_ERROR(weights_fingerprint(dir.path()), ErrorCategory::io, HasSubstr("s-2.safetensors"));
}

// The weights that splits on disk say they were made with.
TEST(Fingerprint, IsWhatItHasAlwaysBeen) {
  TempDir dir;
  write_index(dir.path(), {"s-2.safetensors", "s-1.safetensors"});
  write_file_atomic(dir / "s-2.safetensors", "second");
  write_file_atomic(dir / "s-1.safetensors", "first");
  EXPECT_EQ(weights_fingerprint(dir.path()),
            "957e03e392a5b9f4efceb24cdfa3dadba11bca984f69efe831f98c0895e809a7");
  write_file_atomic(dir / "model.safetensors", "weights");
  EXPECT_EQ(weights_fingerprint(dir.path()),
            "39c2875015b458ee3716b19418b350e3a2ed20b73ed1c3da5dada26e0537ef7d");
}

TEST(ModelDisplayName, IsTheFoldersOrAFilesThatSaysMore) {
  TempDir dir;
  fs::create_directories(dir / "chest v1.5");
  EXPECT_EQ(model_display_name(dir / "chest v1.5"), "chest v1.5");
  EXPECT_EQ(model_display_name(dir / "chest v1.5/"), "chest v1.5");
  EXPECT_EQ(model_display_name(dir / "chest v1.5/model.safetensors"), "chest v1.5");
  EXPECT_EQ(model_display_name(dir / "chest v1.5/epoch_7.pt"), "epoch_7");
}

class ModelFolderTest : public ::testing::Test {
 protected:
  ModelFolderTest() {
    fs::create_directories(folder);
    std::string json = format_atlas_config(test::small_config());
    json.insert(json.find('{') + 1,
                R"("preprocess": {"abdomen_ct": {"pad_value": 7, "windows": "lung,bone"}},)");
    write_file_atomic(folder / "config.json", json);
    write_file_atomic(folder / "model.safetensors", "weights");
  }
  TempDir dir;
  fs::path folder = dir / "a model";
};

TEST_F(ModelFolderTest, IsOpenedByTheFolderOrTheWeightsInIt) {
  for (const fs::path& path : {folder, folder / "model.safetensors"}) {
    const ModelFolder model = open_model_folder(path);
    EXPECT_EQ(model.path, path);
    EXPECT_EQ(model.name, "a model");
    EXPECT_THAT(model.weight_files, testing::ElementsAre(folder / "model.safetensors"));
    EXPECT_EQ(model.fingerprint(), weights_fingerprint(folder));
    const TowerConfig& tower = model.config.tower("");
    const PreprocessSpec spec = model.preprocessing(tower);
    EXPECT_EQ(spec.pad_value, 7);
    EXPECT_EQ(tower_windows(spec, tower).size(), 2u);
  }
}

TEST_F(ModelFolderTest, AWindowTooManyIsWrongUsage) {
  const ModelFolder model = open_model_folder(folder);
  PreprocessSpec spec = model.preprocessing(model.config.tower(""));
  spec.windows = "lung";
  EXPECT_PILLAR_ERROR(tower_windows(spec, model.config.tower("")), ErrorCategory::usage,
                      HasSubstr("windows lung are 1, the tower abdomen_ct takes 2"));
}

TEST_F(ModelFolderTest, APathThatIsNotThereIsNamedAsSuch) {
  EXPECT_PILLAR_ERROR(open_model_folder("/no/such/model"), ErrorCategory::io,
                      HasSubstr("/no/such/model: no such file or folder"));
}

TEST_F(ModelFolderTest, NeedsItsConfigAndItsWeights) {
  fs::remove(folder / "model.safetensors");
  EXPECT_PILLAR_ERROR(open_model_folder(folder), ErrorCategory::io, HasSubstr("holds no model.safetensors"));
  fs::remove(folder / "config.json");
  EXPECT_PILLAR_ERROR(open_model_folder(folder), ErrorCategory::input,
                      AllOf(HasSubstr("a model"), HasSubstr("no config.json in it")));
}

}  // namespace
}  // namespace pillar
