// Subcommands of pillar-train.
#pragma once

#include "support/app.h"

#include <string>
#include <vector>

namespace pillar {

void add_convert(AppContext& context);
void add_init(AppContext& context);
// `words`: the program's arguments, for the processes it may start.
void add_finetune(AppContext& context, const std::vector<std::string>& words);
void add_pretrain(AppContext& context, const std::vector<std::string>& words);

}  // namespace pillar
