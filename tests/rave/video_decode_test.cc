#include "pillar/core/sha256.h"
#include "pillar/rave/hu_map.h"
#include "pillar/rave/video.h"

#include "support/expect_error.h"
#include "support/goldens.h"

#include <chrono>
#include <fstream>

#include <ATen/Functions.h>

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kPublished = "rave/published_chest/volume.mp4";

std::string sha256_of(const at::Tensor& tensor) {
  return sha256_hex({static_cast<const std::uint8_t*>(tensor.data_ptr()), tensor.nbytes()});
}

TEST(DecodeVideo, PublishedSampleIsReadExactly) {
  PILLAR_NEEDS_GOLDEN(kPublished);
  MappedFile file(test::golden(kPublished));
  at::Tensor codes = decode_video(file.bytes(), "volume.mp4", SliceRange{}, 2);
  EXPECT_EQ(codes.sizes(), (at::IntArrayRef{254, 384, 384}));
  EXPECT_EQ(codes.scalar_type(), at::kUInt16);
  EXPECT_EQ(sha256_of(codes), "9cefe52c9690f9e1d6e1f0dcaeb932ea156beaa9241ce1d9beae7925683a7bd8");
  auto t0 = std::chrono::steady_clock::now();
  at::Tensor hu = decode_video(file.bytes(), "volume.mp4", y10_to_hu_table(), SliceRange{}, 2);
  fprintf(stderr, "%f s\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - t0).count());
  EXPECT_EQ(hu.scalar_type(), at::kShort);
  EXPECT_EQ(sha256_of(hu), "6c77a2f3f1772cd4818a199071aba8d4c4ccfadf39262a8aca4b7443abc8c5d3");
  std::ifstream st("/proc/self/status");
  std::string l;
  while (std::getline(st, l))
    if (l.find("VmHWM") == 0) std::cerr << l << "\n";
}

}  // namespace
}  // namespace pillar
