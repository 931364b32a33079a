// Internal: steps over the elements of a DICOM data set, and remembers what must be mended.
#pragma once

#include "image/dicom/dicom_source.h"
#include "image/dicom/dicom_structure.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

struct DicomElement {
  std::uint16_t group = 0;
  std::uint16_t number = 0;
  bool is_sequence = false;
  std::uint32_t length = 0;
  std::uint64_t begin = 0;      // of its tag
  std::uint64_t length_at = 0;  // of its length field
  int length_bytes = 4;

  bool is_pixel_data() const noexcept { return group == 0x7fe0 && number == 0x0010; }
};

struct DicomEncoding {
  bool explicit_vr = true;
  bool big_endian = false;
};

class DicomWalker {
 public:
  DicomWalker(DicomSource& source, const std::filesystem::path& path) : source_(source), path_(path) {}

  DicomEncoding encoding;
  std::vector<DicomRepair> repairs;
  std::string oddity;  // the first that was met

  bool at_top_level() const noexcept { return levels_.empty(); }

  // False at the end of the data: their clean end, or nothing but zeros from here on.
  bool next(DicomElement& element);
  // Past the value, or into the sequence or item.
  void enter_or_skip(const DicomElement& element);
  // What is wrong with it, if anything is. `bytes_needed` by the image it holds; 0 if not known.
  std::string skip_pixel_data(const DicomElement& element, std::uint64_t bytes_needed);
  // The value of a short element.
  std::string value(const DicomElement& element, std::size_t most_bytes);

  std::uint16_t u16(const std::uint8_t* bytes) const;
  std::uint32_t u32(const std::uint8_t* bytes) const;

 private:
  // An open sequence or item; `end` is where it stops, unless a delimiter says so.
  struct Level {
    std::uint64_t end = 0;
    bool delimited = false;
    bool is_item = false;
    DicomEncoding outer;  // back to this after it
  };

  void read_explicit(DicomElement& element, const std::uint8_t* head);
  void mend_delimiters(DicomElement& element, const std::uint8_t* head);
  void insert_delimiter(std::uint64_t at, std::uint64_t erased, bool of_item);
  void add_oddity(const std::string& text);
  std::string skip_native(const DicomElement& element, std::uint64_t bytes_needed);
  std::string skip_fragments();
  void close_delimited();
  void close_finished();
  void pop();
  bool only_zeros_left();
  [[noreturn]] void truncated() const;

  DicomSource& source_;
  const std::filesystem::path& path_;
  std::vector<Level> levels_;
  bool implicit_inside_ = false;
};

}  // namespace pillar
