#include "image/dicom/dicom_structure.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"

#include "image/dicom/dicom_source.h"

#include <cctype>
#include <string_view>
#include <vector>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>
#include <fmt/format.h>

namespace pillar {
namespace {

constexpr std::uint32_t undefined_length = 0xffffffff;
constexpr std::size_t deepest = 64;  // real files stay under ten

struct Element {
  std::uint16_t group = 0;
  std::uint16_t number = 0;
  bool is_sequence = false;
  std::uint32_t length = 0;
};

struct Encoding {
  bool explicit_vr = true;
  bool big_endian = false;
};

// An open sequence or item; `end` is where it stops, unless a delimiter says so.
struct Level {
  std::uint64_t end = 0;
  bool delimited = false;
  Encoding outer;  // back to this after it
};

class Walker {
 public:
  Walker(DicomSource& source, const std::filesystem::path& path) : source_(source), path_(path) {}

  Encoding encoding;
  std::vector<Level> levels;

  // False at the clean end of the data.
  bool next(Element& element) {
    std::uint8_t head[8];
    const std::size_t got = source_.read(head, 8);
    if (got == 0 && levels.empty()) return false;
    if (got < 8) truncated();
    element.group = u16(head);
    element.number = u16(head + 2);
    element.is_sequence = false;
    if (element.group == 0xfffe || !encoding.explicit_vr) {
      element.length = u32(head + 4);
      if (element.group != 0xfffe) element.is_sequence = dictionary_says_sequence(element);
    } else {
      read_explicit(element, head);
    }
    if (element.group != 0xfffe && element.length == undefined_length && !is_pixel_data(element)) {
      element.is_sequence = true;
    }
    return true;
  }

  static bool is_pixel_data(const Element& element) {
    return element.group == 0x7fe0 && element.number == 0x0010;
  }

  // Past the value, or into the sequence or item.
  void enter_or_skip(const Element& element) {
    if (element.group == 0xfffe && element.number != 0xe000) {
      close_delimited();
    } else if (element.group == 0xfffe || element.is_sequence) {
      const bool delimited = element.length == undefined_length;
      levels.push_back({source_.position() + (delimited ? 0 : element.length), delimited, encoding});
      if (implicit_inside_) encoding = {false, false};
      implicit_inside_ = false;
      if (levels.size() > 2 * deepest) {
        fail(ErrorCategory::input, "{}: sequences nested more than {} deep", path_, deepest);
      }
    } else if (source_.skip(element.length) != element.length) {
      truncated();
    }
    close_finished();
  }

  // What is wrong with it, if anything is.
  std::string skip_pixel_data(const Element& element) {
    const std::string fault = skip_pixel_bytes(element);
    close_finished();
    return fault;
  }

  std::string text(const Element& element) {
    if (element.length > 256) fail(ErrorCategory::input, "{}: a UID of {} bytes", path_, element.length);
    std::string text(element.length, '\0');
    if (source_.read(reinterpret_cast<std::uint8_t*>(text.data()), text.size()) != text.size()) truncated();
    while (!text.empty() && (text.back() == '\0' || text.back() == ' ')) text.pop_back();
    return text;
  }

 private:
  std::string skip_pixel_bytes(const Element& element) {
    if (element.length != undefined_length) {
      const std::uint64_t present = source_.skip(element.length);
      if (present == element.length) return "";
      return fmt::format("truncated: {} of {} bytes of pixel data", present, element.length);
    }
    while (true) {  // fragments, then a delimiter
      std::uint8_t head[8];
      if (source_.read(head, 8) != 8) return "truncated: the compressed pixel data has no end";
      if (u16(head) != 0xfffe || (u16(head + 2) != 0xe000 && u16(head + 2) != 0xe0dd)) {
        return "the compressed pixel data is not in fragments";
      }
      if (u16(head + 2) == 0xe0dd) return "";
      if (source_.skip(u32(head + 4)) != u32(head + 4))
        return "truncated in a fragment of compressed pixel data";
    }
  }

  std::uint16_t u16(const std::uint8_t* p) const {
    return static_cast<std::uint16_t>(encoding.big_endian ? p[0] << 8 | p[1] : p[1] << 8 | p[0]);
  }
  std::uint32_t u32(const std::uint8_t* p) const {
    return encoding.big_endian ? std::uint32_t{u16(p)} << 16 | u16(p + 2)
                               : std::uint32_t{u16(p + 2)} << 16 | u16(p);
  }

