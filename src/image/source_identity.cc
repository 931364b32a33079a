#include "pillar/image/source_identity.h"

#include "pillar/core/file.h"
#include "pillar/core/printable.h"
#include "pillar/core/sha256.h"
#include "pillar/image/volume_file.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPathDigits = 16;  // of a path's digest: a hint needs no more
constexpr std::size_t kShownDigits = 12;

// One line for each image. Their order is left out: a walk through folders may meet them in any.
std::string image_line(const DicomPlane& plane) {
  const std::array<double, 3> place = plane.position.value_or(std::array<double, 3>{});
  return fmt::format("{} {} {} {}", plane.instance_uid, plane.frame, plane.instance_number.value_or(-1),
                     fmt::join(place, " "));
}

std::string file_digest(const fs::path& file) {
  const MappedFile mapped(file);
  std::string digest = sha256_hex(mapped.bytes());
  mapped.release_pages();
  return digest;
}

}  // namespace

SourceIdentity series_identity(const DicomSeries& series) {
  std::vector<std::string> lines;
  lines.reserve(series.planes.size());
  for (const DicomPlane& plane : series.planes) lines.push_back(image_line(plane));
  std::sort(lines.begin(), lines.end());
  lines.push_back(series.series_uid);
  lines.push_back(series.patient_id);
  const std::string text = fmt::format("{}", fmt::join(lines, "\n"));
  const std::string volume = series.volume_key.empty() ? "" : ", " + printable(series.volume_key);
  return {fmt::format("series {}{}", printable(series.series_uid), volume),
          fmt::format("{} images, sha256 {}", series.planes.size(), sha256_hex(as_bytes(text)))};
}

SourceIdentity volume_file_identity(const fs::path& file, std::optional<std::int64_t> volume) {
  std::string digests;
  const std::vector<fs::path> parts = volume_file_parts(file);
  for (const fs::path& part : parts) digests += file_digest(part);
  const std::string content = parts.size() == 1 ? digests : sha256_hex(as_bytes(digests));
  // The first volume is what is read where none is named.
  const std::string which = volume.value_or(0) == 0 ? "" : fmt::format(", volume {}", *volume);
  return {place_hint(file), fmt::format("sha256 {}{}", content, which)};
}

std::string place_hint(const fs::path& path) {
  std::error_code error;
  fs::path place = fs::weakly_canonical(path, error);
  if (error) place = path;
  return fmt::format("file at {}", sha256_hex(as_bytes(place.string())).substr(0, kPathDigits));
}

SourceMatch compare(const SourceIdentity& then, const SourceIdentity& now) noexcept {
  if (then.content == now.content) return SourceMatch::same;
  return then.source == now.source ? SourceMatch::changed : SourceMatch::other;
}

std::string describe(const SourceIdentity& identity) {
  constexpr std::string_view kDigest = "sha256 ";
  std::string content = identity.content;
  if (const std::size_t at = content.find(kDigest); at != std::string::npos) {
    const std::size_t begin = at + kDigest.size() + kShownDigits;
    const std::size_t end = std::min(content.find_first_of(",;", at), content.size());
    if (begin < end) content.replace(begin, end - begin, "...");
  }
  const bool is_file = identity.source.starts_with("file at ");
  return is_file ? fmt::format("a file of {}", content) : fmt::format("{} ({})", identity.source, content);
}

}  // namespace pillar
