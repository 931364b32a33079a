#include "pillar/windows/value_check.h"

#include "pillar/core/fail.h"

#include "windows/statistics.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace pillar {
namespace {

struct Span {
  float low, high;
};

constexpr float kBelowLiftedAir = -850;
constexpr Span kLiftedAir = {-800, -740};
constexpr Span kOffsetAir = {0, 24};
constexpr Span kOffsetTissue = {824, 1224};
constexpr Span kTissue = {-200, 300};
constexpr float kDensest = 3100;      // HU, but for metal
constexpr float kEmptiest = -4000;    // what scanners fill the corners with is above
constexpr double kLeastRange = 20;    // a scan of water alone has more noise than that
constexpr double kAirShare = 0.2;     // of the voxels, where they lie at 0 as air alone does
constexpr double kAirSpread = 0.015;  // of the largest value: the noise of air, where air is at 0
constexpr std::int64_t kJudgedVoxels = 1 << 20;

// Parts of all voxels, 0 to 1.
struct Shares {
  double below_lifted_air = 0, lifted_air = 0, offset_air = 0, offset_tissue = 0, tissue = 0, too_dense = 0,
         emptier = 0, at_zero = 0;
};

// Of every so manieth voxel; an odd step does not stay in one column.
template <typename Voxel>
Shares shares_of(const Voxel* voxels, std::int64_t total, Span at_zero) {
  const std::int64_t step = total <= kJudgedVoxels ? 1 : (total / kJudgedVoxels) | 1;
  const std::int64_t count = (total + step - 1) / step;
  std::array<std::int64_t, 8> n = {};
  const auto within = [](float value, Span span) { return value >= span.low && value <= span.high ? 1 : 0; };
  for (std::int64_t i = 0; i < total; i += step) {
    const auto value = static_cast<float>(voxels[i]);
    n[0] += value < kBelowLiftedAir ? 1 : 0;
    n[1] += within(value, kLiftedAir);
    n[2] += within(value, kOffsetAir);
    n[3] += within(value, kOffsetTissue);
    n[4] += within(value, kTissue);
    n[5] += value > kDensest ? 1 : 0;
    n[6] += value < kEmptiest ? 1 : 0;
    n[7] += within(value, at_zero);
  }
  const auto share = [&](int i) { return static_cast<double>(n[i]) / static_cast<double>(count); };
  return {share(0), share(1), share(2), share(3), share(4), share(5), share(6), share(7)};
}

Shares shares_of(const at::Tensor& voxels, double max) {
  const Span at_zero = {0, std::max(kOffsetAir.high, static_cast<float>(kAirSpread * max))};
  const void* data = voxels.const_data_ptr();
  if (voxels.scalar_type() == at::kShort)
    return shares_of(static_cast<const std::int16_t*>(data), voxels.numel(), at_zero);
  if (voxels.scalar_type() == at::kUInt16)
    return shares_of(static_cast<const std::uint16_t*>(data), voxels.numel(), at_zero);
  return shares_of(static_cast<const float*>(data), voxels.numel(), at_zero);
}

// "All are from 0 up, and 40 % are air at 0": the scale begins where HU has water.
bool has_air_at_zero(double min, const Shares& shares) {
  return min >= 0 && shares.at_zero > kAirShare;
}

ValueCheck judge_ct(double min, double max, const Shares& shares) {
  if (min >= 0 && shares.offset_air > 0.02 && shares.offset_tissue > 0.02) {
    return {ValueLook::offset_1024, /*warning=*/true, /*impossible=*/true, /*may_be_offset=*/true,
            fmt::format(
                "Not HU but HU + 1024: no value is below 0, {:.0f} % lie within 0 to 24 (air) and {:.0f} % "
                "within 824 to 1224 (soft tissue). Air should be near -1000; every window is off by 1024.",
                100 * shares.offset_air, 100 * shares.offset_tissue)};
  }
  if (shares.lifted_air > 0.01 && shares.below_lifted_air < 0.001) {
    return {
        ValueLook::lifted_air, /*warning=*/false, /*impossible=*/false, /*may_be_offset=*/false,
        fmt::format(
            "Air lies near -768 ({:.0f} % within -800 to -740, nothing to speak of below): the scale of the "
            "published 10-bit stream (rave10). Expected; the released weights were trained on it.",
            100 * shares.lifted_air)};
  }
  const bool impossible = max - min < kLeastRange || has_air_at_zero(min, shares);
  const auto foreign = [&](const std::string& why) {
    return ValueCheck{ValueLook::foreign, /*warning=*/true, impossible, /*may_be_offset=*/min >= 0,
                      fmt::format("These {} HU: values from {:g} to {:g}, {}.",
                                  impossible ? "cannot be" : "do not look like", min, max, why)};
  };
  if (max - min < kLeastRange) return foreign(fmt::format("a range of less than {:g}", kLeastRange));
  if (has_air_at_zero(min, shares)) {
    return foreign(
        fmt::format("none below 0, and {:.0f} % at 0 or little above, where air should be near -1000",
                    100 * shares.at_zero));
  }
  if (min >= 0) return foreign("none below 0, where air should be near -1000");
  if (max - min < 50) return foreign("hardly any contrast");
  if (shares.too_dense > 0.1) {
    return foreign(fmt::format("{:.0f} % above {:g}, denser than bone", 100 * shares.too_dense, kDensest));
  }
  if (shares.emptier > 0.1) {
    return foreign(fmt::format("{:.0f} % below {:g}, emptier than air", 100 * shares.emptier, kEmptiest));
  }
  if (shares.tissue < 0.01) return foreign("hardly any within -200 to 300, where soft tissue is");
  return {ValueLook::hounsfield, /*warning=*/false, /*impossible=*/false, /*may_be_offset=*/false,
          fmt::format("Values from {:g} to {:g} look like HU.", min, max)};
}

}  // namespace

