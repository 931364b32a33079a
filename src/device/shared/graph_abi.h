// Internal: the interface of libpillar_graph.so, which is opened at run time where CUDA graphs are wanted: it
// needs the CUDA half of LibTorch, which no program links. All throw what LibTorch throws.
#pragma once

extern "C" {

// What this thread gives to its current queue, which must not be the default one, is recorded instead of done
// until pillar_graph_end(). Memory that it is given meanwhile belongs to the graph.
void* pillar_graph_begin();
void pillar_graph_end(void* graph);
// Into the current queue.
void pillar_graph_replay(void* graph);
// With its memory; a recording that was not ended is given up.
void pillar_graph_free(void* graph) noexcept;
}
