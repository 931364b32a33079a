#include "image/dicom/dicom_attributes.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include <charconv>
#include <cmath>

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

DcmElement* AttributeReader::find_as(const DcmTagKey& tag, DcmEVR vr, const char* vr_name) {
  DcmElement* element = find(tag);
  if (element == nullptr || element->ident() == vr) return element;
  add_fault(fmt::format("{} has value representation {}, not {}", tag_name(tag),
                        DcmVR(element->ident()).getVRName(), vr_name));
  return nullptr;
}

std::string AttributeReader::text(const DcmTagKey& tag) const {
  DcmElement* element = find(tag);
  OFString value;
  if (element == nullptr || element->getOFStringArray(value).bad()) return {};
  return std::string(trim({value.c_str(), value.size()}));
}

std::string AttributeReader::utf8_text(const DcmTagKey& tag, DcmItem& dataset) const {
  const std::string raw = text(tag);
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
  if (find_as(tag, EVR_DS, "DS") == nullptr) return std::nullopt;
  const std::string raw = text(tag);
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
  if (find_as(tag, EVR_IS, "IS") == nullptr) return std::nullopt;
  const std::string raw = text(tag);
  if (raw.empty()) return std::nullopt;
  std::int64_t value = 0;
  if (parse(raw, value)) return value;
  add_fault(fmt::format("{} is '{}', not a whole number", tag_name(tag), printable(raw, 80)));
  return std::nullopt;
}

std::optional<int> AttributeReader::u16(const DcmTagKey& tag) {
  DcmElement* element = find_as(tag, EVR_US, "US");
  Uint16 value = 0;
  if (element == nullptr || element->getUint16(value).bad()) return std::nullopt;
  return value;
}

std::optional<std::uint32_t> AttributeReader::u32(const DcmTagKey& tag) {
  DcmElement* element = find_as(tag, EVR_UL, "UL");
  Uint32 value = 0;
  if (element == nullptr || element->getUint32(value).bad()) return std::nullopt;
  return value;
}

}  // namespace pillar
