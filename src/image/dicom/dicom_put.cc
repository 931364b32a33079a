#include "image/dicom/dicom_put.h"

#include "pillar/core/fail.h"

#include <vector>

#include <fmt/format.h>

namespace pillar {
namespace {

void check(const OFCondition& condition, const DcmTagKey& tag) {
  if (condition.bad()) {
    fail(ErrorCategory::unsupported, "cannot set DICOM attribute {}: {}", tag.toString().c_str(),
         condition.text());
  }
}

}  // namespace

void put(DcmItem& item, const DcmTagKey& tag, const std::string& text) {
  check(item.putAndInsertOFStringArray(DcmTag(tag), OFString(text.c_str(), text.size())), tag);
}

void put_numbers(DcmItem& item, const DcmTagKey& tag, std::initializer_list<double> values) {
  std::string text;
  for (double value : values) {
    if (!text.empty()) text += '\\';
    text += format_ds(value);
  }
  put(item, tag, text);
}

void put_u16(DcmItem& item, const DcmTagKey& tag, int value) {
  check(item.putAndInsertUint16(DcmTag(tag), static_cast<Uint16>(value)), tag);
}

void put_u32s(DcmItem& item, const DcmTagKey& tag, std::initializer_list<std::uint32_t> values) {
  const std::vector<Uint32> array(values.begin(), values.end());
  check(item.putAndInsertUint32Array(DcmTag(tag), array.data(), array.size()), tag);
}

void put_tag(DcmItem& item, const DcmTagKey& tag, const DcmTagKey& value) {
  check(item.putAndInsertTagKey(DcmTag(tag), value), tag);
}

DcmItem& put_item(DcmItem& parent, const DcmTagKey& sequence, long index) {
  DcmItem* item = nullptr;
  check(parent.findOrCreateSequenceItem(DcmTag(sequence), item, index), sequence);
  return *item;
}

std::string format_ds(double value) {
  std::string text = fmt::format("{}", value);  // the shortest that reads back as the same double
  for (int digits = 16; text.size() > 16 && digits > 0; --digits)
    text = fmt::format("{:.{}g}", value, digits);
  return text;
}

}  // namespace pillar
