#include "pillar/data/study_loader.h"

#include "pillar/core/random.h"
#include "pillar/data/model_input.h"

#include "data/training_studies.h"
#include "device/shared/cuda_module.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <chrono>
#include <map>
#include <set>
#include <thread>

#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::int64_t kSlices = 12;
constexpr SizeDhw kSampleDhw = {8, 36, 44};  // random along D, cropped along H, padded along W
constexpr std::uint64_t kStudyBytes = 8 * 36 * 44 * 2;
constexpr std::uint64_t kVolumeBytes = kSlices * 40 * 40 * 2;

// Written once: the tests that break studies make their own.
class StudyLoaderTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir;
    pool_ = new StudyPool(test::write_pool(dir_->path(), 7, kSlices, kSampleDhw));
  }
  static void TearDownTestSuite() {
    delete pool_;
    delete dir_;
  }
  static const StudyPool& pool() { return *pool_; }

 private:
  static inline TempDir* dir_ = nullptr;
  static inline StudyPool* pool_ = nullptr;
};

StudyLoaderOptions loader_options(std::int64_t end_step, int threads = 2) {
  StudyLoaderOptions options;
  options.shape = {4, 2, 0, 1, false};  // of 7 studies: steps of 4 and 3
  options.seed = 5;
  options.end_step = end_step;
  options.threads = threads;
  return options;
}

std::vector<StepBatch> all_of(StudyLoader& loader) {
  std::vector<StepBatch> batches;
  while (auto batch = loader.next()) batches.push_back(std::move(*batch));
  return batches;
}

std::vector<StepBatch> run(const StudyPool& pool, const StudyLoaderOptions& options) {
  StudyLoader loader(pool, options);
  return all_of(loader);
}

void expect_same(const MicroBatch& a, const MicroBatch& b) {
  EXPECT_EQ(a.index, b.index);
  EXPECT_EQ(a.names, b.names);
  EXPECT_EQ(a.study_seeds, b.study_seeds);
  EXPECT_TRUE(test::same_voxels(a.voxels_bcdhw, b.voxels_bcdhw));
  EXPECT_EQ(a.studies, b.studies);
}

void expect_same(const StepBatch& a, const StepBatch& b) {
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.epoch, b.epoch);
  EXPECT_EQ(a.bad.size(), b.bad.size());
  ASSERT_EQ(a.micro_batches.size(), b.micro_batches.size());
  for (std::size_t i = 0; i < a.micro_batches.size(); ++i)
    expect_same(a.micro_batches[i], b.micro_batches[i]);
}

void expect_same(const std::vector<StepBatch>& a, const std::vector<StepBatch>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) expect_same(a[i], b[i]);
}

std::vector<std::string> names_of(const std::vector<StepBatch>& batches) {
  std::vector<std::string> names;
  for (const StepBatch& batch : batches) {
    for (const MicroBatch& micro : batch.micro_batches)
      names.insert(names.end(), micro.names.begin(), micro.names.end());
  }
  return names;
}

std::size_t index_of(const std::string& name) {
  return static_cast<std::size_t>(std::stoi(name.substr(1)));  // S3
}

at::Tensor fitted(const StudyPool& pool, std::size_t study, std::optional<double> depth_crop = std::nullopt) {
  Notes notes;
  const PoolStudy& at = pool.studies[study];
  return model_input(open_scan({at.path, at.name}, {}).read(), pool.spec, notes, depth_crop).voxels_cdhw;
}

TEST_F(StudyLoaderTest, ValidationGoesThroughThePoolInItsOrderWithCentreCrops) {
  StudyLoaderOptions plain = loader_options(2);
  plain.train = false;
  const std::vector<StepBatch> batches = run(pool(), plain);
  EXPECT_EQ(names_of(batches), (std::vector<std::string>{"S0", "S1", "S2", "S3", "S4", "S5", "S6"}));
  ASSERT_THAT(batches, SizeIs(2));
  ASSERT_THAT(batches[1].micro_batches, SizeIs(2));
  EXPECT_EQ(batches[1].micro_batches[1].index, 1);
  const at::Tensor last = batches[1].micro_batches[1].voxels_bcdhw;
  EXPECT_EQ(last.sizes(), (at::IntArrayRef{1, 1, 8, 36, 44}));
  EXPECT_EQ(last.scalar_type(), at::kShort);
  EXPECT_TRUE(at::equal(last[0], fitted(pool(), 6)));
  EXPECT_TRUE(at::equal(batches[0].micro_batches[1].voxels_bcdhw[1], fitted(pool(), 3)));
  EXPECT_THAT(batches[0].micro_batches[1].studies, ElementsAre(2, 3));
}

