#include "commands.h"

int main(int argc, char** argv) {
  return pillar::run_app(
      argc, argv, "RATE: labels out of radiology reports, and how far they can be trusted.",
      [](pillar::AppContext& context) {
        context.app.require_subcommand(1);
        context.app.footer(
            "Examples:\n"
            "  pillar-rate extract --reports reports.csv --questions chest.yaml --out labels --url "
            "http://localhost:8000 --model Qwen/Qwen3-30B-A3B\n"
            "  pillar-rate extract --reports cohort/train.jsonl --questions phantom.yaml --out labels "
            "--provider rules --rules phantom_rules.yaml\n"
            "  pillar-rate audit labels --out audit\n"
            "  pillar-rate score audit --out score\n"
            "  pillar-rate agree labels/labels.json other/labels.json\n"
            "  pillar-rate extract --help\n"
            "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 finished but some requests were given up "
            "(failures.csv).");
        pillar::add_extract(context);
        pillar::add_audit(context);
        pillar::add_score(context);
        pillar::add_agree(context);
      });
}
