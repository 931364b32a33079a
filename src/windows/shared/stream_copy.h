// Internal: writing what will not be read soon. A plain store first reads the line that it is about to fill,
// which costs a large output a third of the memory's time.
#pragma once

#include <cstddef>

namespace pillar::windows {

// As memcpy, past the caches where the processor has such stores.
void stream_copy(void* to, const void* from, std::size_t bytes);

// After the last stream_copy of a thread, before another thread is told that it is done.
void stream_done();

}  // namespace pillar::windows
