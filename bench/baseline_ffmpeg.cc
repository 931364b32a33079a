#include "pillar/core/error.h"
#include "pillar/rave/video.h"

#include "baselines.h"

#include <cmath>
#include <cstring>

#include <fmt/format.h>

namespace pillar::bench {

Measurement ffmpeg_decode(const std::filesystem::path& video, int threads) {
  Measurement m;
  const double begin = now_seconds();
  std::string raw;
  m.child_rss_mb = run_program({"ffmpeg", "-v", "error", "-threads", std::to_string(threads), "-i",
                                video.string(), "-f", "rawvideo", "-pix_fmt", "gray16le", "pipe:1"},
                               "", &raw);
  const std::size_t count = raw.size() / 2;
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint16_t gray = 0;
    std::memcpy(&gray, raw.data() + 2 * i, 2);
    values[i] = static_cast<float>(gray) / 65535.0f * 4095.0f - 1024.0f;
  }
  std::vector<std::int16_t> hu(count);
  for (std::size_t i = 0; i < count; ++i) hu[i] = static_cast<std::int16_t>(values[i]);
  m.seconds = now_seconds() - begin;
  m.figures = {{"voxels", static_cast<double>(hu.size())}, {"last_hu", hu.empty() ? 0.0 : hu.back()}};
  return m;
}

Measurement ffmpeg_encode(const Volume& volume, const std::filesystem::path& target, int threads) {
  const SizeDhw size = size_dhw(volume.voxels_dhw);
  const std::int16_t* hu = volume.voxels_dhw.const_data_ptr<std::int16_t>();
  const auto count = static_cast<std::size_t>(volume.voxels_dhw.numel());
  Measurement m;
  const double begin = now_seconds();
  std::string raw(count * 2, '\0');
  for (std::size_t i = 0; i < count; ++i) {
    const float clipped = std::min(3071.0f, std::max(-1024.0f, static_cast<float>(hu[i])));
    const auto gray = static_cast<std::uint16_t>((clipped + 1024.0f) / 4095.0f * 65535.0f);
    std::memcpy(raw.data() + 2 * i, &gray, 2);
  }
  m.child_rss_mb = run_program(
      {"ffmpeg",   "-v",           "error",
       "-y",       "-threads",     std::to_string(threads),
       "-f",       "rawvideo",     "-pix_fmt",
       "gray16le", "-s",           fmt::format("{}x{}", size[2], size[1]),
       "-r",       "25",           "-i",
       "pipe:0",   "-c:v",         "libx265",
       "-preset",  "ultrafast",    "-crf",
       "6",        "-x265-params", fmt::format("keyint=128:min-keyint=128:log-level=none:pools={}", threads),
       "-pix_fmt", "yuv420p10le",  target.string()},
      raw, nullptr);
  m.seconds = now_seconds() - begin;
  m.figures = {{"bytes", static_cast<double>(std::filesystem::file_size(target))}};
  return m;
}

}  // namespace pillar::bench
