#include "image/dicom/dicom_attributes.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "image/dicom/dicom_text.h"

#include <charconv>
#include <cmath>
#include <memory>

#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dcspchrs.h>
#include <fmt/format.h>

namespace pillar {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view padding("\0 \t", 3);
  const std::size_t begin = text.find_first_not_of(padding);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(padding) - begin + 1);
}

template <typename Number>
bool parse(std::string_view text, Number& value) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// Length of the UTF-8 sequence at the front, 0 if it is not one.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t length = byte(0) < 0x80   ? 1
                             : byte(0) < 0xc2 ? 0
                             : byte(0) < 0xe0 ? 2
                             : byte(0) < 0xf0 ? 3
                             : byte(0) < 0xf5 ? 4
                                              : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if (length == 3 && ((byte(0) == 0xe0 && byte(1) < 0xa0) || (byte(0) == 0xed && byte(1) > 0x9f))) return 0;
  if (length == 4 && ((byte(0) == 0xf0 && byte(1) < 0x90) || (byte(0) == 0xf4 && byte(1) > 0x8f))) return 0;
  return length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

// The value of an element whose VR is UN: what the writer knew nothing of.
std::string unknown_bytes(DcmElement& element) {
  Uint8* bytes = nullptr;
  if (element.getUint8Array(bytes).bad() || bytes == nullptr) return {};
  return {reinterpret_cast<const char*>(bytes), element.getLength()};
}

}  // namespace

std::string tag_name(const DcmTagKey& tag) {
  DcmTag named(tag);
  return fmt::format("{} ({:04X},{:04X})", named.getTagName(), tag.getGroup(), tag.getElement());
}

std::vector<std::string> split_values(std::string_view text) {
  std::vector<std::string> values;
  while (true) {
    const std::size_t end = text.find('\\');
    values.emplace_back(trim(text.substr(0, end)));
    if (end == std::string_view::npos) return values;
    text.remove_prefix(end + 1);
  }
}

std::string as_utf8(std::string_view text) {
  const bool valid = is_utf8(text);
  std::string out;
  for (char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += ' ';
    } else if (valid || byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xc0 | byte >> 6);
      out += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return out;
}

DcmSequenceOfItems* functional_groups_of(DcmItem& dataset, const DcmTagKey& tag) {
  DcmElement* element = nullptr;
  if (dataset.findAndGetElement(tag, element).bad() || element == nullptr) return nullptr;
  if (element->ident() != EVR_UN) return dynamic_cast<DcmSequenceOfItems*>(element);
  const std::string value = unknown_bytes(*element);
  std::string bytes;  // the element as implicit VR little endian writes it
  for (const std::uint32_t number : {std::uint32_t{tag.getGroup()} | std::uint32_t{tag.getElement()} << 16,
                                     static_cast<std::uint32_t>(value.size())}) {
    for (int i = 0; i < 4; ++i) bytes += static_cast<char>(number >> (8 * i) & 0xff);
  }
  bytes += value;
  DcmInputBufferStream stream;
  stream.setBuffer(bytes.data(), static_cast<offile_off_t>(bytes.size()));
  stream.setEos();
  DcmDataset alone;
  alone.transferInit();
  const OFCondition status = alone.read(stream, EXS_LittleEndianImplicit, EGL_noChange);
  alone.transferEnd();
  std::unique_ptr<DcmElement> found(alone.remove(tag));
  auto* sequence = dynamic_cast<DcmSequenceOfItems*>(found.get());
  const bool is_whole = status.good() || status == EC_EndOfStream;
  if (!is_whole || sequence == nullptr || dataset.insert(sequence, OFTrue).bad()) return nullptr;
  static_cast<void>(found.release());  // it is the data set's
  return sequence;
}

DcmItem* first_item(DcmItem* parent, const DcmTagKey& sequence) {
  DcmItem* item = nullptr;
  if (parent == nullptr || parent->findAndGetSequenceItem(sequence, item, 0).bad()) return nullptr;
  return item;
}

void AttributeReader::add_fault(const std::string& fault) {
  if (fault_.empty()) fault_ = fault;
}

DcmElement* AttributeReader::find(const DcmTagKey& tag) const {
  DcmElement* element = nullptr;
  if (item_.findAndGetElement(tag, element).bad() || element == nullptr || element->getLength() == 0)
    return nullptr;
  return element;
}

