// Internal: how this process keeps memory between steps.
#pragma once

namespace pillar {

// From now on large blocks come from the heap and stay there when freed, instead of being mapped anew each
// time: a step on a processor touches gigabytes, and first touching a page costs more than what is computed
// in it. Process-wide; glibc only, elsewhere nothing changes.
void reuse_freed_memory();

// Gives free pages back once, between phases whose blocks have other sizes.
void return_freed_memory();

}  // namespace pillar
