#include "rave/video/video_decode.h"

#include "pillar/core/fail.h"
#include "pillar/rave/video.h"

#include "rave/video/frame_decoder.h"

#include <cstring>
#include <type_traits>

#include <ATen/Functions.h>
#include <sys/mman.h>

namespace pillar {
namespace {

// One plane of 16-bit samples into contiguous rows, each sample mapped by `map`.
template <typename Out, typename Map>
void map_luma(const LumaPlane& plane, Out* out, Map map) {
  for (std::int64_t y = 0; y < plane.height; ++y, out += plane.width) {
    const std::uint16_t* row = plane.row(y);
    for (std::int64_t x = 0; x < plane.width; ++x) out[x] = map(row[x]);
  }
}

template <typename Out>
constexpr at::ScalarType scalar_type() {
  return std::is_same_v<Out, std::int16_t> ? at::kShort : at::kUInt16;
}

// A volume is written once, front to back: with small pages the kernel's share of that is a tenth of the
// decoding time.
void prefer_huge_pages(const at::Tensor& tensor) {
  constexpr std::uintptr_t kHugePage = std::uintptr_t{2} << 20;
  const auto begin = (reinterpret_cast<std::uintptr_t>(tensor.data_ptr()) + kHugePage - 1) & ~(kHugePage - 1);
  const auto end = (reinterpret_cast<std::uintptr_t>(tensor.data_ptr()) + tensor.nbytes()) & ~(kHugePage - 1);
  if (begin < end)
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);  // a hint: may be refused
}

// Decodes into a new tensor, frame by frame. `map` takes a code to a value.
template <typename Out, typename Map>
at::Tensor decode_mapped(ByteView file, const std::string& name, SliceRange range, int threads, Map map) {
  at::Tensor volume;
  Out* voxels = nullptr;
  auto start = [&](const VideoInfo& info, std::int64_t slices) {
    volume = at::empty({slices, info.height, info.width}, scalar_type<Out>());
    prefer_huge_pages(volume);
    voxels = static_cast<Out*>(volume.data_ptr());
  };
  auto sink = [&](std::int64_t slice, const LumaPlane& plane) {
    map_luma(plane, voxels + slice * plane.height * plane.width, map);
  };
  decode_frames(file, name, range, threads, start, sink);
  return volume;
}

template <typename Out>
at::Tensor decode_with_table(ByteView file, const std::string& name, std::span<const Out> table,
                             SliceRange range, int threads) {
  if (table.empty() || (table.size() & (table.size() - 1)) != 0) {
    fail(ErrorCategory::usage, "a decoding table has a power of two entries, not {}", table.size());
  }
  const std::size_t mask = table.size() - 1;
  std::uint32_t seen = 0;
  at::Tensor volume = decode_mapped<Out>(file, name, range, threads,
                                         [&seen, mask, values = table.data()](std::uint16_t code) {
                                           seen |= code;
                                           return values[code & mask];
                                         });
  if ((seen & ~mask) != 0)
    fail(ErrorCategory::input, "{}: codes above {}: not a stream of this kind", name, mask);
  return volume;
}

}  // namespace

at::Tensor decode_video(ByteView file, const std::string& name, SliceRange range, int threads) {
  return decode_mapped<std::uint16_t>(file, name, range, threads, [](std::uint16_t code) { return code; });
}

at::Tensor decode_video(ByteView file, const std::string& name, std::span<const std::int16_t> table,
                        SliceRange range, int threads) {
  return decode_with_table(file, name, table, range, threads);
}

at::Tensor decode_video(ByteView file, const std::string& name, std::span<const std::uint16_t> table,
                        SliceRange range, int threads) {
  return decode_with_table(file, name, table, range, threads);
}

at::Tensor decode_video_offset(ByteView file, const std::string& name, at::ScalarType dtype,
                               std::int64_t offset, SliceRange range, int threads) {
  // Addition modulo 2^16 is exact for both types: the caller has checked that codes plus offset fit.
  const auto step = static_cast<std::uint16_t>(offset);
  auto add = [step](std::uint16_t code) { return static_cast<std::uint16_t>(code + step); };
  if (dtype == at::kUInt16) return decode_mapped<std::uint16_t>(file, name, range, threads, add);
  return decode_mapped<std::int16_t>(
      file, name, range, threads, [add](std::uint16_t code) { return static_cast<std::int16_t>(add(code)); });
}

}  // namespace pillar
