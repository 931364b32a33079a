#include "image/dicom_jpeg2000.h"

#include "core/fail.h"

#include <cstring>
#include <optional>

#include <dcmtk/dcmdata/dccodec.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <gdcmDataElement.h>
#include <gdcmJPEG2000Codec.h>
#include <gdcmSequenceOfFragments.h>

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

// Width and height in the codestream's SIZ marker, which comes first (ISO 15444-1, A.5). Nothing if it is not
// there.
std::optional<std::pair<std::uint32_t, std::uint32_t>> codestream_size(const std::vector<char>& bytes) {
  static constexpr unsigned char start[] = {0xff, 0x4f, 0xff, 0x51};
  for (std::size_t i = 0; i + 24 <= bytes.size() && i < 4096; ++i) {  // a JP2 wrapper may stand before it
    if (std::memcmp(bytes.data() + i, start, sizeof start) != 0) continue;
    const auto u32 = [&](std::size_t at) {
      std::uint32_t value = 0;
      for (std::size_t k = 0; k < 4; ++k) value = value << 8 | static_cast<unsigned char>(bytes[i + at + k]);
      return value;
    };
    const std::uint32_t width = u32(8), height = u32(12), left = u32(16), top = u32(20);
    if (left > width || top > height) return std::nullopt;
    return std::pair(width - left, height - top);
  }
  return std::nullopt;
}

}  // namespace

bool is_jpeg2000(E_TransferSyntax syntax) noexcept {
  return syntax == EXS_JPEG2000LosslessOnly || syntax == EXS_JPEG2000;
}

void decode_jpeg2000(DcmPixelSequence& fragments, int frame, std::int64_t frames, const PixelLayout& layout,
                     const std::filesystem::path& path, std::vector<std::uint8_t>& frame_bytes) {
  const std::vector<char> bytes = compressed_frame(fragments, frame, frames, path);
  const auto size = codestream_size(bytes);
  if (!size || size->first != static_cast<std::uint32_t>(layout.columns) ||
      size->second != static_cast<std::uint32_t>(layout.rows)) {
    fail(ErrorCategory::input, "{}: frame {} is not a JPEG 2000 image of {}x{}", path, frame + 1, layout.rows,
         layout.columns);
  }
  const unsigned int dimensions[3] = {static_cast<unsigned int>(layout.columns),
                                      static_cast<unsigned int>(layout.rows), 1};
  gdcm::JPEG2000Codec codec;
  codec.SetNumberOfDimensions(2);
  codec.SetDimensions(dimensions);
  codec.SetPlanarConfiguration(0);
  codec.SetPhotometricInterpretation(gdcm::PhotometricInterpretation::MONOCHROME2);
  codec.SetPixelFormat(gdcm::PixelFormat(
      1, static_cast<unsigned short>(layout.bits_allocated), static_cast<unsigned short>(layout.bits_stored),
      static_cast<unsigned short>(layout.high_bit), layout.is_signed ? 1 : 0));
  gdcm::Fragment fragment;
  fragment.SetByteValue(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  gdcm::SmartPointer<gdcm::SequenceOfFragments> sequence = gdcm::SequenceOfFragments::New();
  sequence->AddFragment(fragment);
  gdcm::DataElement in(gdcm::Tag(0x7fe0, 0x0010));
  in.SetValue(*sequence);
  gdcm::DataElement out;
  bool decoded = false;
  try {
    decoded = codec.Decode(in, out);
  } catch (const std::exception&) {
    decoded = false;
  }
  const gdcm::ByteValue* value = decoded ? out.GetByteValue() : nullptr;
  if (value == nullptr || value->GetLength() < layout.frame_bytes()) {
    fail(ErrorCategory::input, "{}: cannot decode frame {}: damaged JPEG 2000 stream", path, frame + 1);
  }
  std::memcpy(frame_bytes.data(), value->GetPointer(), static_cast<std::size_t>(layout.frame_bytes()));
}

}  // namespace pillar
