#include "windows/window_writer.h"

#include "pillar/core/fail.h"
#include "pillar/core/thread_pool.h"

#include "windows/shared/stream_copy.h"

#include <algorithm>
#include <cstring>

namespace pillar::windows {
namespace {

constexpr std::int64_t kChunk = 2048;        // voxels in the first-level cache at a time: 8 KB of floats
constexpr std::int64_t kPart = 16 * kChunk;  // voxels a thread takes at a time

// Calls visit(the kernels of the output type).
template <typename Visit>
void visit_output(at::ScalarType dtype, const Visit& visit) {
  check_output_type(dtype);
  if (dtype == at::kFloat) return visit(kernels().as_float);
  visit(dtype == at::kBFloat16 ? kernels().as_bfloat16 : kernels().as_float16);
}

// The floats of some voxels: converted into `buffer`, or where they lie.
const float* as_floats(const ChannelVoxels& voxels, std::int64_t first, std::int64_t count, float* buffer) {
  if (voxels.dtype == at::kFloat) return static_cast<const float*>(voxels.data) + first;
  if (voxels.dtype == at::kShort) {
    kernels().int16_to_float(static_cast<const std::int16_t*>(voxels.data) + first, buffer, count);
  } else {
    kernels().uint16_to_float(static_cast<const std::uint16_t*>(voxels.data) + first, buffer, count);
  }
  return buffer;
}

// Calls body(first, count) for chunks that cover [0,count), in parallel, and `after` when a thread ends a
// part.
template <typename Body, typename After>
void for_chunks(std::int64_t count, std::int64_t chunk, int threads, const Body& body, const After& after) {
  parallel_for((count + kPart - 1) / kPart, threads, [&](std::int64_t part) {
    const std::int64_t end = std::min(count, (part + 1) * kPart);
    for (std::int64_t first = part * kPart; first < end; first += chunk)
      body(first, std::min(chunk, end - first));
    after();
  });
}

// Past the caches: straight from the registers where the processor can, else by way of `staged`.
template <typename Out>
void stream_window(const OutputKernels<Out>& kernel, const float* values, AffineClamp map, Out* out,
                   std::int64_t count, Out* staged) {
  const bool aligned = reinterpret_cast<std::uintptr_t>(out) % kStreamAlignment == 0;
  const std::int64_t direct = kernel.stream != nullptr && aligned ? count / kStreamStep * kStreamStep : 0;
  if (direct > 0) kernel.stream(values, map, out, direct);
  if (direct == count) return;
  kernel.window(values + direct, map, staged, count - direct);
  stream_copy(out + direct, staged, static_cast<std::size_t>(count - direct) * sizeof(Out));
}

template <typename Out>
void planes(const ChannelVoxels& voxels, const AffineClamp* maps, std::int64_t map_count, Out* out,
            bool stream, int threads, const OutputKernels<Out>& kernel) {
  const auto chunk = [&](std::int64_t first, std::int64_t count) {
    alignas(64) float buffer[kChunk];
    alignas(64) Out staged[kChunk];
    const float* values = as_floats(voxels, first, count, buffer);
    for (std::int64_t m = 0; m < map_count; ++m) {
      Out* target = out + m * voxels.count + first;
      if (stream) {
        stream_window(kernel, values, maps[m], target, count, staged);
      } else {
        kernel.window(values, maps[m], target, count);
      }
    }
  };
  for_chunks(voxels.count, kChunk, threads, chunk, [stream] {
    if (stream) stream_done();
  });
}

// One group for each kLanes output channels of each input channel.
std::vector<LaneGroup> lane_groups(const std::vector<AffineClamp>& maps, std::int64_t input_channels) {
  std::vector<LaneGroup> groups;
  const auto windows = static_cast<std::int64_t>(maps.size()) / input_channels;
  for (std::int64_t first = 0; first < static_cast<std::int64_t>(maps.size()); first += windows) {
    for (std::int64_t w = 0; w < windows; w += kLanes) {
      LaneGroup& group = groups.emplace_back();
      group.first_channel = first + w;
      group.lanes = std::min(kLanes, windows - w);
      for (std::int64_t lane = 0; lane < group.lanes; ++lane) {
        group.low[lane] = maps[first + w + lane].low;
        group.scale[lane] = maps[first + w + lane].scale;
      }
    }
  }
  return groups;
}

template <typename Out>
void interleaved(const std::vector<ChannelVoxels>& voxels, const std::vector<AffineClamp>& maps, Out* out,
                 int threads, const OutputKernels<Out>& kernel) {
  const auto inputs = static_cast<std::int64_t>(voxels.size());
  const auto channels = static_cast<std::int64_t>(maps.size());
  const std::vector<LaneGroup> shared_groups = lane_groups(maps, inputs);
  const auto groups_each = static_cast<std::int64_t>(shared_groups.size()) / inputs;
  const auto chunk = [&](std::int64_t first, std::int64_t count) {
    std::vector<LaneGroup> groups = shared_groups;
    std::vector<float> buffer(static_cast<std::size_t>(inputs * kChunk));
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const std::int64_t input = static_cast<std::int64_t>(g) / groups_each;
      groups[g].values = static_cast<std::int64_t>(g) % groups_each == 0
                             ? as_floats(voxels[input], first, count, buffer.data() + input * kChunk)
                             : groups[g - 1].values;
    }
    const auto group_count = static_cast<std::int64_t>(groups.size());
    // The kernel may write past its end: over voxels that follow in this chunk, never over another thread's.
    const std::int64_t direct = std::max<std::int64_t>(0, count - kLanes);
    kernel.interleave(groups.data(), group_count, channels, out + first * channels, direct);
    std::vector<Out> staged(static_cast<std::size_t>((count - direct) * channels + kLanes));
    for (LaneGroup& group : groups) group.values += direct;
    kernel.interleave(groups.data(), group_count, channels, staged.data(), count - direct);
    std::memcpy(out + (first + direct) * channels, staged.data(),
                static_cast<std::size_t>((count - direct) * channels) * sizeof(Out));
  };
  for_chunks(voxels[0].count, kChunk, threads, chunk, [] {});
}

}  // namespace

void check_output_type(at::ScalarType dtype) {
  if (dtype == at::kFloat || dtype == at::kBFloat16 || dtype == at::kHalf) return;
  fail(ErrorCategory::usage, "windows come as float32, bfloat16 or float16, not {}", c10::toString(dtype));
}

void write_planes(const ChannelVoxels& voxels, const AffineClamp* maps, std::int64_t map_count, void* out,
                  at::ScalarType dtype, bool stream, int threads) {
  visit_output(dtype, [&]<typename Out>(const OutputKernels<Out>& kernel) {
    planes(voxels, maps, map_count, static_cast<Out*>(out), stream, threads, kernel);
  });
}

void write_interleaved(const std::vector<ChannelVoxels>& voxels, const std::vector<AffineClamp>& maps,
                       void* out, at::ScalarType dtype, int threads) {
  visit_output(dtype, [&]<typename Out>(const OutputKernels<Out>& kernel) {
    interleaved(voxels, maps, static_cast<Out*>(out), threads, kernel);
  });
}

}  // namespace pillar::windows
