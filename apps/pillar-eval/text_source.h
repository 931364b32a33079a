// Texts of the command line or of a small file to vectors, as pillar-text makes them.
#pragma once

#include "pillar/text/embed_texts.h"

#include "support/text_model.h"
#include "support/text_server.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct TextSource {
  std::string provider = "server";
  TextServerArguments server;
  TextModelArguments model;
};
void add_text_source(CLI::App& command, TextSource& source);

// (N, width) float32 of length 1. With --provider hash, words are weighted as in `text_cache` (a folder of
// pillar-text embed --provider hash); where that is empty all weigh the same, `width` numbers wide, and a
// warning says so. What the vectors depend on is added to `settings`. Throws Error(usage) for what is
// missing, and what embed_texts() throws.
at::Tensor embed_from_source(const TextSource& source, const std::vector<NamedText>& texts,
                             const std::filesystem::path& text_cache, std::int64_t width,
                             std::map<std::string, std::string>& settings);

}  // namespace pillar
