#include "rave/sample/archive_sink.h"

#include "pillar/core/fail.h"

#include "core/shared/descriptor.h"

#include <algorithm>
#include <new>

#include <fcntl.h>
#include <lz4frame.h>

namespace pillar {
namespace {

class FileSink : public ArchiveSink {
 public:
  FileSink(const std::filesystem::path& file, std::filesystem::path target)
      : target_(std::move(target)), file_(Descriptor::create(file, target_)) {}
  void write(ByteView bytes) override { write_all(file_, bytes, target_); }
  void finish() override {}

 private:
  std::filesystem::path target_;
  Descriptor file_;
};

class Lz4Sink : public ArchiveSink {
 public:
  Lz4Sink(std::unique_ptr<ArchiveSink> next, std::uint64_t content_bytes) : next_(std::move(next)) {
    preferences_.frameInfo.blockSizeID = LZ4F_max4MB;
    preferences_.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
    preferences_.frameInfo.contentSize = content_bytes;
    if (LZ4F_isError(LZ4F_createCompressionContext(&context_, LZ4F_VERSION))) throw std::bad_alloc();
    buffer_.resize(std::max<std::size_t>(LZ4F_compressBound(kStep, &preferences_), LZ4F_HEADER_SIZE_MAX));
    forward(LZ4F_compressBegin(context_, buffer_.data(), buffer_.size(), &preferences_));
  }
  ~Lz4Sink() override { LZ4F_freeCompressionContext(context_); }

  void write(ByteView bytes) override {
    while (!bytes.empty()) {
      const ByteView step = bytes.first(std::min(bytes.size(), kStep));
      forward(
          LZ4F_compressUpdate(context_, buffer_.data(), buffer_.size(), step.data(), step.size(), nullptr));
      bytes = bytes.subspan(step.size());
    }
  }

  void finish() override {
    forward(LZ4F_compressEnd(context_, buffer_.data(), buffer_.size(), nullptr));
    next_->finish();
  }

 private:
  static constexpr std::size_t kStep = std::size_t{1} << 20;

  void forward(std::size_t produced) {
    if (LZ4F_isError(produced))
      fail(ErrorCategory::io, "LZ4 compression failed: {}", LZ4F_getErrorName(produced));
    next_->write(ByteView(buffer_.data(), produced));
  }

  std::unique_ptr<ArchiveSink> next_;
  LZ4F_preferences_t preferences_ = {};
  LZ4F_cctx* context_ = nullptr;
  Bytes buffer_;
};

}  // namespace

std::unique_ptr<ArchiveSink> open_file_sink(const std::filesystem::path& file,
                                            const std::filesystem::path& target) {
  return std::make_unique<FileSink>(file, target);
}

std::unique_ptr<ArchiveSink> open_lz4_sink(std::unique_ptr<ArchiveSink> next, std::uint64_t content_bytes) {
  return std::make_unique<Lz4Sink>(std::move(next), content_bytes);
}

}  // namespace pillar
