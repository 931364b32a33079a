#include "data/loader/micro_assembly.h"

#include "support/expect_error.h"
#include "support/volumes.h"

#include <ATen/ops/equal.h>

namespace pillar {
namespace {

using ::testing::HasSubstr;

constexpr SizeDhw kSize = {2, 3, 4};

FittedInput input_of(const at::Tensor& voxels_dhw) {
  return {voxels_dhw.scalar_type(),
          [voxels_dhw](void* out) { std::memcpy(out, voxels_dhw.const_data_ptr(), voxels_dhw.nbytes()); }};
}

at::Tensor voxels(at::ScalarType dtype, std::uint32_t seed) {
  return test::random_voxels(kSize[0], kSize[1], kSize[2], dtype, 0, 30000, seed);
}

TEST(MicroAssembly, StudiesLieSideBySideWhateverTheOrderOfWriting) {
  MicroAssembly micro(3, kSize, BatchMemory::make());
  for (const std::size_t slot : {2, 0, 1}) {
    const at::Tensor study = voxels(at::kShort, static_cast<std::uint32_t>(slot));
    const void* written = micro.write(slot, input_of(study));
    EXPECT_EQ(std::memcmp(written, study.const_data_ptr(), study.nbytes()), 0);
  }
  const at::Tensor batch = micro.finish({0, 1, 2});
  ASSERT_EQ(batch.sizes(), (at::IntArrayRef{3, 1, 2, 3, 4}));
  ASSERT_EQ(batch.scalar_type(), at::kShort);
  for (std::int64_t i = 0; i < 3; ++i)
    EXPECT_TRUE(at::equal(batch[i][0], voxels(at::kShort, static_cast<std::uint32_t>(i)))) << i;
}

TEST(MicroAssembly, FailedStudiesLeaveNoGap) {
  MicroAssembly micro(4, kSize, BatchMemory::make());
  for (const std::size_t slot : {1, 3})
    micro.write(slot, input_of(voxels(at::kUInt16, static_cast<std::uint32_t>(slot))));
  const at::Tensor batch = micro.finish({1, 3});
  ASSERT_EQ(batch.size(0), 2);
  EXPECT_TRUE(batch.is_contiguous());
  EXPECT_TRUE(test::same_voxels(batch[0][0], voxels(at::kUInt16, 1)));
  EXPECT_TRUE(test::same_voxels(batch[1][0], voxels(at::kUInt16, 3)));
  EXPECT_FALSE(MicroAssembly(2, kSize, BatchMemory::make()).finish({}).defined());
}

TEST(MicroAssembly, MixedTypesBecomeFloatsWhicheverCameFirst) {
  for (const bool floats_first : {true, false}) {
    MicroAssembly micro(2, kSize, BatchMemory::make());
    const at::Tensor grey = voxels(at::kUInt16, 1), real = voxels(at::kFloat, 2);
    if (floats_first) micro.write(1, input_of(real));
    micro.write(0, input_of(grey));
    if (!floats_first) micro.write(1, input_of(real));
    const at::Tensor batch = micro.finish({0, 1});
    ASSERT_EQ(batch.scalar_type(), at::kFloat);
    EXPECT_TRUE(at::equal(batch[0][0], grey.to(at::kFloat)));
    EXPECT_TRUE(at::equal(batch[1][0], real));
  }
}

TEST(MicroAssembly, AStudyThatFailedWhileWrittenChangesNoType) {
  MicroAssembly micro(3, kSize, BatchMemory::make());
  const auto broken = [](void*) { throw Error(ErrorCategory::input, "a voxel is NaN"); };
  EXPECT_PILLAR_ERROR(micro.write(0, {at::kFloat, broken}), ErrorCategory::input, HasSubstr("NaN"));
  micro.write(1, input_of(voxels(at::kUInt16, 1)));
  micro.write(2, input_of(voxels(at::kUInt16, 2)));
  const at::Tensor batch = micro.finish({1, 2});
  ASSERT_EQ(batch.scalar_type(), at::kUInt16);
  EXPECT_TRUE(test::same_voxels(batch[1][0], voxels(at::kUInt16, 2)));
}

}  // namespace
}  // namespace pillar