// Which crop of a study a batch holds: a start along D that gives the same voxels.
std::int64_t crop_start(const StudyPool& pool, const MicroBatch& micro, std::size_t slot) {
  const std::int64_t starts = kSlices - kSampleDhw[0] + 1;
  for (std::int64_t start = 0; start < starts; ++start) {
    const double middle = (static_cast<double>(start) + 0.5) / static_cast<double>(starts);
    if (at::equal(micro.voxels_bcdhw[static_cast<std::int64_t>(slot)],
                  fitted(pool, index_of(micro.names[slot]), middle)))
      return start;
  }
  return -1;
}

TEST_F(StudyLoaderTest, TrainingDrawsOrderAndCropsAnewEachEpoch) {
  const std::vector<StepBatch> batches = run(pool(), loader_options(16));  // 8 epochs
  std::map<std::string, std::set<std::int64_t>> starts;
  std::set<std::vector<std::string>> orders;
  std::set<std::uint64_t> seeds;
  for (std::size_t step = 0; step < batches.size(); ++step) {
    EXPECT_EQ(batches[step].epoch, static_cast<std::int64_t>(step / 2));
    for (const MicroBatch& micro : batches[step].micro_batches) {
      for (std::size_t slot = 0; slot < micro.names.size(); ++slot) {
        const std::int64_t start = crop_start(pool(), micro, slot);
        EXPECT_GE(start, 0);
        starts[micro.names[slot]].insert(start);
        seeds.insert(micro.study_seeds[slot]);
        EXPECT_EQ(micro.study_seeds[slot], mix_seed({5, step / 2, index_of(micro.names[slot])}));
        EXPECT_EQ(micro.studies[slot], static_cast<std::int64_t>(index_of(micro.names[slot])));
      }
    }
    if (step % 2 == 1) {
      std::vector<std::string> epoch = names_of({batches[step - 1], batches[step]});
      orders.insert(epoch);
      EXPECT_EQ(std::set(epoch.begin(), epoch.end()).size(), 7u) << "each study once";
    }
  }
  EXPECT_EQ(orders.size(), 8u);
  EXPECT_EQ(seeds.size(), 56u);
  for (const auto& [name, seen] : starts) EXPECT_GE(seen.size(), 2u) << name;
}

TEST_F(StudyLoaderTest, ThreadsMemoryAndCacheChangeNothing) {
  const std::vector<StepBatch> reference = run(pool(), loader_options(6, 1));
  expect_same(run(pool(), loader_options(6, 4)), reference);
  StudyLoaderOptions tight = loader_options(6, 3);
  tight.memory_bytes = 1;
  expect_same(run(pool(), tight), reference);
  StudyLoaderOptions cached = loader_options(6, 3);
  cached.cache_bytes = 1 << 30;
  expect_same(run(pool(), cached), reference);
  cached.cache_bytes = 3 * kVolumeBytes;
  expect_same(run(pool(), cached), reference);
}

TEST_F(StudyLoaderTest, AnotherSeedIsAnotherOrder) {
  StudyLoaderOptions other = loader_options(6);
  other.seed = 6;
  EXPECT_NE(names_of(run(pool(), other)), names_of(run(pool(), loader_options(6))));
}

TEST_F(StudyLoaderTest, BeginsInMidEpochAsIfItHadRunFromTheStart) {
  std::vector<StepBatch> whole = run(pool(), loader_options(7));
  StudyLoaderOptions later = loader_options(7);
  later.first_step = 3;
  whole.erase(whole.begin(), whole.begin() + 3);
  expect_same(run(pool(), later), whole);
  later.first_step = 7;
  EXPECT_THAT(run(pool(), later), IsEmpty());
}

TEST_F(StudyLoaderTest, RanksTogetherAreOneProcess) {
  const std::vector<StepBatch> alone = run(pool(), loader_options(4));
  for (const std::int64_t world : {2, 3}) {
    std::vector<StepBatch> together(4);
    for (std::int64_t rank = 0; rank < world; ++rank) {
      StudyLoaderOptions mine = loader_options(4);
      mine.shape.rank = rank;
      mine.shape.world = world;
      const std::vector<StepBatch> batches = run(pool(), mine);
      ASSERT_THAT(batches, SizeIs(4)) << "steps without a study of this rank come too";
      for (std::size_t step = 0; step < 4; ++step) {
        together[step].step = batches[step].step;
        together[step].epoch = batches[step].epoch;
        for (const MicroBatch& micro : batches[step].micro_batches)
          together[step].micro_batches.push_back(micro);
      }
    }
    expect_same(together, alone);
  }
}

TEST_F(StudyLoaderTest, CanBeDroppedAtAnyTime) {
  for (int taken = 0; taken < 3; ++taken) {
    StudyLoaderOptions tight = loader_options(1000, 3);
    tight.memory_bytes = 2 * kStudyBytes;
    StudyLoader loader(pool(), tight);
    for (int i = 0; i < taken; ++i) EXPECT_TRUE(loader.next());
  }
}

