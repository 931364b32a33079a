// The subcommands of pillar-text; each adds itself to the parser.
#pragma once

#include "support/app.h"

namespace pillar {

void add_embed(AppContext& context);
void add_pack(AppContext& context);
void add_unpack(AppContext& context);
void add_info(AppContext& context);
void add_tokens(AppContext& context);

}  // namespace pillar
