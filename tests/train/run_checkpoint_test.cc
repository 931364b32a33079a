#include "pillar/train/run_checkpoint.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <ATen/ops/full.h>
#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

NamedTensors tensors(double value) {
  return {{"a", at::full({2, 3}, value, at::kFloat)}, {"count", at::full({}, 7, at::kLong)}};
}

fs::path write(const CheckpointStore& store, std::int64_t step) {
  RunState state;
  state.step = step;
  state.identity.seed = 5;
  state.bad_in_epoch = {{"chest_ct", 2}};
  state.pools = {{"chest_ct", {3, 2, {"seen one", "seen two"}, {"left"}}}};
  return store.write(state, tensors(static_cast<double>(step)), tensors(0), {});
}

void flip_a_byte(const fs::path& file) {
  Bytes bytes = read_file(file);
  bytes[bytes.size() - 3] ^= 1;
  write_file_atomic(file, ByteView(bytes));
}

TEST(CheckpointStore, ComesBackAsItWas) {
  const test::TempDir dir;
  const CheckpointStore store(dir / "checkpoints", 3);
  write(store, 12);
  Notes damaged;
  const auto found = store.newest(damaged);
  ASSERT_TRUE(found);
  EXPECT_TRUE(damaged.empty());
  EXPECT_EQ(found->state.step, 12);
  EXPECT_EQ(found->state.identity.seed, 5u);
  EXPECT_EQ(found->state.bad_in_epoch.at("chest_ct"), 2);
  const PoolProgress& pool = found->state.pools.at("chest_ct");
  EXPECT_EQ(pool.epoch, 3);
  EXPECT_EQ(pool.position, 2);
  EXPECT_THAT(pool.seen, testing::ElementsAre("seen one", "seen two"));
  EXPECT_THAT(pool.rest, testing::ElementsAre("left"));
  EXPECT_TRUE(found->model.at("a").equal(tensors(12)[0].second));
  EXPECT_EQ(found->model.at("count").item<std::int64_t>(), 7);
  EXPECT_TRUE(found->average.empty());
}

TEST(CheckpointStore, NoneIsNone) {
  const test::TempDir dir;
  Notes damaged;
  EXPECT_FALSE(CheckpointStore(dir / "checkpoints", 3).newest(damaged));
}

TEST(CheckpointStore, KeepsTheNewestAndTheBest) {
  const test::TempDir dir;
  const CheckpointStore store(dir / "checkpoints", 2);
  for (const std::int64_t step : {1, 2, 3, 4, 5}) {
    const fs::path written = write(store, step);
    if (step == 2) store.mark_best(written);
  }
  std::vector<std::string> names;
  for (const fs::path& path : store.list()) names.push_back(path.filename().string());
  EXPECT_THAT(names, testing::ElementsAre("step-0000000005", "step-0000000004", "step-0000000002"));
  EXPECT_EQ(fs::read_symlink(dir / "checkpoints/best"), "step-0000000002");
}

TEST(CheckpointStore, PassesOverADamagedOneAndSaysSo) {
  const test::TempDir dir;
  const CheckpointStore store(dir / "checkpoints", 3);
  write(store, 1);
  const fs::path newest = write(store, 2);
  for (const char* file : {"model.safetensors", "optimizer.safetensors", "state.json"}) {
    const Bytes before = read_file(newest / file);
    flip_a_byte(newest / file);
    Notes damaged;
    EXPECT_EQ(store.newest(damaged)->state.step, 1) << file;
    ASSERT_EQ(damaged.size(), 1u);
    EXPECT_THAT(damaged[0], AllOf(HasSubstr(file), HasSubstr("checksum")));
    write_file_atomic(newest / file, ByteView(before));
  }
  fs::remove(newest / "state.json");
  Notes damaged;
  EXPECT_EQ(store.newest(damaged)->state.step, 1);
}

TEST(CheckpointStore, AllDamagedIsAnError) {
  const test::TempDir dir;
  const CheckpointStore store(dir / "checkpoints", 3);
  flip_a_byte(write(store, 1) / "model.safetensors");
  Notes damaged;
  EXPECT_PILLAR_ERROR(store.newest(damaged), ErrorCategory::input, HasSubstr("every checkpoint is damaged"));
}

TEST(CheckpointStore, SumsThatNameNothingOrLeaveTheFolderAreRefused) {
  const test::TempDir dir;
  const fs::path folder = write(CheckpointStore(dir / "checkpoints", 3), 1);
  write_file_atomic(folder / "SHA256SUMS", std::string_view(""));
  EXPECT_PILLAR_ERROR(load_run_checkpoint(folder), ErrorCategory::input, HasSubstr("model.safetensors"));
  write_file_atomic(folder / "SHA256SUMS", fmt::format("{:064}  ../../secret\n", 0));
  EXPECT_PILLAR_ERROR(load_run_checkpoint(folder), ErrorCategory::input, HasSubstr("no checksum"));
}

TEST(CheckpointStore, ClearsWhatAKilledProcessLeft) {
  const test::TempDir dir;
  fs::create_directories(dir / "checkpoints/.removed-step-0000000001");
  const CheckpointStore store(dir / "checkpoints", 3);
  EXPECT_FALSE(fs::exists(dir / "checkpoints/.removed-step-0000000001"));
}

}  // namespace
}  // namespace pillar
