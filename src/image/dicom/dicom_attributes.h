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

// Values are read whatever the value representation claims, as long as they can be: the dictionary knows what
// an attribute is (a PACS that did not may have written UN).
class AttributeReader {
 public:
  // `fault` gets the first thing that is wrong and keeps it; `oddity`, if given, the first that was read
  // although it is not as it should be.
  AttributeReader(DcmItem& item, std::string& fault, std::string* oddity = nullptr)
      : item_(item), fault_(fault), oddity_(oddity) {}

  std::string text(const DcmTagKey& tag) const;  // without padding; empty if absent
  std::string utf8_text(const DcmTagKey& tag,
                        DcmItem& dataset) const;  // valid UTF-8, by the data set's character set
  // Decimal strings (VR DS). Nothing if absent or empty; a fault if of another count, or not finite numbers.
  std::optional<std::vector<double>> numbers(const DcmTagKey& tag, std::size_t count);
  std::optional<double> number(const DcmTagKey& tag);
  std::optional<std::int64_t> integer(const DcmTagKey& tag);  // VR IS
  std::optional<int> u16(const DcmTagKey& tag);               // VR US
  std::optional<std::uint32_t> u32(const DcmTagKey& tag);     // VR UL
  void add_fault(const std::string& fault);

 private:
  DcmElement* find(const DcmTagKey& tag) const;  // null if absent or empty
  std::string text_of(const DcmTagKey& tag, DcmEVR vr, const char* vr_name);
  std::optional<std::int64_t> whole_number(const DcmTagKey& tag, DcmEVR vr, const char* vr_name,
                                           std::int64_t most);

  DcmItem& item_;
  std::string& fault_;
  std::string* oddity_;
};

// The functional groups of all frames or of each (5200,9229 and 9230). Where a writer did not know them (VR
// UN), they are read from its bytes, which examine_dicom() has walked through, and put in their place. Null
// where there are none.
DcmSequenceOfItems* functional_groups_of(DcmItem& dataset, const DcmTagKey& tag);

// First item of a sequence, null if there is none.
DcmItem* first_item(DcmItem* parent, const DcmTagKey& sequence);

// "ImagePositionPatient (0020,0032)"
std::string tag_name(const DcmTagKey& tag);

std::vector<std::string> split_values(std::string_view text);  // at backslashes, without blanks around
std::string as_utf8(
    std::string_view text);  // unchanged where valid, else taken as Latin-1; no control characters

}  // namespace pillar
