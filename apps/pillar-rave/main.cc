#include "commands.h"

int main(int argc, char** argv) {
  return pillar::run_app(
      argc, argv, "RAVE samples: CT and MR scans stored as HEVC video.", [](pillar::AppContext& context) {
        context.app.require_subcommand(1);
        context.app.footer(
            "Examples:\n"
            "  pillar-rave encode scans/* --out samples --preset chest-ct --jobs 4\n"
            "  pillar-rave verify samples\n"
            "  pillar-rave view samples/PH000001.1.0 --out look.html\n"
            "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 finished but some inputs failed (failures.csv).");
        pillar::add_encode(context);
        pillar::add_decode(context);
        pillar::add_info(context);
        pillar::add_verify(context);
        pillar::add_view(context);
      });
}
