#include "commands.h"

int main(int argc, char** argv) {
  return pillar::run_app(argc, argv, "Atlas models: made here.", [](pillar::AppContext& context) {
    context.app.require_subcommand(1);
    context.app.footer(
        "Examples:\n"
        "  pillar-train init --arch atlas-tiny-abdomen-ct --out model\n"
        "  pillar-train init --arch my-config.json --out model --seed 7\n"
        "Exit codes: 0 done, 1 failed, 2 wrong usage.");
    pillar::add_init(context);
  });
}
