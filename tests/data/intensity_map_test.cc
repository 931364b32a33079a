#include "data/scan/intensity_map.h"

#include "pillar/core/safetensors.h"

#include "support/goldens.h"

#include <gtest/gtest.h>

namespace pillar {
namespace {

TEST(IntensityMap, IsThePublicEncoderThenThePublicDecoder) {
  PILLAR_NEEDS_GOLDEN("rave/luts.safetensors");
  const SafetensorsFile luts(test::golden("rave/luts.safetensors"));
  const at::Tensor encode = luts.tensor("hu_to_y10").to(at::kLong),
                   hu = luts.tensor("y10_to_hu").to(at::kLong),
                   grey = luts.tensor("y10_to_gray16").to(at::kLong);
  for (int value = -1024; value <= 3071; ++value) {
    const auto code = encode[value + 1024].item<std::int64_t>();
    EXPECT_EQ(rave10_of_hu()(value), hu[code].item<std::int64_t>()) << value;
    EXPECT_EQ(rave10_of_real(static_cast<float>(value)), hu[code].item<std::int64_t>()) << value;
    const int gray16 = (value + 1024) * 65535 / 4095;  // what the encoder made of it before the luma code
    EXPECT_EQ(rave10_of_grey()[static_cast<std::size_t>(gray16)], grey[code].item<std::int64_t>()) << value;
  }
}

TEST(IntensityMap, ClipsAtBothEnds) {
  EXPECT_EQ(rave10_of_hu()(-32768), rave10_of_hu()(-1024));
  EXPECT_EQ(rave10_of_hu()(32767), rave10_of_hu()(3071));
  EXPECT_EQ(rave10_of_hu()(65535), rave10_of_hu()(3071));
  EXPECT_EQ(rave10_of_real(-1e30f), rave10_of_hu()(-1024));
  EXPECT_EQ(rave10_of_real(1e30f), rave10_of_hu()(3071));
}

TEST(IntensityMap, HasTheScaleThatTheWeightsWereTrainedOn) {
  EXPECT_NEAR(rave10_of_hu()(-1024), -768, 3);
  EXPECT_NEAR(rave10_of_hu()(40), 140, 5);
}

}  // namespace
}  // namespace pillar