TEST_F(StudyLoaderTest, SaysHowLongItWasWaitedFor) {
  StudyLoader loader(pool(), loader_options(2));
  EXPECT_EQ(loader.waited_seconds(), 0);
  all_of(loader);
  EXPECT_GT(loader.waited_seconds(), 0);
  EXPECT_LT(loader.waited_seconds(), 60);
}

TEST_F(StudyLoaderTest, SizesThatMakeNoSenseAreRefused) {
  StudyLoaderOptions wrong = loader_options(2);
  wrong.threads = 0;
  EXPECT_PILLAR_ERROR(StudyLoader(pool(), wrong), ErrorCategory::usage, HasSubstr("0 threads"));
  wrong = loader_options(2);
  wrong.shape.rank = 1;
  EXPECT_PILLAR_ERROR(StudyLoader(pool(), wrong), ErrorCategory::usage, HasSubstr("rank 1"));
  wrong = loader_options(2);
  wrong.first_step = 3;
  EXPECT_PILLAR_ERROR(StudyLoader(pool(), wrong), ErrorCategory::usage, HasSubstr("steps 3 to 2"));
  StudyPool flat = pool();
  flat.spec.size_dhw[1] = 0;
  EXPECT_PILLAR_ERROR(StudyLoader(flat, loader_options(2)), ErrorCategory::usage, HasSubstr("8x0x44"));
  StudyPool empty = pool();
  empty.studies.clear();
  EXPECT_PILLAR_ERROR(StudyLoader(empty, loader_options(2)), ErrorCategory::usage, HasSubstr("no studies"));
}

TEST_F(StudyLoaderTest, PageLockedBatchesNeedADevice) {
  StudyLoaderOptions pinned = loader_options(2);
  pinned.pin = true;
  if (!cuda_available()) {
    EXPECT_PILLAR_ERROR(StudyLoader(pool(), pinned), ErrorCategory::usage, HasSubstr("CUDA"));
    return;
  }
  const std::vector<StepBatch> batches = run(pool(), pinned);
  EXPECT_TRUE(batches[0].micro_batches[0].voxels_bcdhw.is_pinned());
  expect_same(batches, run(pool(), loader_options(2)));
}

TEST(StudyLoader, AStudyThatBreaksShrinksItsMicroBatch) {
  TempDir dir;
  StudyPool pool = test::write_pool(dir.path(), 6, kSlices, kSampleDhw);
  test::corrupt(pool.studies[2].path);
  fs::remove_all(pool.studies[4].path);
  fs::remove_all(pool.studies[5].path);
  StudyLoaderOptions plain = loader_options(4);
  plain.train = false;
  const std::vector<StepBatch> batches = run(pool, plain);
  ASSERT_THAT(batches, SizeIs(4));
  ASSERT_THAT(batches[0].micro_batches, SizeIs(2));
  EXPECT_THAT(batches[0].micro_batches[1].names, ElementsAre("S3"));
  EXPECT_TRUE(at::equal(batches[0].micro_batches[1].voxels_bcdhw[0], fitted(pool, 3)));
  EXPECT_THAT(batches[0].micro_batches[1].studies, ElementsAre(3));
  ASSERT_THAT(batches[0].bad, SizeIs(1));
  EXPECT_EQ(batches[0].bad[0].name, "S2");
  EXPECT_EQ(batches[0].bad[0].path, (dir / "S2").string());
  EXPECT_THAT(batches[0].bad[0].fault, AllOf(HasSubstr("S2"), ::testing::Not(HasSubstr("\n"))));
  EXPECT_THAT(batches[1].micro_batches, IsEmpty()) << "both of its studies are gone";
  ASSERT_THAT(batches[1].bad, SizeIs(2));
  EXPECT_THAT(batches[1].bad[1].fault, AllOf(HasSubstr("S5"), HasSubstr("no such file")));
  EXPECT_THAT(batches[2].bad, SizeIs(1)) << "and again in the next epoch";
}

// Studies that are gone when they would be loaded tell how far ahead the loader was.
TEST(StudyLoader, TheMemoryBoundHoldsItBack) {
  TempDir dir;
  StudyPool pool = test::write_pool(dir.path(), 12, kSlices, kSampleDhw);
  StudyLoaderOptions bounded = loader_options(3, 2);
  bounded.memory_bytes = 2 * kStudyBytes;
  StudyLoader loader(pool, bounded);
  EXPECT_TRUE(loader.next());
  std::this_thread::sleep_for(200ms);
  for (const PoolStudy& study : pool.studies) fs::remove_all(study.path);
  EXPECT_LE(names_of(all_of(loader)).size(), 4u) << "of 8: two loaded, and one that each thread had opened";
}

