// Internal: how this process keeps memory between steps.
#pragma once

namespace pillar {

// Process-wide from now on; glibc only, elsewhere nothing changes.
// `reuse`: large blocks come from the heap and stay there when freed, instead of being mapped anew each time.
// A step on a processor touches gigabytes, and first touching a page costs more than what is computed in it.
// Otherwise a freed block of 2 MB or more goes back at once: glibc left alone raises that size as it goes,
// and what it then keeps grows with the number of micro-batches.
void set_memory_policy(bool reuse);

// Gives free pages back once, between phases whose blocks have other sizes.
void return_freed_memory();

}  // namespace pillar
