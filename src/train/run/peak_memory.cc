#include "train/run/peak_memory.h"

#include "pillar/device/device_clock.h"

#include <fstream>

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

namespace pillar {

double peak_resident_megabytes() {
  struct rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double size = 0, resident = 0;
  if (!(file >> size >> resident)) return 0;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

std::string peak_memory_text(at::Device device) {
  std::string text = fmt::format("{:.0f} MB resident", peak_resident_megabytes());
  if (!device.is_cuda()) return text;
  return text +
         fmt::format(", {:.0f} MB on the device", static_cast<double>(peak_device_bytes(device)) / (1 << 20));
}

}  // namespace pillar
