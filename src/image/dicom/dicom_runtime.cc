#include "image/dicom/dicom_runtime.h"

#include "pillar/core/fail.h"

#include <mutex>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdict.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <dcmtk/oflog/oflog.h>
#include <gdcmTrace.h>

namespace pillar {

void init_dicom_libraries() {
  static std::once_flag once;
  std::call_once(once, [] {
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    gdcm::Trace::WarningOff();
    gdcm::Trace::ErrorOff();
    gdcm::Trace::DebugOff();
    if (!dcmDataDict.isDictionaryLoaded()) {
      fail(ErrorCategory::io, "DCMTK found no data dictionary: install its package data or set DCMDICTPATH");
    }
    DJDecoderRegistration::registerCodecs();
    DJLSDecoderRegistration::registerCodecs();
  });
}

}  // namespace pillar
