#include "device/cuda_driver.h"

#include "pillar/core/fail.h"

#include "device/find_symbol.h"

#include <charconv>
#include <cstdlib>

#include <fmt/format.h>

namespace pillar {
namespace {

// Of cuda.h, which no build needs.
constexpr int kNoDevice = 100;                             // CUDA_ERROR_NO_DEVICE
constexpr int kMajorAttribute = 75, kMinorAttribute = 76;  // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_*

// LibTorch's CUDA half is of CUDA 13, which drivers from 580 on have.
constexpr int kOldestCuda = 13000;
// As PILLAR_NVCC_FLAGS (cmake/PillarCuda.cmake) compiles the kernels: code for 8.0, and from 9.0 on code that
// newer devices compile for themselves.
constexpr std::int32_t kOldestMajor = 8;

// The functions of libcuda.so.1 that are asked. Each returns 0 or an error's number.
struct DriverCalls {
  int (*version)(int*) = nullptr;
  int (*init)(unsigned) = nullptr;
  int (*count)(int*) = nullptr;
  int (*device)(int*, int) = nullptr;  // the handle of a device by its number
  int (*name)(char*, int, int) = nullptr;
  int (*attribute)(int*, int, int) = nullptr;
  int (*error_text)(int, const char**) = nullptr;
};

// The name of the first function that the library lacks; empty: it has all.
std::string find_calls(void* library, DriverCalls& calls) {
  if (!find_symbol(library, "cuDriverGetVersion", calls.version)) return "cuDriverGetVersion";
  if (!find_symbol(library, "cuInit", calls.init)) return "cuInit";
  if (!find_symbol(library, "cuDeviceGetCount", calls.count)) return "cuDeviceGetCount";
  if (!find_symbol(library, "cuDeviceGet", calls.device)) return "cuDeviceGet";
  if (!find_symbol(library, "cuDeviceGetName", calls.name)) return "cuDeviceGetName";
  if (!find_symbol(library, "cuDeviceGetAttribute", calls.attribute)) return "cuDeviceGetAttribute";
  if (!find_symbol(library, "cuGetErrorString", calls.error_text)) return "cuGetErrorString";
  return {};
}

std::string error_in_words(const DriverCalls& calls, int code) {
  const char* text = nullptr;
  if (calls.error_text(code, &text) != 0 || text == nullptr) return fmt::format("error {}", code);
  return fmt::format("error {}, {}", code, text);
}

// " (CUDA_VISIBLE_DEVICES is '0,1')" where it is set, since it hides devices.
std::string visible_in_words() {
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  return visible == nullptr ? "" : fmt::format(" (CUDA_VISIBLE_DEVICES is '{}')", visible);
}

std::string no_device() {
  return "the NVIDIA driver shows no GPU" + visible_in_words();
}

// Empty: the driver is new enough and has started.
std::string start(const DriverCalls& calls) {
  int version = 0;
  if (const int code = calls.version(&version); code != 0)
    return fmt::format("the NVIDIA driver does not say its version ({})", error_in_words(calls, code));
  if (version < kOldestCuda) {
    return fmt::format(
        "the NVIDIA driver gives CUDA {}.{}; CUDA {}.{} is needed (NVIDIA driver 580 or newer)",
        version / 1000, version % 1000 / 10, kOldestCuda / 1000, kOldestCuda % 1000 / 10);
  }
  const int code = calls.init(0);
  if (code == kNoDevice) return no_device();
  if (code != 0) return fmt::format("the NVIDIA driver does not start ({})", error_in_words(calls, code));
  return {};
}

CudaDevice device_of(const DriverCalls& calls, int index) {
  CudaDevice found;
  int handle = 0;
  char name[256] = {};
  if (calls.device(&handle, index) != 0) return found;
  if (calls.name(name, sizeof(name) - 1, handle) == 0) found.name = name;
  calls.attribute(&found.major_cc, kMajorAttribute, handle);
  calls.attribute(&found.minor_cc, kMinorAttribute, handle);
  return found;
}

CudaDriver ask() {
  CudaDriver driver;
  void* library = ::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    driver.missing = "no NVIDIA driver (libcuda.so.1) on this machine";
    return driver;
  }
  driver.is_there = true;
  DriverCalls calls;
  if (const std::string lacks = find_calls(library, calls); !lacks.empty()) {
    driver.missing = fmt::format("the NVIDIA driver's libcuda.so.1 lacks {}", lacks);
    return driver;
  }
  driver.missing = start(calls);
  if (!driver.missing.empty()) return driver;
  int count = 0;
  if (const int code = calls.count(&count); code != 0)
    driver.missing =
        fmt::format("the NVIDIA driver does not count its GPUs ({})", error_in_words(calls, code));
  else if (count == 0)
    driver.missing = no_device();
  for (int i = 0; i < count; ++i) driver.devices.push_back(device_of(calls, i));
  return driver;
}

// "cuda:1 (Tesla V100-SXM2-16GB) has compute capability 7.0; ..." of a device that our kernels do not run on;
// empty of one that they do.
std::string why_unusable(const CudaDriver& driver, std::size_t index) {
  const CudaDevice& device = driver.devices.at(index);
  if (device.major_cc >= kOldestMajor) return {};
  return fmt::format(
      "cuda:{} ({}) has compute capability {}.{}; libpillar's kernels need {}.0 or newer (an A100 has 8.0, "
      "an H100 "
      "9.0)",
      index, device.name, device.major_cc, device.minor_cc, kOldestMajor);
}

// "this machine has 2 CUDA devices, cuda:0 and cuda:1".
std::string devices_in_words(const CudaDriver& driver) {
  const std::size_t count = driver.devices.size();
  std::string text = fmt::format("this machine has {} CUDA device{}, cuda:0", count, count == 1 ? "" : "s");
  if (count > 1) text += fmt::format(" {} cuda:{}", count == 2 ? "and" : "to", count - 1);
  return text + visible_in_words();
}

}  // namespace

