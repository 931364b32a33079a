#include "image/dicom/dicom_structure.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "image/dicom/dicom_source.h"
#include "image/dicom/dicom_walker.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string_view>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>
#include <fmt/format.h>

namespace pillar {
namespace {

constexpr std::size_t preamble_bytes = 132;

// Syntaxes that came after DCMTK's list. High-throughput JPEG 2000 is read as JPEG 2000 is: in fragments of
// an explicit little-endian data set, by the same decoder.
struct NewerSyntax {
  std::string_view uid;
  std::string_view name;
  const char* read_as;  // null: nothing here decodes it
};
constexpr NewerSyntax newer_syntaxes[] = {
    {"1.2.840.10008.1.2.4.201", "HTJ2K Lossless", UID_JPEG2000LosslessOnlyTransferSyntax},
    {"1.2.840.10008.1.2.4.202", "HTJ2K Lossless RPCL", UID_JPEG2000LosslessOnlyTransferSyntax},
    {"1.2.840.10008.1.2.4.203", "HTJ2K", UID_JPEG2000TransferSyntax},
    {"1.2.840.10008.1.2.4.110", "JPEG XL Lossless", nullptr},
    {"1.2.840.10008.1.2.4.111", "JPEG XL JPEG Recompression", nullptr},
    {"1.2.840.10008.1.2.4.112", "JPEG XL", nullptr},
};

std::string unpadded(std::string text) {
  while (!text.empty() && (text.back() == '\0' || text.back() == ' ')) text.pop_back();
  return text;
}

bool has_preamble(ByteView bytes) {
  return bytes.size() >= preamble_bytes &&
         std::string_view(reinterpret_cast<const char*>(bytes.data()) + 128, 4) == "DICM";
}

bool is_meta_group(ByteView bytes) {
  return bytes.size() >= 8 && bytes[0] == 0x02 && bytes[1] == 0x00 && bytes[3] == 0 &&
         std::isupper(bytes[4]) && std::isupper(bytes[5]);
}

// A data set begins with group 0008 and a plausible first element.
bool looks_like_data_set(ByteView bytes) {
  if (bytes.size() < 16) return false;
  const bool little = bytes[0] == 0x08 && bytes[1] == 0 && bytes[3] == 0;
  const bool big = bytes[0] == 0 && bytes[1] == 0x08 && bytes[2] == 0;
  const bool explicit_vr = std::isupper(bytes[4]) && std::isupper(bytes[5]);
  const std::uint32_t length = static_cast<std::uint32_t>(bytes[4] | bytes[5] << 8 | bytes[6] << 16) |
                               static_cast<std::uint32_t>(bytes[7]) << 24;
  return explicit_vr ? little || big : little && length <= 256;
}

// How the first element of a data set is written.
const char* syntax_by_looks(ByteView bytes) {
  const bool explicit_vr = bytes.size() >= 8 && std::isupper(bytes[4]) && std::isupper(bytes[5]);
  if (!explicit_vr) return UID_LittleEndianImplicitTransferSyntax;
  return bytes[0] == 0 && bytes[1] != 0 ? UID_BigEndianExplicitTransferSyntax
                                        : UID_LittleEndianExplicitTransferSyntax;
}

// Group 0002 is always explicit VR little endian. Returns the transfer syntax, empty where it names none.
std::string read_meta_group(DicomSource& source, DicomWalker& walker, const std::filesystem::path& path) {
  std::string transfer_syntax;
  std::uint8_t group[2];
  while (source.peek(group, 2) == 2 && (group[0] == 0x02 && group[1] == 0x00)) {
    DicomElement element;
    walker.next(element);
    if (element.number == 0x0010) {
      transfer_syntax = unpadded(walker.value(element, 256));
    } else {
      walker.enter_or_skip(element);
    }
    if (!walker.at_top_level())
      fail(ErrorCategory::input, "{}: a sequence in the file meta information", path);
  }
  return transfer_syntax;
}

// The syntax to read the data set by: the one that it claims, unless its first element is written otherwise.
void choose_syntax(DicomStructure& structure, const std::string& claimed, ByteView data,
                   const std::filesystem::path& path) {
  structure.transfer_syntax = claimed;
  for (const NewerSyntax& newer : newer_syntaxes) {
    if (newer.uid != claimed) continue;
    if (newer.read_as == nullptr)
      fail(ErrorCategory::unsupported, "{}: no decoder for transfer syntax {} ({})", path, newer.name,
           claimed);
    structure.transfer_syntax = newer.read_as;
    structure.is_plain = false;
  }
  if (claimed.empty()) {
    structure.transfer_syntax = syntax_by_looks(data);
    return;
  }
  const DcmXfer syntax(structure.transfer_syntax.c_str());
  if (syntax.getXfer() == EXS_Unknown)
    fail(ErrorCategory::unsupported, "{}: unknown transfer syntax {}", path, printable(claimed, 64));
  structure.is_deflated = syntax.getStreamCompression() != ESC_none;
  if (structure.is_deflated || data.size() < 8) return;
  const DcmXfer looks(syntax_by_looks(data));
  const bool agree =
      looks.isExplicitVR() == syntax.isExplicitVR() && looks.isBigEndian() == syntax.isBigEndian();
  if (agree || syntax.isEncapsulated() || !looks_like_data_set(data)) return;
  structure.oddity = fmt::format("the data set is written as {}, not as {} that its transfer syntax says",
                                 looks.getXferName(), syntax.getXferName());
  structure.transfer_syntax = looks.getXferID();
  structure.is_plain = false;
}

// How many bytes the image's pixels take uncompressed, by the elements that say so.
class PixelCount {
 public:
  bool wants(const DicomElement& element) const {
    return element.group == 0x0028 && factor_of(element.number) != nullptr && element.length <= 16;
  }
  void add(const DicomElement& element, const std::string& value, const DicomWalker& walker) {
    if (value.size() == 2 && element.number != 0x0008) {
      *factor_of(element.number) = walker.u16(reinterpret_cast<const std::uint8_t*>(value.data()));
    } else {
      std::uint64_t number = 0;
      const std::string text = unpadded(value);
      std::from_chars(text.data(), text.data() + text.size(), number);
      *factor_of(element.number) = std::min<std::uint64_t>(number, 1u << 20);
    }
  }
  std::uint64_t bytes() const { return samples_ * frames_ * rows_ * columns_ * (bits_ / 8); }