  void read_explicit(Element& element, const std::uint8_t* head) {
    // DCMTK decides, so that its parser finds lengths where this walk does.
    const DcmVR vr(std::string{static_cast<char>(head[4]), static_cast<char>(head[5])}.c_str());
    if (!vr.usesExtendedLengthEncoding()) {
      element.length = u16(head + 6);
      return;
    }
    std::uint8_t length[4];
    if (source_.read(length, 4) != 4) truncated();
    element.length = u32(length);
    // A sequence whose VR was unknown to the writer is implicit VR little endian inside (PS3.5, 6.2.2).
    implicit_inside_ = vr.getEVR() == EVR_UN && element.length == undefined_length;
    element.is_sequence = vr.getEVR() == EVR_SQ || implicit_inside_;
  }

  static bool dictionary_says_sequence(const Element& element) {
    return DcmTag(element.group, element.number).getEVR() == EVR_SQ;
  }

  void close_finished() {
    while (!levels.empty() && !levels.back().delimited && source_.position() >= levels.back().end) pop();
  }
  void close_delimited() {
    while (!levels.empty() && !levels.back().delimited) pop();
    if (!levels.empty()) pop();
  }
  void pop() {
    encoding = levels.back().outer;
    levels.pop_back();
  }
  [[noreturn]] void truncated() const {
    fail(ErrorCategory::input, "{}: truncated: the header ends in the middle of an element, at byte {}",
         path_, source_.position());
  }

  DicomSource& source_;
  const std::filesystem::path& path_;
  bool implicit_inside_ = false;
};

// Group 0002 is always explicit VR little endian. Returns the transfer syntax.
std::string read_meta_group(DicomSource& source, Walker& walker, const std::filesystem::path& path) {
  std::string transfer_syntax;
  std::uint8_t group[2];
  while (source.peek(group, 2) == 2 && (group[0] == 0x02 && group[1] == 0x00)) {
    Element element;
    walker.next(element);
    if (element.number == 0x0010) {
      transfer_syntax = walker.text(element);
    } else {
      walker.enter_or_skip(element);
    }
    if (!walker.levels.empty())
      fail(ErrorCategory::input, "{}: a sequence in the file meta information", path);
  }
  if (transfer_syntax.empty())
    fail(ErrorCategory::input, "{}: no transfer syntax in the file meta information", path);
  return transfer_syntax;
}

// A data set without preamble begins with group 0008 (or 0002) and a plausible first element, little endian.
bool looks_like_bare_data_set(ByteView bytes, bool& explicit_vr) {
  if (bytes.size() < 16 || bytes[0] != 0x08 || bytes[1] != 0 || bytes[3] != 0) return false;
  explicit_vr = std::isupper(bytes[4]) && std::isupper(bytes[5]);
  const std::uint32_t length = static_cast<std::uint32_t>(bytes[4] | bytes[5] << 8 | bytes[6] << 16) |
                               static_cast<std::uint32_t>(bytes[7]) << 24;
  return explicit_vr || length <= 256;
}

}  // namespace

std::optional<DicomStructure> examine_dicom(const std::filesystem::path& path) {
  const MappedFile file(path);
  const ByteView bytes = file.bytes();
  DicomStructure structure;
  bool explicit_vr = true;
  structure.has_preamble =
      bytes.size() >= 132 && std::string_view(reinterpret_cast<const char*>(bytes.data()) + 128, 4) == "DICM";
  if (!structure.has_preamble && !looks_like_bare_data_set(bytes, explicit_vr)) return std::nullopt;

  DicomSource source(bytes);
  Walker walker(source, path);
  if (structure.has_preamble) {
    source.skip(132);
    structure.transfer_syntax = read_meta_group(source, walker, path);
  } else {
    structure.transfer_syntax =
        explicit_vr ? UID_LittleEndianExplicitTransferSyntax : UID_LittleEndianImplicitTransferSyntax;
  }
  const DcmXfer syntax(structure.transfer_syntax.c_str());
  if (syntax.getXfer() == EXS_Unknown) {
    fail(ErrorCategory::unsupported, "{}: unknown transfer syntax {}", path,
         printable(structure.transfer_syntax, 64));
  }
  walker.encoding = {syntax.isExplicitVR() != OFFalse, syntax.isBigEndian() != OFFalse};
  if (syntax.getStreamCompression() != ESC_none) source.inflate_rest(path);

  Element element;
  while (walker.next(element)) {
    if (!Walker::is_pixel_data(element)) {
      walker.enter_or_skip(element);
      continue;
    }
    if (element.is_sequence) fail(ErrorCategory::input, "{}: the pixel data is a sequence", path);
    const bool is_icon = !walker.levels.empty();
    const std::string fault = walker.skip_pixel_data(element);
    if (is_icon && !fault.empty()) fail(ErrorCategory::input, "{}: {} of an icon", path, fault);
    if (is_icon) continue;
    structure.has_pixel_data = true;
    structure.pixel_fault = fault;
    if (!fault.empty()) break;
  }
  return structure;
}

}  // namespace pillar
