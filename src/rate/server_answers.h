// Internal: a language model behind a server, or one that reads and writes files.
#pragma once

#include "pillar/rate/extract.h"

#include "rate/ask.h"

#include <filesystem>
#include <memory>

namespace pillar {

// Throws Error(usage) where the address, the key or `body` is none.
AnswerAll server_answers(const ExtractOptions& options, Prompts prompts, const RateQuestions& questions);

}  // namespace pillar
