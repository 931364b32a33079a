// libpillar_graph.so for gpu_on_cpu: what a thread asks for while it records is done at once, and kept to be
// done again.
#include "device/shared/graph_abi.h"
#include "machine.h"

extern "C" void* pillar_graph_begin() {
  return gpu_on_cpu::begin_recording();
}
extern "C" void pillar_graph_end(void* graph) {
  gpu_on_cpu::end_recording(static_cast<gpu_on_cpu::Recording*>(graph));
}
extern "C" void pillar_graph_replay(void* graph) {
  gpu_on_cpu::replay(*static_cast<gpu_on_cpu::Recording*>(graph));
}
extern "C" void pillar_graph_free(void* graph) noexcept {
  gpu_on_cpu::forget_recording(static_cast<gpu_on_cpu::Recording*>(graph));
}