const CudaDriver& cuda_driver() {
  static const CudaDriver once = ask();
  return once;
}

std::string why_none(const CudaDriver& driver) {
  if (!driver.missing.empty()) return driver.missing;
  for (std::size_t i = 0; i < driver.devices.size(); ++i) {
    if (why_unusable(driver, i).empty()) return {};
  }
  const std::size_t others = driver.devices.size() - 1;
  return why_unusable(driver, 0) +
         (others == 0 ? "" : fmt::format("; none of the other {} is newer", others));
}

std::optional<std::size_t> named_device(std::string_view text) {
  if (!text.starts_with("cuda:")) return std::nullopt;
  const std::string_view digits = text.substr(5);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  std::size_t index = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  return result.ec == std::errc() ? index : SIZE_MAX;
}

std::size_t choose_device(const CudaDriver& driver, const std::string& text, std::int64_t process) {
  const std::optional<std::size_t> named = named_device(text);
  const std::string none = named ? driver.missing : why_none(driver);
  if (!none.empty()) fail(ErrorCategory::unsupported, "no CUDA device can be used: {}", none);
  if (named) {
    if (*named >= driver.devices.size())
      fail(ErrorCategory::unsupported, "{}: {}", text, devices_in_words(driver));
    if (const std::string why = why_unusable(driver, *named); !why.empty())
      fail(ErrorCategory::unsupported, "{}", why);
    return *named;
  }
  std::int64_t before = 0;
  for (std::size_t i = 0; i < driver.devices.size(); ++i) {
    if (why_unusable(driver, i).empty() && before++ == process) return i;
  }
  fail(ErrorCategory::unsupported,
       "--device {}: process {} of this host (from 0) finds no GPU of its own: {}{}; start fewer processes, "
       "or say "
       "cuda:0 where each sees only its own",
       text, process, devices_in_words(driver),
       before == std::ssize(driver.devices) ? "" : fmt::format(", {} of which can be used", before));
}

}  // namespace pillar
