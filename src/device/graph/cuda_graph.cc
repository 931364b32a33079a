#include "device/shared/graph_abi.h"

#include <memory>

#include <ATen/cuda/CUDAGraph.h>

namespace {

struct Graph {
  at::cuda::CUDAGraph graph;
  bool is_open = false;
};

void end(Graph& recorded) {
  recorded.is_open = false;
  recorded.graph.capture_end();
}

}  // namespace

extern "C" void* pillar_graph_begin() {
  auto recorded = std::make_unique<Graph>();
  // Other threads go on allocating, which a recording of the whole process would not stand.
  recorded->graph.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
  recorded->is_open = true;
  return recorded.release();
}

extern "C" void pillar_graph_end(void* graph) {
  end(*static_cast<Graph*>(graph));
}

extern "C" void pillar_graph_replay(void* graph) {
  static_cast<Graph*>(graph)->graph.replay();
}

extern "C" void pillar_graph_free(void* graph) noexcept {
  const std::unique_ptr<Graph> recorded(static_cast<Graph*>(graph));
  if (!recorded->is_open) return;
  try {
    end(*recorded);
  } catch (const std::exception&) {
    // Whatever stopped the recording has been said.
  }
}
