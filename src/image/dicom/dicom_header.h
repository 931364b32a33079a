// Internal: what one DICOM file says of its series and its planes.
#pragma once

#include "pillar/image/dicom_series.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

class DcmFileFormat;
class DcmItem;

namespace pillar {

struct DicomStructure;

// A plane, with what selection needs and nobody after it.
struct PlaneHeader {
  DicomPlane plane;
  std::string instance_uid;  // SOPInstanceUID (0008,0018)
  bool is_localizer = false;
  bool has_rescale = true;
};

struct FileHeader {
  DicomSeries identity;  // its planes, exclusions and notes are empty
  std::vector<PlaneHeader> planes;
};

// Nothing if the file is not DICOM. Throws Error(input) if it is damaged, or Error(unsupported) if it is
// sound but no CT or MR image.
std::optional<FileHeader> read_dicom_header(const std::filesystem::path& path);

// The file's data set up to, or with, the pixel data, whose value stays on disk until it is asked for.
void open_dicom(DcmFileFormat& file, const std::filesystem::path& path, const DicomStructure& structure,
                bool with_pixels);

// Fills in what the attributes in `item` say (a data set, or one functional group's item); absent ones change
// nothing.
void read_position(DcmItem* item, DicomPlane& plane);     // ImagePositionPatient
void read_orientation(DcmItem* item, DicomPlane& plane);  // ImageOrientationPatient
bool read_measures(DcmItem* item,
                   DicomPlane& plane);  // PixelSpacing and slice spacing: whether there is a pixel spacing
bool read_rescale(DcmItem* item, DicomPlane& plane);  // whether there is one

// One PlaneHeader for each frame of an Enhanced file, from its shared and per-frame functional groups.
std::vector<PlaneHeader> enhanced_planes(DcmItem& dataset, const PlaneHeader& whole_file);

}  // namespace pillar
