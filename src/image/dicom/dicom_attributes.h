// Internal: typed reading of DICOM attributes. What is malformed is remembered as one line, not guessed at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

namespace pillar {

class AttributeReader {
 public:
  // `fault` gets the first thing that is wrong and keeps it.
  AttributeReader(DcmItem& item, std::string& fault) : item_(item), fault_(fault) {}

  std::string text(const DcmTagKey& tag) const;  // without padding; empty if absent
  std::string utf8_text(const DcmTagKey& tag,
                        DcmItem& dataset) const;  // valid UTF-8, by the data set's character set
  // Decimal strings (VR DS). Nothing if absent or empty; a fault if of another VR, count, or not finite
  // numbers.
  std::optional<std::vector<double>> numbers(const DcmTagKey& tag, std::size_t count);
  std::optional<double> number(const DcmTagKey& tag);
  std::optional<std::int64_t> integer(const DcmTagKey& tag);  // VR IS
  std::optional<int> u16(const DcmTagKey& tag);               // VR US
  std::optional<std::uint32_t> u32(const DcmTagKey& tag);     // VR UL
  void add_fault(const std::string& fault);

 private:
  DcmElement* find(const DcmTagKey& tag) const;  // null if absent or empty
  DcmElement* find_as(const DcmTagKey& tag, DcmEVR vr, const char* vr_name);

  DcmItem& item_;
  std::string& fault_;
};

// First item of a sequence, null if there is none.
DcmItem* first_item(DcmItem* parent, const DcmTagKey& sequence);

// "ImagePositionPatient (0020,0032)"
std::string tag_name(const DcmTagKey& tag);

std::vector<std::string> split_values(std::string_view text);  // at backslashes, without blanks around
std::string as_utf8(
    std::string_view text);  // unchanged where valid, else taken as Latin-1; no control characters

}  // namespace pillar
