// The subcommands of pillar-eval; each adds itself to the parser.
#pragma once

#include "support/app.h"

namespace pillar {

void add_compare(AppContext& context);
void add_embed(AppContext& context);
void add_evidence(AppContext& context);
void add_localize(AppContext& context);
void add_predict(AppContext& context);
void add_probe(AppContext& context);
void add_report(AppContext& context);
void add_retrieve(AppContext& context);
void add_zero_shot(AppContext& context);

}  // namespace pillar
