// print_device WORD [PROCESS]: the device that the word means, or what a program would say of it.
#include "pillar/core/error.h"
#include "pillar/core/log.h"
#include "pillar/device/device.h"

#include <cstdio>
#include <string>

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  pillar::init_logging({});
  try {
    std::puts(pillar::parse_device(argv[1], argc > 2 ? std::stoll(argv[2]) : 0).str().c_str());
    return 0;
  } catch (const pillar::Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return static_cast<int>(pillar::exit_code(error.category()));
  }
}