std::string AttributeReader::text(const DcmTagKey& tag) const {
  DcmElement* element = find(tag);
  if (element == nullptr) return {};
  if (element->ident() == EVR_UN) return std::string(trim(unknown_bytes(*element)));
  OFString value;
  if (element->getOFStringArray(value).bad()) return {};
  return std::string(trim({value.c_str(), value.size()}));
}

// The text of an attribute that should have the VR given; another is remembered as odd.
std::string AttributeReader::text_of(const DcmTagKey& tag, DcmEVR vr, const char* vr_name) {
  DcmElement* element = find(tag);
  if (element == nullptr) return {};
  if (element->ident() != vr) {
    const std::string found = fmt::format("{} has value representation {}, not {}", tag_name(tag),
                                          DcmVR(element->ident()).getVRName(), vr_name);
    if (!element->isLeaf()) {
      add_fault(found);
      return {};
    }
    if (oddity_ != nullptr && oddity_->empty()) *oddity_ = found;
  }
  return text(tag);
}

std::string AttributeReader::utf8_text(const DcmTagKey& tag, DcmItem& dataset) const {
  const std::string raw = text(tag);
  if (raw.find('\x1b') != std::string::npos) {
    std::string ignored;
    return as_utf8(iso_2022_as_utf8(raw, AttributeReader(dataset, ignored).text(DCM_SpecificCharacterSet)));
  }
  OFString charset;
  DcmSpecificCharacterSet converter;
  OFString converted;
  if (dataset.findAndGetOFStringArray(DCM_SpecificCharacterSet, charset).good() && !charset.empty() &&
      converter.selectCharacterSet(charset).good() &&
      converter.convertString(raw.data(), raw.size(), converted).good()) {
    return as_utf8({converted.c_str(), converted.size()});
  }
  return as_utf8(raw);
}

std::optional<std::vector<double>> AttributeReader::numbers(const DcmTagKey& tag, std::size_t count) {
  const std::string raw = text_of(tag, EVR_DS, "DS");
  if (raw.empty()) return std::nullopt;
  std::vector<double> values;
  for (const std::string& part : split_values(raw)) {
    double value = 0;
    if (!parse(part, value) || !std::isfinite(value)) break;
    values.push_back(value);
  }
  if (values.size() == count && split_values(raw).size() == count) return values;
  add_fault(fmt::format("{} is '{}', not {} finite number{}", tag_name(tag), printable(raw, 80), count,
                        count == 1 ? "" : "s"));
  return std::nullopt;
}

std::optional<double> AttributeReader::number(const DcmTagKey& tag) {
  const auto values = numbers(tag, 1);
  return values ? std::optional(values->front()) : std::nullopt;
}

std::optional<std::int64_t> AttributeReader::integer(const DcmTagKey& tag) {
  const std::string raw = text_of(tag, EVR_IS, "IS");
  if (raw.empty()) return std::nullopt;
  std::int64_t value = 0;
  if (parse(raw, value)) return value;
  add_fault(fmt::format("{} is '{}', not a whole number", tag_name(tag), printable(raw, 80)));
  return std::nullopt;
}

// A binary number, which an unknown value representation leaves as little-endian bytes.
std::optional<std::int64_t> AttributeReader::whole_number(const DcmTagKey& tag, DcmEVR vr,
                                                          const char* vr_name, std::int64_t most) {
  const std::string raw = text_of(tag, vr, vr_name);
  DcmElement* element = find(tag);
  if (element == nullptr || !element->isLeaf()) return std::nullopt;
  std::int64_t value = 0;
  if (element->ident() == EVR_UN) {
    const std::string bytes = unknown_bytes(*element);
    for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    if (bytes.size() <= 4 && value <= most) return value;
  } else if (parse(split_values(raw).front(), value) && value >= 0 && value <= most) {
    return value;
  }
  add_fault(fmt::format("{} is '{}', not a number up to {}", tag_name(tag), printable(raw, 40), most));
  return std::nullopt;
}

std::optional<int> AttributeReader::u16(const DcmTagKey& tag) {
  const auto value = whole_number(tag, EVR_US, "US", 0xffff);
  return value ? std::optional(static_cast<int>(*value)) : std::nullopt;
}

std::optional<std::uint32_t> AttributeReader::u32(const DcmTagKey& tag) {
  const auto value = whole_number(tag, EVR_UL, "UL", 0xffffffff);
  return value ? std::optional(static_cast<std::uint32_t>(*value)) : std::nullopt;
}

}  // namespace pillar
