#include "commands.h"

int main(int argc, char** argv) {
  return pillar::run_app(
      argc, argv, "What an Atlas model has learned: embeddings of scans.", [](pillar::AppContext& context) {
        context.app.require_subcommand(1);
        context.app.footer(
            "Examples:\n"
            "  pillar-eval embed --model model samples --out cache --split test\n"
            "  pillar-eval embed --help\n"
            "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 finished but some scans failed (failures.csv).");
        pillar::add_embed(context);
        pillar::add_probe(context);
        pillar::add_evidence(context);
        pillar::add_localize(context);
        pillar::add_predict(context);
        pillar::add_zero_shot(context);
        pillar::add_retrieve(context);
        pillar::add_compare(context);
        pillar::add_report(context);
      });
}
