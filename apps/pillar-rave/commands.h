// The subcommands of pillar-rave; each adds itself to the parser.
#pragma once

#include "support/app.h"

namespace pillar {

void add_encode(AppContext& context);
void add_decode(AppContext& context);
void add_info(AppContext& context);
void add_verify(AppContext& context);
void add_view(AppContext& context);

}  // namespace pillar
