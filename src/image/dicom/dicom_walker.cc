#include "image/dicom/dicom_walker.h"

#include "pillar/core/fail.h"

#include <algorithm>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>
#include <fmt/format.h>

namespace pillar {
namespace {

constexpr std::uint32_t undefined_length = 0xffffffff;
constexpr std::size_t deepest = 64;  // real files stay under ten
constexpr std::uint16_t item_start = 0xe000;
constexpr std::uint16_t item_end = 0xe00d;
constexpr std::uint16_t sequence_end = 0xe0dd;
constexpr std::uint16_t functional_groups = 0x5200;

bool dictionary_says_sequence(const DicomElement& element) {
  return DcmTag(element.group, element.number).getEVR() == EVR_SQ;
}

bool are_zeros(const std::uint8_t* bytes, std::size_t count) {
  return std::all_of(bytes, bytes + count, [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

std::uint16_t DicomWalker::u16(const std::uint8_t* p) const {
  return static_cast<std::uint16_t>(encoding.big_endian ? p[0] << 8 | p[1] : p[1] << 8 | p[0]);
}

std::uint32_t DicomWalker::u32(const std::uint8_t* p) const {
  return encoding.big_endian ? std::uint32_t{u16(p)} << 16 | u16(p + 2)
                             : std::uint32_t{u16(p + 2)} << 16 | u16(p);
}

bool DicomWalker::next(DicomElement& element) {
  std::uint8_t head[8];
  element = {};
  element.begin = source_.position();
  element.length_at = element.begin + 4;
  const std::size_t got = source_.read(head, 8);
  if (got == 0 && levels_.empty()) return false;
  if (got < 8 || (levels_.empty() && are_zeros(head, 8))) {
    if (!levels_.empty() || !are_zeros(head, got) || !only_zeros_left()) truncated();
    add_oddity("zeros after the last element");
    return false;
  }
  element.group = u16(head);
  element.number = u16(head + 2);
  mend_delimiters(element, head);
  if (element.group == 0xfffe || !encoding.explicit_vr) {
    element.length = u32(head + 4);
    if (element.group != 0xfffe) element.is_sequence = dictionary_says_sequence(element);
  } else {
    read_explicit(element, head);
  }
  if (element.group != 0xfffe && element.length == undefined_length && !element.is_pixel_data()) {
    element.is_sequence = true;
  }
  return true;
}

void DicomWalker::read_explicit(DicomElement& element, const std::uint8_t* head) {
  // DCMTK decides, so that its parser finds lengths where this walk does.
  const DcmVR vr(std::string{static_cast<char>(head[4]), static_cast<char>(head[5])}.c_str());
  if (!vr.usesExtendedLengthEncoding()) {
    element.length = u16(head + 6);
    element.length_at = element.begin + 6;
    element.length_bytes = 2;
    return;
  }
  std::uint8_t length[4];
  element.length_at = source_.position();
  if (source_.read(length, 4) != 4) truncated();
  element.length = u32(length);
  // A sequence whose VR was unknown to the writer is implicit VR little endian inside (PS3.5, 6.2.2). With a
  // length of its own only a dictionary tells it from bytes; of such ones only the functional groups are
  // read.
  const bool is_group = element.group == functional_groups && dictionary_says_sequence(element);
  implicit_inside_ = vr.getEVR() == EVR_UN && (element.length == undefined_length || is_group);
  element.is_sequence = vr.getEVR() == EVR_SQ || implicit_inside_;
}

// Sequences and items that go on until a delimiter: one that is all zeros, or that was left out, is put where
// it belongs, in the file's stead and here.
void DicomWalker::mend_delimiters(DicomElement& element, const std::uint8_t* head) {
  if (levels_.empty() || !levels_.back().delimited) return;
  const bool in_item = levels_.back().is_item;
  if (are_zeros(head, 8)) {
    insert_delimiter(element.begin, 8, in_item);
    element.group = 0xfffe;
    element.number = in_item ? item_end : sequence_end;
    return;
  }
  const bool is_tag_of_sequence =
      element.group == 0xfffe && (element.number == item_start || element.number == sequence_end);
  if (in_item && is_tag_of_sequence) {  // the item is over, and nothing said so
    insert_delimiter(element.begin, 0, true);
    pop();
  } else if (!in_item && element.group == 0xfffe && element.number == item_end) {
    insert_delimiter(element.begin, 8, false);
    element.number = sequence_end;
  } else if (!in_item && element.group != 0xfffe) {  // the sequence is over, and nothing said so
    insert_delimiter(element.begin, 0, false);
    pop();
    close_finished();
  }
}

void DicomWalker::insert_delimiter(std::uint64_t at, std::uint64_t erased, bool of_item) {
  const std::uint16_t number = of_item ? item_end : sequence_end;
  std::string bytes = {'\xfe', '\xff', static_cast<char>(number & 0xff), static_cast<char>(number >> 8), 0, 0,
                       0,      0};
  if (encoding.big_endian) {
    std::swap(bytes[0], bytes[1]);
    std::swap(bytes[2], bytes[3]);
  }
  repairs.push_back({at, erased, std::move(bytes)});
  add_oddity(erased > 0 ? "a sequence's delimiter is wrong" : "a sequence's delimiter is missing");
}

void DicomWalker::add_oddity(const std::string& text) {
  if (oddity.empty()) oddity = text;
}

void DicomWalker::enter_or_skip(const DicomElement& element) {
  if (element.group == 0xfffe && element.number != item_start) {
    close_delimited();
  } else if (element.group == 0xfffe || element.is_sequence) {
    const bool delimited = element.length == undefined_length;
    levels_.push_back({source_.position() + (delimited ? 0 : element.length), delimited,
                       element.group == 0xfffe, encoding});
    if (implicit_inside_) encoding = {false, false};
    implicit_inside_ = false;
    if (levels_.size() > 2 * deepest) {
      fail(ErrorCategory::input, "{}: sequences nested more than {} deep", path_, deepest);
    }
  } else if (source_.skip(element.length) != element.length) {
    truncated();
  }
  close_finished();
}

std::string DicomWalker::skip_pixel_data(const DicomElement& element, std::uint64_t bytes_needed) {
  const std::string fault =
      element.length == undefined_length ? skip_fragments() : skip_native(element, bytes_needed);
  close_finished();
  return fault;
}

// A length that is larger than the file is mended where all pixels are there.
std::string DicomWalker::skip_native(const DicomElement& element, std::uint64_t bytes_needed) {
  const std::uint64_t present = source_.skip(element.length);
  if (present == element.length) return "";
  if (bytes_needed == 0 || present < bytes_needed || element.length_bytes != 4 || encoding.big_endian)
    return fmt::format("truncated: {} of {} bytes of pixel data", present, element.length);
  std::string length;
  for (int i = 0; i < 4; ++i) length += static_cast<char>(present >> (8 * i) & 0xff);
  repairs.push_back({element.length_at, 4, std::move(length)});
  add_oddity("the pixel data claims more bytes than the file has");
  return "";
}

std::string DicomWalker::skip_fragments() {
  bool ends_whole =
      false;      // the last fragment ends as a JPEG or JPEG 2000 stream does: FF D9, perhaps padded
  while (true) {  // fragments, then a delimiter
    std::uint8_t head[8];
    const std::uint64_t begin = source_.position();
    const std::size_t got = source_.read(head, 8);
    const bool is_end = got == 0 || (got == 8 && are_zeros(head, 8)) || (got < 8 && are_zeros(head, got));
    if (is_end && !ends_whole) return "truncated: the compressed pixel data has no end";
    if (is_end) {
      insert_delimiter(begin, got, false);
      return "";
    }
    if (got < 8) return "truncated: the compressed pixel data has no end";
    if (u16(head) != 0xfffe || (u16(head + 2) != item_start && u16(head + 2) != sequence_end)) {
      return "the compressed pixel data is not in fragments";
    }
    if (u16(head + 2) == sequence_end) return "";
    const std::uint32_t length = u32(head + 4);
    const std::uint32_t tail = std::min<std::uint32_t>(length, 3);
    std::uint8_t last[3] = {};
    if (source_.skip(length - tail) != length - tail || source_.read(last + 3 - tail, tail) != tail)
      return "truncated in a fragment of compressed pixel data";
    ends_whole = (last[1] == 0xff && last[2] == 0xd9) || (last[0] == 0xff && last[1] == 0xd9);
  }
}

std::string DicomWalker::value(const DicomElement& element, std::size_t most_bytes) {
  if (element.length > most_bytes)
    fail(ErrorCategory::input, "{}: ({:04X},{:04X}) has {} bytes", path_, element.group, element.number,
         element.length);
  std::string text(element.length, '\0');
  if (source_.read(reinterpret_cast<std::uint8_t*>(text.data()), text.size()) != text.size()) truncated();
  close_finished();
  return text;
}

void DicomWalker::close_finished() {
  while (!levels_.empty() && !levels_.back().delimited && source_.position() >= levels_.back().end) pop();
}

void DicomWalker::close_delimited() {
  while (!levels_.empty() && !levels_.back().delimited) pop();
  if (!levels_.empty()) pop();
}

void DicomWalker::pop() {
  encoding = levels_.back().outer;
  levels_.pop_back();
}

bool DicomWalker::only_zeros_left() {
  std::uint8_t chunk[4096];
  while (const std::size_t got = source_.read(chunk, sizeof chunk)) {
    if (!are_zeros(chunk, got)) return false;
  }
  return true;
}

void DicomWalker::truncated() const {
  fail(ErrorCategory::input,
       "{}: truncated or damaged: an element of the header goes on past the end of the file, byte {}", path_,
       source_.position());
}

}  // namespace pillar
