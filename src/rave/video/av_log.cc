#include "rave/video/av_log.h"

#include "rave/video/av.h"

#include <cstdarg>
#include <cstdio>
#include <map>
#include <mutex>

#include <spdlog/spdlog.h>

namespace pillar {
namespace {

std::mutex faults_mutex;

std::map<const void*, std::string>& faults_by_owner() {
  static std::map<const void*, std::string> faults;
  return faults;
}

// libav's log callback; runs on any of its threads.
void on_av_message(void* source, int level, const char* format, va_list arguments) {
  if (level > AV_LOG_WARNING) return;
  char text[512];
  int length = std::vsnprintf(text, sizeof(text), format, arguments);
  if (length < 0) return;
  std::string line(text);
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ' || line.back() == '.')) line.pop_back();
  if (line.empty()) return;
  spdlog::debug("libav: {}", line);
  if (level > AV_LOG_ERROR || source == nullptr) return;
  if (*static_cast<const AVClass* const*>(source) != avcodec_get_class()) return;
  std::lock_guard lock(faults_mutex);
  auto found = faults_by_owner().find(static_cast<const AVCodecContext*>(source)->opaque);
  if (found != faults_by_owner().end() && found->second.empty()) found->second = line;
}

}  // namespace

void redirect_av_log() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_callback(on_av_message); });
}

std::string av_error_text(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof(text));
  return text;
}

AvFaults::AvFaults() {
  redirect_av_log();
  std::lock_guard lock(faults_mutex);
  faults_by_owner()[this];
}

AvFaults::~AvFaults() {
  std::lock_guard lock(faults_mutex);
  faults_by_owner().erase(this);
}

std::string AvFaults::first() const {
  std::lock_guard lock(faults_mutex);
  return faults_by_owner().at(this);
}

}  // namespace pillar
