#include "pillar/data/model_input.h"
#include "pillar/data/study_loader.h"
#include "pillar/image/volume_file.h"
#include "pillar/rave/sample.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <algorithm>
#include <map>
#include <set>

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr double kMarked = 700;

// Lossless scans of 12 x 40 x 40 voxels: noise, and 700 where their mask or box is. Odd studies have a mask,
// even ones a box, the last has neither.
StudyPool annotated_pool(const fs::path& folder, std::int64_t count) {
  StudyPool pool;
  pool.spec = default_preprocess_spec("ct", {8, 36, 44});  // drawn along D, cropped along H, padded along W
  pool.spec.intensity = IntensityMap::native;
  pool.spec.flip_depth = true;
  pool.spec.target_spacing_xyz_mm.reset();
  for (std::int64_t i = 0; i < count; ++i) {
    PoolStudy study = {"S" + std::to_string(i), folder / ("S" + std::to_string(i)), "made", {}};
    Volume volume;
    volume.voxels_dhw = test::random_voxels(12, 40, 40, at::kShort, -900, 600, static_cast<std::uint32_t>(i));
    const VoxelBox box = {{1 + i % 5, 3, i}, {6 + i % 5, 30, 20 + i}};
    volume.voxels_dhw.slice(0, box.first_dhw[0], box.end_dhw[0])
        .slice(1, box.first_dhw[1], box.end_dhw[1])
        .slice(2, box.first_dhw[2], box.end_dhw[2])
        .fill_(kMarked);
    SampleMetadata metadata;
    metadata.accession = study.name;
    SampleWriteOptions options;
    options.threads = 1;
    write_sample(study.path, volume, metadata, options);
    if (i % 2 == 1) {
      study.annotation.mask = folder / (study.name + "_mask.nii.gz");
      Volume mask = volume;
      mask.voxels_dhw = volume.voxels_dhw.eq(kMarked).to(at::kShort);
      write_volume_file(study.annotation.mask, mask);
    } else {
      study.annotation.boxes = {box};
    }
    if (i + 1 == count) study.annotation = {};
    pool.studies.push_back(std::move(study));
  }
  return pool;
}

StudyLoaderOptions annotated_options(std::int64_t end_step) {
  StudyLoaderOptions options;
  options.shape = {4, 2, 0, 1, false};
  options.seed = 9;
  options.end_step = end_step;
  return options;
}

std::vector<StepBatch> load_all(const StudyPool& pool, const StudyLoaderOptions& options) {
  StudyLoader loader(pool, options);
  std::vector<StepBatch> batches;
  while (auto batch = loader.next()) batches.push_back(std::move(*batch));
  return batches;
}

// Every micro-batch of a run: its mask is where its scans are marked.
void expect_masks_on_scans(const std::vector<StepBatch>& batches, std::int64_t last) {
  for (const StepBatch& batch : batches) {
    EXPECT_TRUE(batch.bad.empty()) << batch.bad.front().fault;
    for (const MicroBatch& micro : batch.micro_batches) {
      ASSERT_EQ(micro.annotated.size(), micro.studies.size());
      const bool any = std::count(micro.annotated.begin(), micro.annotated.end(), true) > 0;
      ASSERT_EQ(micro.masks_bdhw.defined(), any);
      if (!any) continue;
      ASSERT_EQ(micro.masks_bdhw.scalar_type(), at::kByte);
      for (std::size_t i = 0; i < micro.studies.size(); ++i) {
        const auto slot = static_cast<std::int64_t>(i);
        EXPECT_EQ(micro.annotated[i], micro.studies[i] != last);
        const at::Tensor marked = micro.voxels_bcdhw[slot][0].eq(kMarked).to(at::kByte);
        const at::Tensor mask = micro.masks_bdhw[slot];
        EXPECT_TRUE(at::equal(mask, micro.annotated[i] ? marked : marked.sub(marked)));
      }
    }
  }
}

TEST(AnnotatedLoader, AMaskMovesWithItsScan) {
  TempDir dir;
  const StudyPool pool = annotated_pool(dir.path(), 7);
  StudyLoaderOptions options = annotated_options(8);
  expect_masks_on_scans(load_all(pool, options), 6);
  options.cache_bytes = 1 << 30;
  expect_masks_on_scans(load_all(pool, options), 6);
  options.train = false;
  expect_masks_on_scans(load_all(pool, options), 6);
}

TEST(AnnotatedLoader, WithoutAnnotationsThereAreNoMasks) {
  TempDir dir;
  StudyPool pool = annotated_pool(dir.path(), 3);
  for (PoolStudy& study : pool.studies) study.annotation = {};
  for (const StepBatch& batch : load_all(pool, annotated_options(2))) {
    for (const MicroBatch& micro : batch.micro_batches) {
      EXPECT_FALSE(micro.masks_bdhw.defined());
      EXPECT_EQ(micro.annotated, std::vector<bool>(micro.studies.size()));
    }
  }
}

