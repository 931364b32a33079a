#include "image/dicom/dicom_padding.h"

#include "image/padding.h"

#include <algorithm>
#include <optional>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

namespace pillar {
namespace {

// The 16 bits of a US or SS attribute.
std::optional<Uint16> sixteen_bits(DcmItem& dataset, const DcmTagKey& tag) {
  DcmElement* element = nullptr;
  if (dataset.findAndGetElement(tag, element).bad() || element == nullptr) return std::nullopt;
  Uint16 bits = 0;
  if (element->getUint16(bits).good()) return bits;
  Sint16 value = 0;
  if (element->getSint16(value).good()) return static_cast<Uint16>(value);
  return std::nullopt;
}

// Whether no tissue can have what the padding is rescaled to.
bool is_below_air(const DicomPlane& plane) {
  const auto [first, last] = *plane.padding_stored;
  const auto hu = [&](std::int32_t stored) { return plane.rescale_slope * stored + plane.rescale_intercept; };
  return std::max(hu(first), hu(last)) < kAirHu;
}

bool is_in_every_corner(const DicomPlane& plane, std::span<const std::int32_t> stored) {
  const auto columns = static_cast<std::size_t>(plane.columns);
  const auto [first, last] = *plane.padding_stored;
  for (std::size_t corner : {std::size_t{0}, columns - 1, stored.size() - columns, stored.size() - 1}) {
    if (stored[corner] < first || stored[corner] > last) return false;
  }
  return true;
}

}  // namespace

void read_padding(DcmItem& dataset, DicomPlane& plane) {
  const auto value = sixteen_bits(dataset, DCM_PixelPaddingValue);
  if (!value) return;
  const Uint16 limit = sixteen_bits(dataset, DCM_PixelPaddingRangeLimit).value_or(*value);
  Uint16 is_signed = 0;
  dataset.findAndGetUint16(DCM_PixelRepresentation, is_signed);
  const auto number = [&](Uint16 bits) {
    return is_signed == 1 ? std::int32_t{static_cast<std::int16_t>(bits)} : std::int32_t{bits};
  };
  plane.padding_stored = std::minmax(number(*value), number(limit));
}

template <typename Value>
std::int64_t padding_to_air(const DicomPlane& plane, std::span<const std::int32_t> stored,
                            std::span<Value> values) {
  const bool named =
      plane.padding_stored && !stored.empty() && (is_below_air(plane) || is_in_every_corner(plane, stored));
  const auto [first, last] = plane.padding_stored.value_or(std::pair{0, 0});
  std::int64_t count = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool by_name = named && stored[i] >= first && stored[i] <= last;
    if (!by_name && !is_padding_hu(static_cast<double>(values[i]))) continue;
    values[i] = static_cast<Value>(kAirHu);
    ++count;
  }
  return count;
}

template std::int64_t padding_to_air(const DicomPlane&, std::span<const std::int32_t>,
                                     std::span<std::int32_t>);
template std::int64_t padding_to_air(const DicomPlane&, std::span<const std::int32_t>, std::span<double>);

}  // namespace pillar
