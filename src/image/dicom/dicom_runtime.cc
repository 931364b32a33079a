#include "image/dicom/dicom_runtime.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

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

}  // namespace

void init_dicom_libraries() {
  static std::once_flag once;
  std::call_once(once, [] {
    redirect_dcmtk_log();
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
