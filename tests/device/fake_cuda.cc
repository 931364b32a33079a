// A libcuda.so.1 whose answers are those of environment variables: put before the real one by
// LD_LIBRARY_PATH, it shows what is said on machines that are not at hand.
//   FAKE_CUDA_VERSION  cuDriverGetVersion's answer, 13000 by default
//   FAKE_CUDA_INIT     cuInit's, 0 by default
//   FAKE_CUDA_DEVICES  compute capability and name of each device: "9.0 NVIDIA H200;7.0 Tesla V100"
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

namespace {

std::string setting(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

std::vector<std::string> devices() {
  std::vector<std::string> found;
  std::istringstream text(setting("FAKE_CUDA_DEVICES", ""));
  for (std::string one; std::getline(text, one, ';');) found.push_back(one);
  return found;
}

}  // namespace

extern "C" {

int cuDriverGetVersion(int* version) {
  *version = std::stoi(setting("FAKE_CUDA_VERSION", "13000"));
  return 0;
}

int cuInit(unsigned) {
  return std::stoi(setting("FAKE_CUDA_INIT", "0"));
}

int cuDeviceGetCount(int* count) {
  *count = static_cast<int>(devices().size());
  return 0;
}

int cuDeviceGet(int* handle, int index) {
  *handle = 100 + index;  // a handle is no index
  return 0;
}

int cuDeviceGetName(char* name, int bytes, int handle) {
  std::strncpy(name, devices().at(static_cast<std::size_t>(handle - 100)).substr(4).c_str(),
               static_cast<std::size_t>(bytes));
  return 0;
}

int cuDeviceGetAttribute(int* value, int attribute, int handle) {
  const std::string device = devices().at(static_cast<std::size_t>(handle - 100));
  *value = device.at(attribute == 75 ? 0 : 2) - '0';
  return attribute == 75 || attribute == 76 ? 0 : 1;
}

int cuGetErrorString(int code, const char** text) {
  if (code != 803) return 1;
  *text = "system has unsupported display driver / cuda driver combination";
  return 0;
}
}
