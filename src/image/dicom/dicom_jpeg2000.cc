#include "image/dicom/dicom_jpeg2000.h"

#include "pillar/core/fail.h"

#include <cstring>
#include <optional>

#include <gdcmDataElement.h>
#include <gdcmJPEG2000Codec.h>
#include <gdcmSequenceOfFragments.h>

namespace pillar {
namespace {

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

void decode_jpeg2000(const std::vector<char>& bytes, int frame, const PixelLayout& layout,
                     const std::filesystem::path& path, std::vector<std::uint8_t>& frame_bytes) {
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
