// The public engine's configuration YAML.
#pragma once

#include "pillar/rate/extract.h"

#include <filesystem>

namespace pillar {

// Takes over what the file says of `model` (name, temperature, top_p, max_tokens), `server` (base_url, port)
// and `processing` (max_retries, retry_delay, max_concurrency); its `prompt_templates` replace those of
// earlier files, since the file is added to options.prompts where it has any. All else is left alone. Throws
// Error(io | input) naming file, line and key.
void apply_rate_config(const std::filesystem::path& file, ExtractOptions& options);

}  // namespace pillar
