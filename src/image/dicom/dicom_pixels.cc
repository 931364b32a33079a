#include "image/dicom/dicom_pixels.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "image/dicom/dicom_attributes.h"
#include "image/dicom/dicom_header.h"
#include "image/dicom/dicom_jpeg2000.h"
#include "image/dicom/dicom_rle.h"
#include "image/dicom/dicom_structure.h"

#include <cstring>
#include <string>

#include <dcmtk/dcmdata/dcfcache.h>
#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLargestFrameBytes = 1u << 31;  // DCMTK counts in 32 bits

PixelLayout read_layout(DcmItem& dataset, const fs::path& path) {
  std::string fault;
  AttributeReader read(dataset, fault);
  PixelLayout layout;
  layout.rows = read.u16(DCM_Rows).value_or(0);
  layout.columns = read.u16(DCM_Columns).value_or(0);
  layout.bits_allocated = read.u16(DCM_BitsAllocated).value_or(0);
  layout.bits_stored = read.u16(DCM_BitsStored).value_or(layout.bits_allocated);
  layout.high_bit = read.u16(DCM_HighBit).value_or(layout.bits_stored - 1);
  layout.is_signed = read.u16(DCM_PixelRepresentation).value_or(0) != 0;
  const int samples = read.u16(DCM_SamplesPerPixel).value_or(1);
  const std::string photometric = read.text(DCM_PhotometricInterpretation);
  if (!fault.empty()) fail(ErrorCategory::input, "{}: {}", path, fault);
  if (samples != 1 || (photometric != "MONOCHROME2" && photometric != "MONOCHROME1")) {
    fail(ErrorCategory::unsupported,
         "{}: a colour image ({} samples per pixel, {}), not a scan's grey values", path, samples,
         photometric.empty() ? "no photometric interpretation" : printable(photometric, 32));
  }
  if (layout.rows == 0 || layout.columns == 0) {
    fail(ErrorCategory::input, "{}: {} rows and {} columns", path, layout.rows, layout.columns);
  }
  if (layout.bits_allocated != 8 && layout.bits_allocated != 16) {
    fail(ErrorCategory::unsupported, "{}: {} bits allocated for a pixel, not 8 or 16", path,
         layout.bits_allocated);
  }
  if (layout.bits_stored < 1 || layout.bits_stored > layout.bits_allocated ||
      layout.high_bit < layout.bits_stored - 1 || layout.high_bit >= layout.bits_allocated) {
    fail(ErrorCategory::input, "{}: {} bits stored below bit {} of {} bits allocated", path,
         layout.bits_stored, layout.high_bit, layout.bits_allocated);
  }
  return layout;
}

// What DCMTK's decoders look for, as they expect it whatever value representation the file claims.
void put_layout(DcmItem& dataset, const PixelLayout& layout) {
  const auto put = [&](const DcmTagKey& tag, int value) {
    dataset.putAndInsertUint16(tag, static_cast<Uint16>(value));
  };
  put(DCM_SamplesPerPixel, 1);
  put(DCM_Rows, layout.rows);
  put(DCM_Columns, layout.columns);
  put(DCM_BitsAllocated, layout.bits_allocated);
  put(DCM_BitsStored, layout.bits_stored);
  put(DCM_HighBit, layout.high_bit);
  put(DCM_PixelRepresentation, layout.is_signed ? 1 : 0);
}

template <typename Word>
void extract(const std::uint8_t* bytes, const PixelLayout& layout, std::vector<std::int32_t>& values) {
  const int shift = layout.high_bit + 1 - layout.bits_stored;
  const int unused = 32 - layout.bits_stored;
  for (std::size_t i = 0; i < values.size(); ++i) {
    Word word;
    std::memcpy(&word, bytes + i * sizeof(Word), sizeof(Word));
    const std::uint32_t top = static_cast<std::uint32_t>(word >> shift)
                              << unused;  // the sign is the highest bit now
    values[i] = layout.is_signed ? static_cast<std::int32_t>(top) >> unused
                                 : static_cast<std::int32_t>(top >> unused);
  }
}

}  // namespace

struct DicomPixels::State {
  fs::path path;
  DcmFileFormat file;
  DcmFileCache cache;
  DcmPixelData* pixels = nullptr;
  E_TransferSyntax syntax = EXS_Unknown;
  PixelLayout layout;
  std::int64_t frames = 1;
  int next_frame = 0;
  Uint32 next_fragment = 0;
  std::vector<std::uint8_t> buffer;
  std::vector<std::int32_t> values;
  int frame_of_values = -1;
  std::vector<std::int32_t> tile;

  DcmPixelSequence* fragments() {
    DcmPixelSequence* sequence = nullptr;
    if (pixels->getEncapsulatedRepresentation(syntax, nullptr, sequence).bad() || sequence == nullptr) {
      fail(ErrorCategory::input, "{}: the pixel data is not in fragments, as {} demands", path,
           DcmXfer(syntax).getXferName());
    }
    return sequence;
  }

  std::uint64_t compressed_bytes() {
    DcmPixelSequence* sequence = fragments();
    std::uint64_t bytes = 0;
    for (DcmObject* item = sequence->nextInContainer(nullptr); item != nullptr;
         item = sequence->nextInContainer(item)) {
      bytes += static_cast<DcmPixelItem*>(item)->getLength();
    }
    return bytes;
  }

