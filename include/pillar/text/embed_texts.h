// A few texts to vectors, at once and in memory.
#pragma once

#include "pillar/text/text_embed_job.h"

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct NamedText {
  std::string name;  // for messages: "prompts.jsonl:3: prompt 'x'"
  std::string text;
};

// (N, width) float32 rows of length 1, as caches have them, `batch` texts a call. A batch that is refused
// with Error(input) is asked for text by text; the one that is refused then is named. Throws Error(input)
// also for a vector that is zero or not finite, Error(io) for vectors of several widths, and what `embed`
// throws.
at::Tensor embed_texts(const std::vector<NamedText>& texts, const TextEmbedFunction& embed, int batch = 32);

}  // namespace pillar
