// Memory of a device, and who works on it.
#pragma once

#include "machine.h"

#include <map>
#include <mutex>
#include <set>

namespace gpu_on_cpu {

struct Block {
  c10::DataPtr cpu;
  std::size_t bytes = 0;
  Queue made_in;
  std::map<Queue, Time> written, read;  // the last step of each queue; of writing, of the last one alone
  std::set<Queue> recorded;
};

// Guards all that is below and in queues.cc.
std::recursive_mutex& machine_mutex();

// Throws where the address is none of this device's memory.
Block& block_of(const void* address, c10::DeviceIndex device);
bool was_waited_for(const std::map<Queue, Time>& steps, const Queue& by);
void finish(const std::map<Queue, Time>& steps);

}  // namespace gpu_on_cpu
