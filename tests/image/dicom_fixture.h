// DICOM files for tests: a small series, and edits of it that writers of real files make.
#pragma once

#include "pillar/image/dicom_series.h"
#include "pillar/image/dicom_write.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

namespace pillar::test {

// Every voxel differs from its neighbours and says where it is: 100 d + 10 h + w + low.
Volume counting_volume(std::int64_t d, std::int64_t h, std::int64_t w, std::int64_t low = 0);

// Loads, lets `edit` change the data set, and saves it over itself.
void edit_dicom(const std::filesystem::path& file, const std::function<void(DcmDataset&)>& edit,
                E_TransferSyntax syntax = EXS_LittleEndianExplicit);
void set_text(DcmItem& item, const DcmTagKey& tag, const std::string& text);

// "im0002.dcm"
std::filesystem::path slice_file(const std::filesystem::path& folder, int slice);

// A series in which every slice is edited, by its number from 0.
void write_edited_series(const std::filesystem::path& folder, const Volume& volume,
                         const std::function<void(DcmDataset& dataset, int slice)>& edit,
                         const DicomWriteOptions& options = {});

// The one series of a folder, loaded.
struct Loaded {
  DicomSeries series;
  Volume volume;
  LoadReport report;
};
Loaded load_only_series(const std::filesystem::path& folder, const DicomLoadOptions& options = {});

}  // namespace pillar::test