// As above: what is gone and comes all the same was in the cache.
std::size_t kept_for_the_second_epoch(bool train, std::uint64_t cache_bytes) {
  TempDir dir;
  StudyPool pool = test::write_pool(dir.path(), 8, kSlices, kSampleDhw);
  StudyLoaderOptions cached = loader_options(4, 1);
  cached.train = train;
  cached.memory_bytes = 1;  // one study at a time
  cached.cache_bytes = cache_bytes;
  StudyLoader loader(pool, cached);
  for (int step = 0; step < 2; ++step) EXPECT_TRUE(loader.next());
  for (const PoolStudy& study : pool.studies) fs::remove_all(study.path);
  const std::vector<StepBatch> second = all_of(loader);
  for (const StepBatch& batch : second) EXPECT_EQ(batch.epoch, 1);
  return names_of(second).size();
}

TEST(StudyLoader, ASecondEpochDecodesNothingThatIsKept) {
  EXPECT_EQ(kept_for_the_second_epoch(true, 8 * kVolumeBytes), 8u);
  EXPECT_EQ(kept_for_the_second_epoch(false, 8 * kStudyBytes), 8u);
  const std::size_t whole = kept_for_the_second_epoch(true, 5 * kVolumeBytes + kVolumeBytes - 1);
  EXPECT_GE(whole, 5u);
  EXPECT_LE(whole, 7u) << "and two that were opened in time";
  const std::size_t fitted_only = kept_for_the_second_epoch(false, 3 * kStudyBytes + kStudyBytes - 1);
  EXPECT_GE(fitted_only, 3u);
  EXPECT_LE(fitted_only, 5u);
}

TEST(StudyLoader, MixedTypesBecomeFloats) {
  TempDir dir;
  StudyPool pool = test::write_pool(dir.path(), 2, kSlices, kSampleDhw);
  pool.spec = default_preprocess_spec("breast_mr", {8, 40, 40});
  pool.spec.target_spacing_xyz_mm.reset();
  for (std::size_t i = 0; i < 2; ++i) {  // the first has to be padded with -1
    Volume volume = test::smooth_volume(i == 0 ? 6 : 8, 40, 40);
    volume.modality = Modality::mr;
    volume.voxels_dhw = test::random_voxels(i == 0 ? 6 : 8, 40, 40, at::kUInt16, 0, 65535);
    SampleMetadata metadata;
    metadata.accession = pool.studies[i].name;
    metadata.modality = Modality::mr;
    fs::remove_all(pool.studies[i].path);
    write_sample(pool.studies[i].path, volume, metadata, {});
  }
  ASSERT_EQ(fitted(pool, 0).scalar_type(), at::kFloat);
  ASSERT_EQ(fitted(pool, 1).scalar_type(), at::kUInt16);
  StudyLoaderOptions plain = loader_options(1);
  plain.train = false;
  const at::Tensor voxels = run(pool, plain)[0].micro_batches[0].voxels_bcdhw;
  ASSERT_EQ(voxels.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::equal(voxels[0], fitted(pool, 0)));
  EXPECT_TRUE(at::equal(voxels[1], fitted(pool, 1).to(at::kFloat)));
}

// A disk that does not answer: whoever opens a pipe waits until somebody writes to it.
TEST(StudyLoader, AStudyThatIsNeverReadIsNamed) {
  TempDir dir;
  const StudyPool pool = test::write_pool(dir.path(), 3, kSlices, kSampleDhw);
  const fs::path video = dir / "S1" / "volume.mp4";
  fs::remove(video);
  ASSERT_EQ(::mkfifo(video.c_str(), 0600), 0);
  {
    StudyLoaderOptions options = loader_options(1);
    options.patience = 300ms;
    StudyLoader loader(pool, options);
    EXPECT_PILLAR_ERROR(loader.next(), ErrorCategory::io,
                        AllOf(HasSubstr("S1: "), HasSubstr("not read after 0.005 minutes")));
  }
  const int writer = ::open(video.c_str(), O_WRONLY | O_NONBLOCK);  // lets the thread go on
  if (writer >= 0) ::close(writer);
}

TEST(StudyLoader, NotesAreGivenOnceAKind) {
  TempDir dir;
  StudyPool pool = test::write_pool(dir.path(), 5, kSlices, kSampleDhw);
  pool.spec.target_spacing_xyz_mm = {1, 1, 1};
  StudyLoader loader(pool, loader_options(4));
  const std::string first = loader.next()->micro_batches[0].names[0];
  all_of(loader);
  const std::vector<NoteKind> notes = loader.notes();
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_THAT(to_text(notes[0]),
              AllOf(HasSubstr(first + ": voxels of 0.75x0.8x2.5 mm"), HasSubstr("4 more studies")));
}

}  // namespace
}  // namespace pillar