 private:
  std::uint64_t* factor_of(std::uint16_t number) const {
    switch (number) {
      case 0x0002:
        return &samples_;
      case 0x0008:
        return &frames_;
      case 0x0010:
        return &rows_;
      case 0x0011:
        return &columns_;
      case 0x0100:
        return &bits_;
      default:
        return nullptr;
    }
  }
  mutable std::uint64_t samples_ = 1, frames_ = 1, rows_ = 0, columns_ = 0, bits_ = 0;
};

void walk_data_set(DicomStructure& structure, DicomWalker& walker, const std::filesystem::path& path) {
  PixelCount pixels;
  DicomElement element;
  while (!structure.has_pixel_data && walker.next(element)) {
    const bool at_top = walker.at_top_level();
    if (at_top && pixels.wants(element)) {
      pixels.add(element, walker.value(element, 16), walker);
      continue;
    }
    if (!element.is_pixel_data()) {
      walker.enter_or_skip(element);
      continue;
    }
    if (element.is_sequence) fail(ErrorCategory::input, "{}: the pixel data is a sequence", path);
    const std::string fault = walker.skip_pixel_data(element, at_top ? pixels.bytes() : 0);
    if (!at_top && !fault.empty()) fail(ErrorCategory::input, "{}: {} of an icon", path, fault);
    if (!at_top) continue;
    structure.has_pixel_data = true;
    structure.pixels_begin = element.begin;
    structure.pixel_fault = fault;
  }
}

// Elements with higher tags may follow the pixel data; anything else is none of the data set's.
void look_behind_pixels(DicomStructure& structure, ByteView behind, const DicomWalker& walker) {
  if (behind.empty()) return;
  structure.is_plain = false;
  const bool is_element = behind.size() >= 8 && walker.u16(behind.data()) > 0x7fe0;
  if (!is_element && structure.oddity.empty())
    structure.oddity = "bytes after the pixel data that are no DICOM elements";
}

}  // namespace

std::optional<DicomStructure> examine_dicom(const std::filesystem::path& path) {
  const MappedFile file(path);
  return examine_dicom(file.bytes(), path);
}

std::optional<DicomStructure> examine_dicom(ByteView bytes, const std::filesystem::path& path) {
  DicomStructure structure;
  const bool preamble = has_preamble(bytes);
  const bool bare_meta = !preamble && is_meta_group(bytes);
  if (!preamble && !bare_meta && !looks_like_data_set(bytes)) return std::nullopt;

  DicomSource source(bytes);
  DicomWalker walker(source, path);
  if (preamble) source.skip(preamble_bytes);
  const bool has_meta = is_meta_group(bytes.subspan(source.position()));
  const std::string claimed = read_meta_group(source, walker, path);
  structure.data_begin = source.position();
  const ByteView data = bytes.subspan(structure.data_begin);
  if (!preamble || !has_meta || claimed.empty()) {
    structure.is_plain = false;
    structure.oddity = !has_meta   ? "no file meta information"
                       : !preamble ? "no preamble"
                                   : "no transfer syntax";
  }
  choose_syntax(structure, claimed, data, path);
  const DcmXfer syntax(structure.transfer_syntax.c_str());
  walker.encoding = {syntax.isExplicitVR() != OFFalse, syntax.isBigEndian() != OFFalse};
  if (structure.is_deflated) source.inflate_rest(path);

  walk_data_set(structure, walker, path);
  structure.data_end = source.position();
  if (!structure.has_pixel_data) structure.pixels_begin = structure.data_end;
  structure.repairs = std::move(walker.repairs);
  if (!structure.repairs.empty() || !walker.oddity.empty()) structure.is_plain = false;
  if (structure.oddity.empty()) structure.oddity = walker.oddity;
  if (!structure.is_deflated && structure.has_pixel_data && structure.pixel_fault.empty())
    look_behind_pixels(structure, bytes.subspan(structure.data_end), walker);
  return structure;
}

}  // namespace pillar