TEST(AnnotatedLoader, AMaskThatCannotBeReadIsItsStudysFault) {
  TempDir dir;
  StudyPool pool = annotated_pool(dir.path(), 4);
  fs::remove(pool.studies[1].annotation.mask);
  fs::remove_all(pool.studies[2].path);
  pool.studies[3].annotation.boxes = {{{4, 3, 3}, {9, 30, 23}}};
  StudyLoaderOptions options = annotated_options(1);
  options.train = false;
  const std::vector<StepBatch> batches = load_all(pool, options);
  ASSERT_THAT(batches[0].bad, SizeIs(2));
  EXPECT_EQ(batches[0].bad[0].name, "S1");
  EXPECT_THAT(batches[0].bad[0].fault, HasSubstr("S1_mask.nii.gz"));
  ASSERT_THAT(batches[0].micro_batches, SizeIs(2));
  EXPECT_EQ(batches[0].micro_batches[0].masks_bdhw.size(0), 1);
  const MicroBatch& moved = batches[0].micro_batches[1];  // S3, to the place of S2
  ASSERT_EQ(moved.masks_bdhw.size(0), 1);
  EXPECT_TRUE(at::equal(moved.masks_bdhw[0], moved.voxels_bcdhw[0][0].eq(kMarked).to(at::kByte)));
}

std::vector<std::int64_t> drawn_studies(const std::vector<StepBatch>& batches) {
  std::vector<std::int64_t> studies;
  for (const StepBatch& batch : batches) {
    for (const MicroBatch& micro : batch.micro_batches)
      studies.insert(studies.end(), micro.studies.begin(), micro.studies.end());
  }
  return studies;
}

TEST(AnnotatedLoader, WeightsDrawWithReplacementAndResumeAnywhere) {
  TempDir dir;
  StudyPool pool = annotated_pool(dir.path(), 5);
  pool.weights = {1, 0, 2, 0, 5};
  const std::vector<StepBatch> whole = load_all(pool, annotated_options(10));
  std::set<std::uint64_t> seeds;
  std::size_t draws = 0;
  for (const StepBatch& batch : whole) {
    for (const MicroBatch& micro : batch.micro_batches) {
      seeds.insert(micro.study_seeds.begin(), micro.study_seeds.end());
      draws += micro.studies.size();
      for (const std::int64_t study : micro.studies) EXPECT_TRUE(study % 2 == 0) << study;
    }
  }
  EXPECT_EQ(draws, 25u) << "five epochs of as many draws as there are studies";
  EXPECT_EQ(seeds.size(), draws) << "each draw is augmented in its own way";
  for (std::int64_t first = 1; first < 10; ++first) {
    StudyLoaderOptions later = annotated_options(10);
    later.first_step = first;
    const std::vector<StepBatch> rest = load_all(pool, later);
    EXPECT_EQ(drawn_studies(rest), drawn_studies({whole.begin() + first, whole.end()}));
    EXPECT_EQ(rest[0].micro_batches[0].study_seeds,
              whole[static_cast<std::size_t>(first)].micro_batches[0].study_seeds);
  }
  StudyLoaderOptions plain = annotated_options(2);
  plain.train = false;
  EXPECT_EQ(drawn_studies(load_all(pool, plain)), (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
  pool.weights = {1, 2};
  EXPECT_PILLAR_ERROR(StudyLoader(pool, annotated_options(1)), ErrorCategory::usage,
                      HasSubstr("2 weights for 5 studies"));
  pool.weights = {1, 2, -1, 0, 0};
  EXPECT_PILLAR_ERROR(StudyLoader(pool, annotated_options(1)), ErrorCategory::usage,
                      AllOf(HasSubstr("study 2"), HasSubstr("-1")));
}

TEST(AnnotatedLoader, RanksTakeDifferentPartsOfOneDraw) {
  TempDir dir;
  StudyPool pool = annotated_pool(dir.path(), 6);
  pool.weights = {1, 1, 3, 1, 1, 4};
  const std::vector<StepBatch> alone = load_all(pool, annotated_options(4));
  std::vector<StepBatch> together(4);
  for (std::int64_t rank = 0; rank < 2; ++rank) {
    StudyLoaderOptions mine = annotated_options(4);
    mine.shape.rank = rank;
    mine.shape.world = 2;
    const std::vector<StepBatch> batches = load_all(pool, mine);
    for (std::size_t step = 0; step < 4; ++step) {
      for (const MicroBatch& micro : batches[step].micro_batches)
        together[step].micro_batches.push_back(micro);
    }
  }
  EXPECT_EQ(drawn_studies(together), drawn_studies(alone));
}

}  // namespace
}  // namespace pillar