ValueCheck check_values(const at::Tensor& voxels, WindowFamily family) {
  if (!voxels.defined() || voxels.numel() == 0) fail(ErrorCategory::input, "no voxels to judge");
  at::Tensor values = voxels.contiguous();
  for (const at::ScalarType other : {at::kByte, at::kChar, at::kInt, at::kDouble}) {
    if (voxels.scalar_type() == other) values = values.to(at::kFloat);
  }
  const windows::Statistics found =
      windows::statistics(values, {.extremes = true, .moments = false, .percents = {}}, 1);
  if (found.min == found.max) {
    return {ValueLook::constant, /*warning=*/true, /*impossible=*/family == WindowFamily::ct,
            /*may_be_offset=*/false,
            fmt::format("Every voxel has the value {:g}: there is nothing to see.", found.min)};
  }
  if (family != WindowFamily::ct) {
    return {ValueLook::signal, /*warning=*/false, /*impossible=*/false, /*may_be_offset=*/false,
            fmt::format("Signal from {:g} to {:g}, no unit.", found.min, found.max)};
  }
  return judge_ct(found.min, found.max, shares_of(values, found.max));
}

ValuePolicy parse_value_policy(std::string_view text) {
  if (text == "refuse") return ValuePolicy::refuse;
  if (text == "warn") return ValuePolicy::only_say;
  fail(ErrorCategory::usage, "unknown check of values '{}'; refuse or warn", text);
}

void judge_values(const at::Tensor& voxels, WindowFamily family, ValuePolicy policy, std::string_view source,
                  Notes& notes) {
  const ValueCheck check = check_values(voxels, family);
  if (!check.warning) return;
  constexpr const char* kTakesOff = "pillar-rave encode --set intensity.offset=-1024 takes it off";
  const bool is_offset = check.look == ValueLook::offset_1024;
  const bool refused =
      check.impossible && policy != ValuePolicy::only_say && !(is_offset && policy == ValuePolicy::lenient);
  if (refused) {
    fail(ErrorCategory::input, "{}: {} {}", source, check.message,
         is_offset
             ? kTakesOff
             : "pillar-rave encode --set intensity.slope=A --set intensity.offset=B takes A x value + B "
               "for HU, --set intensity.check=warn takes them as they are, --mask if they are labels");
  }
  if (is_offset)
    notes.add(fmt::format("{} {}", check.message, kTakesOff));
  else if (check.may_be_offset)
    notes.add(fmt::format("{} If 1024 was added to HU, {}", check.message, kTakesOff));
  else
    notes.add(check.message);
}

}  // namespace pillar