  void check_size() {
    const std::uint64_t frame_bytes = layout.frame_bytes();
    if (frame_bytes > kLargestFrameBytes)
      fail(ErrorCategory::unsupported, "{}: a frame of {} bytes", path, frame_bytes);
    const DcmXfer xfer(syntax);
    if (xfer.isEncapsulated()) {
      const std::uint64_t compressed = compressed_bytes();
      if (frame_bytes > kAlwaysAllowedBytes + kLargestRatio * compressed) {
        fail(ErrorCategory::input, "{}: {} rows and {} columns cannot be in {} bytes of compressed data",
             path, layout.rows, layout.columns, compressed);
      }
    } else if (frame_bytes * static_cast<std::uint64_t>(frames) > pixels->getLength()) {
      fail(ErrorCategory::input, "{}: truncated: {} bytes of pixel data, {} frame{} of {}x{} take {}", path,
           pixels->getLength(), frames, frames == 1 ? "" : "s", layout.rows, layout.columns,
           frame_bytes * static_cast<std::uint64_t>(frames));
    }
  }

  void decode(int frame) {
    if (is_jpeg2000(syntax) || syntax == EXS_RLELossless) {
      const std::vector<char> bytes = compressed_frame(*fragments(), frame, frames, path);
      (is_jpeg2000(syntax) ? decode_jpeg2000 : decode_rle)(bytes, frame, layout, path, buffer);
      return;
    }
    Uint32 fragment = frame == next_frame ? next_fragment : 0;  // 0: DCMTK searches
    const Uint32 first_fragment = fragment;
    OFString colour;
    const OFCondition status =
        pixels->getUncompressedFrame(file.getDataset(), static_cast<Uint32>(frame), fragment, buffer.data(),
                                     static_cast<Uint32>(buffer.size()), colour, &cache);
    if (status == EC_CannotChangeRepresentation || status == EC_UnsupportedEncoding) {
      fail(ErrorCategory::unsupported, "{}: no decoder for transfer syntax {}", path,
           DcmXfer(syntax).getXferName());
    }
    if (status.bad())
      fail(ErrorCategory::input, "{}: cannot decode frame {}: {}", path, frame + 1, status.text());
    if (DcmXfer(syntax).isEncapsulated()) release_fragments(first_fragment, fragment);
    next_frame = frame + 1;
    next_fragment = fragment;
  }

  // DCMTK would keep what it has read of the compressed data.
  void release_fragments(Uint32 begin, Uint32 end) {
    DcmPixelSequence* sequence = fragments();
    for (Uint32 i = begin; i < end; ++i) {
      DcmPixelItem* item = nullptr;
      if (sequence->getItem(item, i).good()) item->compact();
    }
  }
};

DicomPixels::DicomPixels(const fs::path& path) : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.path = path;
  const auto structure = examine_dicom(path);
  if (!structure) fail(ErrorCategory::input, "{}: not a DICOM file", path);
  if (!structure->has_pixel_data) fail(ErrorCategory::input, "{}: no pixel data", path);
  if (!structure->pixel_fault.empty()) fail(ErrorCategory::input, "{}: {}", path, structure->pixel_fault);
  open_dicom(state.file, path, *structure, true);
  DcmDataset& dataset = *state.file.getDataset();
  state.syntax = dataset.getOriginalXfer();
  state.layout = read_layout(dataset, path);
  put_layout(dataset, state.layout);
  if (dataset.tagExists(DCM_ModalityLUTSequence))
    fail(ErrorCategory::unsupported, "{}: a modality look-up table", path);
  std::string fault;
  state.frames = AttributeReader(dataset, fault).integer(DCM_NumberOfFrames).value_or(1);
  if (!fault.empty() || state.frames < 1)
    fail(ErrorCategory::input, "{}: {} frames {}", path, state.frames, fault);
  DcmElement* element = nullptr;
  if (dataset.findAndGetElement(DCM_PixelData, element).bad() ||
      (state.pixels = dynamic_cast<DcmPixelData*>(element)) == nullptr) {
    fail(ErrorCategory::input, "{}: the pixel data has a value representation other than OB or OW", path);
  }
  state.check_size();
}

DicomPixels::~DicomPixels() = default;

const std::vector<std::int32_t>& DicomPixels::read(int frame) {
  State& state = *state_;
  if (frame < 0 || frame >= state.frames)
    fail(ErrorCategory::input, "{}: no frame {} of {}", state.path, frame + 1, state.frames);
  const std::size_t bytes = static_cast<std::size_t>(state.layout.frame_bytes());
  state.buffer.resize(bytes + bytes % 2);  // DCMTK asks for an even buffer
  state.values.resize(static_cast<std::size_t>(state.layout.rows) *
                      static_cast<std::size_t>(state.layout.columns));
  if (frame == state.frame_of_values) return state.values;
  state.frame_of_values = -1;
  state.decode(frame);
  if (state.layout.bits_allocated == 8) {
    extract<std::uint8_t>(state.buffer.data(), state.layout, state.values);
  } else {
    extract<std::uint16_t>(state.buffer.data(), state.layout, state.values);
  }
  state.frame_of_values = frame;
  return state.values;
}

const std::vector<std::int32_t>& DicomPixels::read_plane(const DicomPlane& plane) {
  State& state = *state_;
  const PixelLayout& layout = state.layout;
  const auto [top, left] = plane.tile_rc.value_or(std::array<int, 2>{0, 0});
  const bool fits = plane.tile_rc ? top + plane.rows <= layout.rows && left + plane.columns <= layout.columns
                                  : plane.rows == layout.rows && plane.columns == layout.columns;
  if (!fits) fail(ErrorCategory::input, "{}: changed while it was read", plane.file);
  const std::vector<std::int32_t>& values = read(plane.frame);
  if (!plane.tile_rc) return values;
  state.tile.clear();
  for (int row = 0; row < plane.rows; ++row) {
    const auto begin = values.begin() + std::ptrdiff_t{top + row} * layout.columns + left;
    state.tile.insert(state.tile.end(), begin, begin + plane.columns);
  }
  return state.tile;
}

}  // namespace pillar
