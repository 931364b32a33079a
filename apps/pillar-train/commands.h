// Subcommands of pillar-train.
#pragma once

#include "support/app.h"

namespace pillar {

void add_init(AppContext& context);

}  // namespace pillar
