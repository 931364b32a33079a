// The subcommands of pillar-rate; each adds itself to the parser.
#pragma once

#include "support/app.h"

namespace pillar {

void add_extract(AppContext& context);
void add_audit(AppContext& context);
void add_score(AppContext& context);
void add_agree(AppContext& context);

// What others may do with new files: the octal bits of `mode` ("600"). Whoever may read a file may enter its
// folder. Throws Error(usage).
void set_file_mode(const std::string& mode);
void add_mode_option(CLI::App& command, std::string& mode);

}  // namespace pillar
