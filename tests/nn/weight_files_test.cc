#include "pillar/nn/weight_files.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(WeightFiles, AFileMeansItself) {
  TempDir dir;
  write_file_atomic(dir / "epoch_7.pt", "");
  EXPECT_THAT(weight_files(dir / "epoch_7.pt"), ElementsAre(dir / "epoch_7.pt"));
  EXPECT_PILLAR_ERROR(weight_files(dir / "absent.pt"), ErrorCategory::io,
                      HasSubstr("absent.pt: no such file"));
}

TEST(WeightFiles, AFolderMeansTheModelBeforeAnythingBesideIt) {
  TempDir dir;
  EXPECT_PILLAR_ERROR(weight_files(dir.path()), ErrorCategory::io, HasSubstr("holds no model.safetensors"));
  write_file_atomic(dir / "b.ckpt", "");
  write_file_atomic(dir / ".hidden.ckpt", "");
  EXPECT_THAT(weight_files(dir.path()), ElementsAre(dir / "b.ckpt"));
  write_file_atomic(dir / "a.pth", "");
  EXPECT_PILLAR_ERROR(weight_files(dir.path()), ErrorCategory::input,
                      AllOf(HasSubstr("several other weights"), HasSubstr("a.pth, b.ckpt")));
  write_file_atomic(
      dir / "model.safetensors.index.json",
      R"({"weight_map": {"x": "s-2.safetensors", "y": "s-1.safetensors", "z": "s-2.safetensors"}})");
  EXPECT_THAT(weight_files(dir.path()), ElementsAre(dir / "s-1.safetensors", dir / "s-2.safetensors"));
  write_file_atomic(dir / "model.safetensors", "");
  EXPECT_THAT(weight_files(dir.path()), ElementsAre(dir / "model.safetensors"));
}

}  // namespace
}  // namespace pillar
