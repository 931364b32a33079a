// Internal: a Python pickle as plain data. Nothing is imported and nothing is called: an object of a class
// stays the name of that class and the arguments it would have been made of.
#pragma once

#include "pillar/core/file.h"

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace pillar {

struct PickleValue {
  enum class Kind {
    none,
    boolean,     // integer
    integer,     // integer
    text,        // text; bytes objects too
    sequence,    // items: list, tuple, set
    dict,        // items: key, value, key, value ...
    global,      // text: "module.name"
    call,        // items: what would be called, then its arguments as a sequence
    persistent,  // items: the identifier that the pickle's own program resolves
    other        // a float, an integer beyond 64 bits
  };
  Kind kind = Kind::none;
  std::int64_t integer = 0;
  std::string text;
  std::vector<const PickleValue*> items;  // may be shared, and may form a ring
};

struct Pickle {
  std::deque<PickleValue> values;  // owns them all, so that no depth of nesting is a depth of destructors
  const PickleValue* root = nullptr;
};

// Protocols 2 to 5. OrderedDict and defaultdict are dicts; what is set on an object of another class is
// dropped. Throws Error(input) naming `name`: truncated, an opcode out of place, over 4 million values.
Pickle parse_pickle(ByteView bytes, const std::string& name);

}  // namespace pillar
