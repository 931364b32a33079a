// The subcommands of pillar-eval; each adds itself to the parser.
#pragma once

#include "support/app.h"

namespace pillar {

void add_embed(AppContext& context);

}  // namespace pillar
