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

// Why a plane is no part of a scan, whatever the others are.
struct LeftOutReason {
  LeftOut kind = LeftOut::localizer;
  std::string text;
};

// A plane, with what selection needs and nobody after it.
struct PlaneHeader {
  DicomPlane plane;
  std::string image_type;  // ImageType (0008,0008), or the frame's FrameType (0008,9007)
  std::optional<LeftOutReason> left_out;
  bool is_derived_view = false;
  bool is_lacking = false;  // its fault, if it has one, is what is absent, not what is malformed
  bool has_rescale = true;
  std::string rescale_type;   // RescaleType (0028,1054)
  std::string volume_values;  // what volume_value() takes apart
  std::string oddity;         // what was read although it is not as it should be; empty if nothing
};

struct FileHeader {
  DicomSeries identity;                   // its planes, exclusions and notes are empty
  std::optional<LeftOutReason> left_out;  // the file holds no image of a scan: no planes either
  std::vector<PlaneHeader> planes;
};

// Nothing if the file is not DICOM. Throws Error if it is damaged, or nothing here can read it.
std::optional<FileHeader> read_dicom_header(const std::filesystem::path& path);

// The file's data set up to, or with, the pixel data, whose value stays on disk until it is asked for unless
// the file needed a repair.
void open_dicom(DcmFileFormat& file, const std::filesystem::path& path, const DicomStructure& structure,
                bool with_pixels);

// What kind of object a file of this SOP class (0008,0016) and modality is, if it is no CT or MR image.
std::optional<LeftOutReason> other_object(const std::string& sop_class, const std::string& modality);

bool is_localizer(const std::string& image_type);
// A MIP, an MPR or another view of a scan, by the words of its image type.
bool is_derived_view(const std::string& image_type);

// Fills in what the attributes in `item` say (a data set, or one functional group's item); absent ones change
// nothing.
void read_position(DcmItem* item, PlaneHeader& header);     // ImagePositionPatient
void read_orientation(DcmItem* item, PlaneHeader& header);  // ImageOrientationPatient
bool read_measures(DcmItem* item,
                   PlaneHeader& header);  // PixelSpacing and slice spacing: whether there is a pixel spacing
void read_rescale(DcmItem* item, PlaneHeader& header);

// One PlaneHeader for each frame of an Enhanced file, from its shared and per-frame functional groups.
std::vector<PlaneHeader> enhanced_planes(DcmItem& dataset, const PlaneHeader& whole_file);

}  // namespace pillar
