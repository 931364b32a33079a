#include "image/dicom/dicom_runtime.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "core/shared/loaded_file.h"

#include <filesystem>
#include <mutex>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdict.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <dcmtk/oflog/oflog.h>
#include <dcmtk/oflog/spi/logevent.h>
#include <gdcmTrace.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace oflog = dcmtk::log4cplus;

// DCMTK's warnings in our log, at debug level: what matters of them is said in notes and errors of our own.
class DcmtkMessages : public oflog::Appender {
 public:
  ~DcmtkMessages() override { destructorImpl(); }
  void close() override { closed = true; }

 protected:
  void append(const oflog::spi::InternalLoggingEvent& event) override {
    spdlog::debug("DCMTK: {}", printable(event.getMessage().c_str()));
  }
};

void redirect_dcmtk_log() {
  const bool is_wanted = spdlog::should_log(spdlog::level::debug);
  OFLog::configure(is_wanted ? OFLogger::WARN_LOG_LEVEL : OFLogger::OFF_LOG_LEVEL);
  oflog::Logger root = oflog::Logger::getRoot();
  root.removeAllAppenders();
  root.addAppender(oflog::SharedAppenderPtr(new DcmtkMessages));
}

// Debian's DCMTK looks where DCMDICTPATH says, else where its package puts the dictionary. Programs that were
// carried to another machine have it in share/pillar/dicom beside lib/, where this library is; standard
// elements, then private ones.
bool load_dictionary_beside_library() {
  const std::filesystem::path library = loaded_file(reinterpret_cast<const void*>(&init_dicom_libraries));
  const std::filesystem::path folder = library.parent_path().parent_path() / "share" / "pillar" / "dicom";
  if (!std::filesystem::is_regular_file(folder / "dicom.dic")) return false;
  DcmDataDictionary& dictionary = dcmDataDict.wrlock();
  const bool loaded = dictionary.loadDictionary((folder / "dicom.dic").c_str());
  dictionary.loadDictionary((folder / "private.dic").c_str(), OFFalse);
  dcmDataDict.wrunlock();
  return loaded;
}

}  // namespace

void init_dicom_libraries() {
  static std::once_flag once;
  std::call_once(once, [] {
    redirect_dcmtk_log();
    gdcm::Trace::WarningOff();
    gdcm::Trace::ErrorOff();
    gdcm::Trace::DebugOff();
    if (!dcmDataDict.isDictionaryLoaded() && !load_dictionary_beside_library()) {
      fail(ErrorCategory::io,
           "DCMTK found no data dictionary (dicom.dic): set DCMDICTPATH to it, or install Debian's "
           "libdcmtk17");
    }
    DJDecoderRegistration::registerCodecs();
    DJLSDecoderRegistration::registerCodecs();
  });
}

}  // namespace pillar
