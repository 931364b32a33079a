#include "pillar/model/image_windows.h"

#include "pillar/windows/windowed_volume.h"

#include "support/expect_error.h"

#include <ATen/ops/arange.h>

namespace pillar {
namespace {

at::Tensor voxels(std::int64_t batch) {
  return at::arange(batch * 4 * 4 * 4).view({batch, 1, 4, 4, 4}).to(at::kShort);
}

TEST(WindowedImage, IsWhatTheVolumeGives) {
  const std::vector<Window> windows = parse_windows("default,minmax", WindowFamily::ct);
  at::Tensor buffer;
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const at::Tensor image = windowed_image(voxels(3), windows, at::kCPU, dtype, buffer);
    EXPECT_TRUE(image.equal(WindowedVolume(voxels(3), windows).all_bcdhw(dtype)));
  }
}

TEST(WindowedImage, KeepsItsMemoryForWhatFits) {
  const std::vector<Window> windows = parse_windows("default", WindowFamily::ct);
  at::Tensor buffer;
  const void* first = windowed_image(voxels(3), windows, at::kCPU, at::kFloat, buffer).const_data_ptr();
  const at::Tensor smaller = windowed_image(voxels(2), windows, at::kCPU, at::kFloat, buffer);
  EXPECT_EQ(smaller.const_data_ptr(), first);
  EXPECT_TRUE(smaller.equal(WindowedVolume(voxels(2), windows).all_bcdhw(at::kFloat)));
  const at::Tensor larger = windowed_image(voxels(5), windows, at::kCPU, at::kFloat, buffer);
  EXPECT_TRUE(larger.equal(WindowedVolume(voxels(5), windows).all_bcdhw(at::kFloat)));
}

TEST(WindowedImage, OtherTypesAreAnError) {
  at::Tensor buffer;
  EXPECT_PILLAR_ERROR(windowed_image(voxels(1).to(at::kLong), parse_windows("lung", WindowFamily::ct),
                                     at::kCPU, at::kFloat, buffer),
                      ErrorCategory::input, testing::HasSubstr("Long"));
}

}  // namespace
}  // namespace pillar
