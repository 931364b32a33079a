#include "pillar/windows/windowed_volume.h"

#include "support/expect_error.h"
#include "support/volumes.h"

#include <cmath>
#include <limits>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace pillar {
namespace {

using ::testing::HasSubstr;

constexpr std::array kOutputs = {at::kFloat, at::kBFloat16, at::kHalf};

at::Tensor batch_of(at::ScalarType dtype, std::int64_t channels = 1) {
  const double low = dtype == at::kUInt16 ? 0 : -1500, high = 3500;
  return test::random_voxels(2 * channels * 5, 23, 31, dtype, low, high, 4).reshape({2, channels, 5, 23, 31});
}

// The definition, in double.
at::Tensor plain(const at::Tensor& channel, const Window& window) {
  const at::Tensor x = channel.to(at::kDouble);
  if (window.kind == WindowKind::level)
    return ((x - (window.centre - window.width / 2)) / window.width).clamp(0, 1);
  if (window.kind == WindowKind::minmax) return (x - x.min()) / (x.max() - x.min() + 1e-8);
  if (window.kind == WindowKind::percentile) {
    const at::Tensor low = at::quantile(x.flatten(), window.lower_percent / 100);
    const at::Tensor high = at::quantile(x.flatten(), window.upper_percent / 100);
    return ((x - low) / (high - low + 1e-8)).clamp(0, 1);
  }
  const double sd = x.std().item<double>();
  return (((x - x.mean()) / (sd < 1e-8 ? 1 : sd) + 3) / 6).clamp(0, 1);
}

TEST(WindowedVolume, EveryKindOnEveryTypeAndChannel) {
  for (const WindowFamily family : {WindowFamily::ct, WindowFamily::mr, WindowFamily::xray}) {
    const std::vector<Window> windows = parse_windows("all,own:100.5,333", family);
    const auto count = static_cast<std::int64_t>(windows.size());
    for (const at::ScalarType dtype : {at::kShort, at::kUInt16, at::kFloat}) {
      const at::Tensor voxels = batch_of(dtype, 2);
      const WindowedVolume volume(voxels, windows);
      EXPECT_EQ(volume.batch(), 2);
      EXPECT_EQ(volume.channels(), 2 * count);
      const at::Tensor all = volume.all_bcdhw(at::kFloat);
      for (int b = 0; b < 2; ++b) {
        for (std::int64_t c = 0; c < volume.channels(); ++c) {
          const at::Tensor expected = plain(voxels[b][c / count], windows[c % count]);
          EXPECT_LE((all[b][c].to(at::kDouble) - expected).abs().max().item<double>(), 1e-6)
              << windows[c % count].name << " of " << c10::toString(dtype);
        }
      }
    }
  }
}

TEST(WindowedVolume, SmallTypesAreTheRoundedFloats) {
  const WindowedVolume volume(batch_of(at::kShort), parse_windows("all", WindowFamily::ct));
  const at::Tensor exact = volume.all_bcdhw(at::kFloat);
  for (const at::ScalarType dtype : kOutputs)
    EXPECT_TRUE(test::same_voxels(volume.all_bcdhw(dtype), exact.to(dtype)));
}

TEST(WindowedVolume, SlabsAreAllChannelsLast) {
  for (const at::ScalarType voxel : {at::kShort, at::kUInt16, at::kFloat}) {
    for (const char* list : {"lung", "all", "all,a:1,2,b:2,3,c:3,4,d:4,5,e:5,6,f:6,700"}) {
      for (const std::int64_t inputs : {1, 3}) {
        const WindowedVolume volume(batch_of(voxel, inputs), parse_windows(list, WindowFamily::ct));
        for (const at::ScalarType dtype : kOutputs) {
          const at::Tensor all = volume.all_bcdhw(dtype);
          for (const auto& [first, last] :
               {std::pair{0, 5}, std::pair{0, 1}, std::pair{2, 4}, std::pair{4, 5}}) {
            const at::Tensor slab = volume.slab_dhwc(1, first, last, dtype);
            const at::Tensor expected =
                all[1].narrow(1, first, last - first).permute({1, 2, 3, 0}).contiguous();
            ASSERT_TRUE(test::same_voxels(slab, expected)) << list << " " << inputs << " " << first;
          }
        }
      }
    }
  }
}

TEST(WindowedVolume, SameBitsForAnyNumberOfThreads) {
  const at::Tensor voxels =
      test::random_voxels(9, 130, 129, at::kFloat, -900, 2000, 3).reshape({1, 1, 9, 130, 129});
  const std::vector<Window> windows = parse_windows("all", WindowFamily::mr);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const WindowedVolume one(voxels, windows);
  const at::Tensor all = one.all_bcdhw(at::kBFloat16), slab = one.slab_dhwc(0, 1, 8, at::kHalf);
  at::set_num_threads(3);
  const WindowedVolume three(voxels, windows);
  EXPECT_TRUE(test::same_voxels(three.all_bcdhw(at::kBFloat16), all));
  EXPECT_TRUE(test::same_voxels(three.slab_dhwc(0, 1, 8, at::kHalf), slab));
  at::set_num_threads(threads);
}

// Outputs above 32 MB take the road past the caches, to planes that are aligned and to planes that are not.
TEST(WindowedVolume, LargeOutputsAreTheSame) {
  for (const std::int64_t width : {203, 208}) {
    const at::Tensor voxels =
        test::random_voxels(65, 200, width, at::kShort, -1024, 3071, 9).reshape({1, 1, 65, 200, width});
    const WindowedVolume volume(voxels, parse_windows("all", WindowFamily::ct));
    for (const at::ScalarType dtype : kOutputs) {
      const at::Tensor all = volume.all_bcdhw(dtype);
      ASSERT_GT(all.nbytes(), 32u << 20);
      const at::Tensor slab = volume.slab_dhwc(0, 0, 65, dtype);
      EXPECT_TRUE(test::same_voxels(all[0], slab.permute({3, 0, 1, 2}).contiguous())) << width;
    }
  }
}

TEST(WindowedVolume, WritesIntoATensorThatIsThere) {
  const WindowedVolume volume(batch_of(at::kShort), parse_windows("default", WindowFamily::ct));
  at::Tensor out = at::full({2, 3, 5, 23, 31}, 9, at::kHalf);
  volume.write_all_bcdhw(out);
  EXPECT_TRUE(test::same_voxels(out, volume.all_bcdhw(at::kHalf)));
  at::Tensor short_one = at::empty({2, 3, 5, 23, 30}, at::kHalf),
             wrong_type = at::empty({2, 3, 5, 23, 31}, at::kDouble);
  at::Tensor strided = at::empty({2, 3, 5, 31, 23}, at::kHalf).transpose(3, 4), nothing;
  EXPECT_PILLAR_ERROR(volume.write_all_bcdhw(short_one), ErrorCategory::usage,
                      HasSubstr("(2, 3, 5, 23, 31)"));
  EXPECT_PILLAR_ERROR(volume.write_all_bcdhw(strided), ErrorCategory::usage, HasSubstr("contiguous"));
  EXPECT_PILLAR_ERROR(volume.write_all_bcdhw(nothing), ErrorCategory::usage, HasSubstr("contiguous"));
  EXPECT_PILLAR_ERROR(volume.write_all_bcdhw(wrong_type), ErrorCategory::usage, HasSubstr("Double"));
}

TEST(WindowedVolume, ConstantVolume) {
  for (const at::ScalarType dtype : {at::kShort, at::kUInt16, at::kFloat}) {
    const at::Tensor voxels = at::full({1, 1, 3, 4, 5}, 100, dtype);
    const at::Tensor mr =
        WindowedVolume(voxels, parse_windows("all", WindowFamily::mr)).all_bcdhw(at::kFloat);
    EXPECT_TRUE(at::equal(mr[0][0], at::zeros({3, 4, 5})));  // percentiles: no range
    EXPECT_TRUE(at::equal(mr[0][1], at::zeros({3, 4, 5})));  // minmax
    EXPECT_TRUE(
        at::allclose(mr[0][2], at::full({3, 4, 5}, 0.5)));  // the mean, with a standard deviation of 1
  }
}

TEST(WindowedVolume, RangesSayWhatIsShown) {
  const at::Tensor voxels = at::arange(101, at::kShort).reshape({1, 1, 1, 1, 101});
  const WindowedVolume volume(voxels, parse_windows("high_contrast,minmax,own:-50,20", WindowFamily::mr));
  EXPECT_DOUBLE_EQ(volume.range(0, 0).low, 20);
  EXPECT_NEAR(volume.range(0, 0).width, 79, 1e-7);
  EXPECT_EQ(volume.range(0, 1).low, 0);
  EXPECT_NEAR(volume.range(0, 1).width, 100, 1e-7);
  EXPECT_EQ(volume.range(0, 2).low, -60);
  EXPECT_EQ(volume.range(0, 2).width, 20);
  EXPECT_PILLAR_ERROR(volume.range(0, 3), ErrorCategory::usage, HasSubstr("no channel 3"));
  EXPECT_PILLAR_ERROR(volume.range(1, 0), ErrorCategory::usage, HasSubstr("sample 1"));
}

TEST(WindowedVolume, StridedVoxelsAreTaken) {
  const at::Tensor turned = batch_of(at::kShort).transpose(3, 4);
  const std::vector<Window> windows = parse_windows("all", WindowFamily::ct);
  EXPECT_TRUE(test::same_voxels(WindowedVolume(turned, windows).all_bcdhw(at::kFloat),
                                WindowedVolume(turned.contiguous(), windows).all_bcdhw(at::kFloat)));
}

TEST(WindowedVolume, NotFiniteVoxelsAreRefused) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    at::Tensor voxels = batch_of(at::kFloat);
    voxels[1][0][4][22][30] = bad;
    for (const char* list : {"lung", "all"}) {
      EXPECT_PILLAR_ERROR(WindowedVolume(voxels, parse_windows(list, WindowFamily::ct)), ErrorCategory::input,
                          HasSubstr(fmt::format("{}", bad)));
    }
  }
  at::Tensor huge = batch_of(at::kFloat);
  huge[0][0][0][0][0] = std::numeric_limits<float>::max();
  huge[0][0][0][0][1] = std::numeric_limits<float>::lowest();
  EXPECT_PILLAR_ERROR(WindowedVolume(huge, parse_windows("minmax", WindowFamily::ct)), ErrorCategory::input,
                      HasSubstr("more than a float"));
}

