// Internal: what an embedding server says.
#pragma once

#include <cstddef>
#include <string>

#include <ATen/core/Tensor.h>

namespace pillar {

// {"data": [{"index": 0, "embedding": [...]}, ...]} as (count, width) float32, in the order of `index`.
// Throws Error that begins with `where`: (input) for a number that is none, since it is one text's; (io) for
// what no server should say.
at::Tensor parse_embeddings(const std::string& body, std::size_t count, const std::string& where);

}  // namespace pillar
