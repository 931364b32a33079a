#include "rave/sample/lz4_inflate.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <memory>
#include <new>

#include <lz4frame.h>

namespace pillar {
namespace {

constexpr std::size_t kStep = std::size_t{4} << 20;
constexpr std::uint64_t kMaxRatio = 256;  // LZ4 cannot expand further, so a larger claim reserves nothing

struct ContextDeleter {
  void operator()(LZ4F_dctx* context) const { LZ4F_freeDecompressionContext(context); }
};

std::size_t checked(std::size_t status, const std::string& name) {
  if (LZ4F_isError(status))
    fail(ErrorCategory::input, "{}: damaged LZ4 frame: {}", name, LZ4F_getErrorName(status));
  return status;
}

}  // namespace

bool is_lz4_frame(ByteView bytes) noexcept {
  constexpr std::array<std::uint8_t, 4> magic = {0x04, 0x22, 0x4D, 0x18};
  return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
}

Bytes inflate_lz4(ByteView frames, std::uint64_t max_bytes, const std::string& name) {
  LZ4F_dctx* raw = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&raw, LZ4F_VERSION))) throw std::bad_alloc();
  std::unique_ptr<LZ4F_dctx, ContextDeleter> context(raw);

  LZ4F_frameInfo_t info = {};
  std::size_t header_bytes = frames.size();
  std::size_t hint = checked(LZ4F_getFrameInfo(context.get(), &info, frames.data(), &header_bytes), name);
  ByteView rest = frames.subspan(header_bytes);
  const std::uint64_t declared = info.contentSize;  // 0 if not declared
  if (declared > max_bytes) {
    fail(ErrorCategory::input, "{}: would inflate to {} bytes, more than the {} allowed", name, declared,
         max_bytes);
  }
  Bytes result;
  result.reserve(std::min<std::uint64_t>(declared, kMaxRatio * frames.size()));
  std::size_t filled = 0;
  while (hint != 0) {
    result.resize(std::max(result.size(), filled + kStep));
    std::size_t produced = result.size() - filled;
    std::size_t consumed = rest.size();
    hint = checked(
        LZ4F_decompress(context.get(), result.data() + filled, &produced, rest.data(), &consumed, nullptr),
        name);
    filled += produced;
    rest = rest.subspan(consumed);
    if (filled > max_bytes)
      fail(ErrorCategory::input, "{}: inflates to more than the {} bytes allowed", name, max_bytes);
    if (hint != 0 && produced == 0 && consumed == 0)
      fail(ErrorCategory::input, "{}: the LZ4 frame is cut off", name);
  }
  if (!rest.empty()) fail(ErrorCategory::input, "{}: {} bytes follow the LZ4 frame", name, rest.size());
  result.resize(filled);
  return result;
}

}  // namespace pillar