TEST(WindowedVolume, WrongVoxelsAreRefused) {
  const std::vector<Window> windows = parse_windows("lung", WindowFamily::ct);
  EXPECT_PILLAR_ERROR(WindowedVolume(at::Tensor(), windows), ErrorCategory::input, HasSubstr("nothing"));
  EXPECT_PILLAR_ERROR(WindowedVolume(at::zeros({2, 3, 4}, at::kShort), windows), ErrorCategory::input,
                      HasSubstr("(2, 3, 4)"));
  EXPECT_PILLAR_ERROR(WindowedVolume(at::zeros({1, 1, 0, 4, 4}, at::kShort), windows), ErrorCategory::input,
                      HasSubstr("0, 4, 4"));
  for (const at::ScalarType dtype : {at::kByte, at::kInt, at::kDouble, at::kBool, at::kHalf}) {
    EXPECT_PILLAR_ERROR(WindowedVolume(at::zeros({1, 1, 2, 2, 2}, dtype), windows), ErrorCategory::input,
                        HasSubstr(c10::toString(dtype)));
  }
}

TEST(WindowedVolume, WrongWindowsAreRefused) {
  const at::Tensor voxels = batch_of(at::kShort);
  EXPECT_PILLAR_ERROR(WindowedVolume(voxels, {}), ErrorCategory::usage, HasSubstr("at least one"));
  EXPECT_PILLAR_ERROR(WindowedVolume(voxels, {{"x", WindowKind::level, 0, -1}}), ErrorCategory::usage,
                      HasSubstr("'x'"));
  EXPECT_PILLAR_ERROR(WindowedVolume(voxels, {{"x", WindowKind::level, NAN, 1}}), ErrorCategory::usage,
                      HasSubstr("'x'"));
  for (const auto& [lower, upper] : {std::pair{50, 50}, std::pair{-1, 50}, std::pair{50, 101}}) {
    const Window window = {"p", WindowKind::percentile,     0,
                           1,   static_cast<double>(lower), static_cast<double>(upper)};
    EXPECT_PILLAR_ERROR(WindowedVolume(voxels, {window}), ErrorCategory::usage, HasSubstr("ascend"));
  }
}

TEST(WindowedVolume, WrongSlabsAreRefused) {
  const WindowedVolume volume(batch_of(at::kShort), parse_windows("lung", WindowFamily::ct));
  for (const auto& [first, last] : {std::pair{0, 0}, std::pair{3, 2}, std::pair{-1, 2}, std::pair{4, 6}}) {
    EXPECT_PILLAR_ERROR(volume.slab_dhwc(0, first, last, at::kFloat), ErrorCategory::usage,
                        HasSubstr("5 slices"));
  }
  EXPECT_PILLAR_ERROR(volume.slab_dhwc(2, 0, 1, at::kFloat), ErrorCategory::usage, HasSubstr("sample 2"));
  EXPECT_PILLAR_ERROR(volume.slab_dhwc(0, 0, 1, at::kDouble), ErrorCategory::usage, HasSubstr("Double"));
  EXPECT_PILLAR_ERROR(volume.all_bcdhw(at::kShort), ErrorCategory::usage, HasSubstr("Short"));
}

}  // namespace
}  // namespace pillar
