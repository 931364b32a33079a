// Internal: set-up that DCMTK and GDCM need once per process.
#pragma once

namespace pillar {

// Registers DCMTK's codecs, checks that it has its data dictionary, and turns off both libraries' own
// messages: what is wrong with a file is said once, by our errors. Thread-safe; cheap after the first call.
// Throws Error(io) without a dictionary.
void init_dicom_libraries();

}  // namespace pillar
