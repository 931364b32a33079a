#include "image/dicom/dicom_fragments.h"

#include "pillar/core/fail.h"

#include <utility>

#include <dcmtk/dcmdata/dccodec.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>

namespace pillar {
namespace {

constexpr unsigned long offset_table_items = 1;  // the first item holds offsets, not pixels

// Fragments [begin, end) of a frame, as item indices.
std::pair<Uint32, Uint32> fragments_of(DcmPixelSequence& fragments, int frame, std::int64_t frames,
                                       const std::filesystem::path& path) {
  const Uint32 count = static_cast<Uint32>(fragments.card());
  Uint32 begin = 0;
  Uint32 end = count;
  const auto start_of = [&](int which, Uint32& start) {
    const OFCondition status = DcmCodec::determineStartFragment(
        static_cast<Uint32>(which), static_cast<Sint32>(frames), &fragments, start);
    if (status.bad())
      fail(ErrorCategory::input, "{}: cannot tell where compressed frame {} begins: {}", path, which + 1,
           status.text());
  };
  start_of(frame, begin);
  if (frame + 1 < frames) start_of(frame + 1, end);
  if (begin < offset_table_items || end <= begin || end > count) {
    fail(ErrorCategory::input, "{}: compressed frame {} has no data", path, frame + 1);
  }
  return {begin, end};
}

}  // namespace

std::vector<char> compressed_frame(DcmPixelSequence& fragments, int frame, std::int64_t frames,
                                   const std::filesystem::path& path) {
  const auto [begin, end] = fragments_of(fragments, frame, frames, path);
  std::vector<char> bytes;
  for (Uint32 i = begin; i < end; ++i) {
    DcmPixelItem* item = nullptr;
    if (fragments.getItem(item, i).bad())
      fail(ErrorCategory::input, "{}: compressed frame {} is incomplete", path, frame + 1);
    const std::size_t old = bytes.size();
    bytes.resize(old + item->getLength());
    if (item->getLength() == 0) continue;
    const OFCondition status = item->getPartialValue(bytes.data() + old, 0, item->getLength());
    if (status.bad())
      fail(ErrorCategory::input, "{}: cannot read compressed frame {}: {}", path, frame + 1, status.text());
  }
  return bytes;
}

}  // namespace pillar
