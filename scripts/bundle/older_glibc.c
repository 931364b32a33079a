// What Debian 12's libraries take from glibc 2.35 and 2.36, for systems that have 2.34 (RHEL 9) or 2.35
// (Ubuntu 22.04). Built by scripts/bundle.sh as libpillar_glibc.so; glibc_needs.py makes the libraries of a
// bundle take it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

// glibc 2.36. libarchive and expat seed hash tables with it.
void arc4random_buf(void* buffer, size_t size) {
  for (char* at = buffer; size > 0;) {
    const ssize_t got = getrandom(at, size, 0);
    if (got < 0 && errno != EINTR) abort();  // no bytes are better than bytes that can be foretold
    if (got > 0) {
      at += got;
      size -= (size_t)got;
    }
  }
}

// glibc 2.36. std::random_device of libstdc++.
uint32_t arc4random(void) {
  uint32_t bits;
  arc4random_buf(&bits, sizeof bits);
  return bits;
}

struct Search {
  uintptr_t address;
  struct dl_find_object* found;
};

// Whether the object holds the address, and has a table of how its functions are unwound.
static int holds_address(struct dl_phdr_info* object, size_t size, void* data) {
  (void)size;
  const struct Search* search = data;
  int holds = 0;
  const ElfW(Phdr)* table = NULL;
  for (const ElfW(Phdr)* part = object->dlpi_phdr; part != object->dlpi_phdr + object->dlpi_phnum; ++part) {
    const uintptr_t begin = object->dlpi_addr + part->p_vaddr;
    if (part->p_type == PT_GNU_EH_FRAME) table = part;
    if (part->p_type != PT_LOAD || search->address - begin >= part->p_memsz) continue;
    holds = 1;
    search->found->dlfo_map_start = (void*)begin;
    search->found->dlfo_map_end = (void*)(begin + part->p_memsz);
  }
  if (!holds || table == NULL) return 0;
  search->found->dlfo_eh_frame = (void*)(object->dlpi_addr + table->p_vaddr);
  return 1;
}

// glibc 2.35. libgcc_s finds with it what an exception passes through; of the answer it reads dlfo_eh_frame
// alone. 0: found.
int _dl_find_object(void* address, struct dl_find_object* found) {
  *found = (struct dl_find_object){0};
  struct Search search = {(uintptr_t)address, found};
  return dl_iterate_phdr(holds_address, &search) == 1 ? 0 : -1;
}
