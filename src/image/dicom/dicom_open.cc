// From a file's bytes, as far as examine_dicom() has walked them and with its repairs, to DCMTK's data set.
#include "pillar/core/fail.h"

#include "image/dicom/dicom_header.h"
#include "image/dicom/dicom_source.h"
#include "image/dicom/dicom_structure.h"

#include <algorithm>
#include <cstring>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcistrma.h>
#include <dcmtk/dcmdata/dctk.h>

namespace pillar {
namespace {

constexpr Uint32 value_bytes_read_at_once = 4096;  // longer values stay on disk, where DCMTK has the file
constexpr std::uint64_t most_inflated_bytes = 1u << 31;  // DCMTK counts in 32 bits

class ViewProducer : public DcmProducer {
 public:
  explicit ViewProducer(ByteView bytes) : bytes_(bytes) {}
  OFBool good() const override { return OFTrue; }
  OFCondition status() const override { return EC_Normal; }
  OFBool eos() override { return at_ == bytes_.size(); }
  offile_off_t avail() override { return static_cast<offile_off_t>(bytes_.size() - at_); }
  offile_off_t read(void* target, offile_off_t count) override {
    const std::size_t step = limited(count);
    if (step > 0) std::memcpy(target, bytes_.data() + at_, step);
    at_ += step;
    return static_cast<offile_off_t>(step);
  }
  offile_off_t skip(offile_off_t count) override {
    const std::size_t step = limited(count);
    at_ += step;
    return static_cast<offile_off_t>(step);
  }
  void putback(offile_off_t count) override { at_ -= std::min(at_, static_cast<std::size_t>(count)); }

 private:
  std::size_t limited(offile_off_t count) const {
    return count <= 0 ? 0 : std::min(static_cast<std::size_t>(count), bytes_.size() - at_);
  }
  ByteView bytes_;
  std::size_t at_ = 0;
};

// A view of bytes that outlive it, as a stream for DCMTK's parser.
class ViewStream : public DcmInputStream {
 public:
  explicit ViewStream(ByteView bytes) : DcmInputStream(&producer_), producer_(bytes) {}
  DcmInputStreamFactory* newFactory() const override { return nullptr; }  // values are read at once

 private:
  ViewProducer producer_;
};

Bytes inflated(ByteView bytes, const DicomStructure& structure, std::uint64_t end,
               const std::filesystem::path& path) {
  const std::uint64_t count = end - structure.data_begin;
  if (count > most_inflated_bytes)
    fail(ErrorCategory::unsupported, "{}: a deflated data set of {} bytes", path, count);
  DicomSource source(bytes);
  source.skip(structure.data_begin);
  source.inflate_rest(path);
  Bytes data(count);
  data.resize(source.read(data.data(), data.size()));
  return data;
}

// The bytes from the data set's first to `end`, with the repairs among them.
Bytes repaired(ByteView data, const DicomStructure& structure, std::uint64_t end) {
  Bytes result;
  std::uint64_t at = structure.data_begin;
  const auto copy_to = [&](std::uint64_t stop) {
    const ByteView part = data.subspan(at - structure.data_begin, stop - at);
    result.insert(result.end(), part.begin(), part.end());
  };
  for (const DicomRepair& repair : structure.repairs) {
    if (repair.begin + repair.erased > end) break;
    copy_to(repair.begin);
    result.insert(result.end(), repair.inserted.begin(), repair.inserted.end());
    at = repair.begin + repair.erased;
  }
  copy_to(end);
  return result;
}

void parse_bytes(DcmFileFormat& file, const std::filesystem::path& path, const DicomStructure& structure,
                 std::uint64_t end) {
  const MappedFile mapped(path);
  const std::uint64_t size = mapped.bytes().size();
  if (structure.data_begin > size || (!structure.is_deflated && end > size))
    fail(ErrorCategory::input, "{}: changed while it was read", path);
  Bytes owned;
  ByteView data;
  if (structure.is_deflated) {
    owned = inflated(mapped.bytes(), structure, end, path);
    data = owned;
  } else {
    data = mapped.bytes().subspan(structure.data_begin, end - structure.data_begin);
  }
  if (!structure.repairs.empty()) {
    owned = repaired(data, structure, end);
    data = owned;
  }
  const E_TransferSyntax syntax =
      structure.is_deflated ? EXS_LittleEndianExplicit : DcmXfer(structure.transfer_syntax.c_str()).getXfer();
  ViewStream stream(data);
  DcmDataset& dataset = *file.getDataset();
  dataset.transferInit();
  const OFCondition status = dataset.read(stream, syntax, EGL_noChange, value_bytes_read_at_once);
  dataset.transferEnd();
  if (status.bad() && status != EC_EndOfStream)
    fail(ErrorCategory::input, "{}: damaged DICOM file: {}", path, status.text());
}

}  // namespace

void open_dicom(DcmFileFormat& file, const std::filesystem::path& path, const DicomStructure& structure,
                bool with_pixels) {
  if (!with_pixels || structure.is_deflated || !structure.is_plain) {
    parse_bytes(file, path, structure, with_pixels ? structure.data_end : structure.pixels_begin);
    return;
  }
  const OFCondition status = file.loadFile(OFFilename(path.c_str()), EXS_Unknown, EGL_noChange,
                                           value_bytes_read_at_once, ERM_fileOnly);
  if (status.bad()) fail(ErrorCategory::input, "{}: damaged DICOM file: {}", path, status.text());
}

}  // namespace pillar
