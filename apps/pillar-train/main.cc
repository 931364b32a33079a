#include "commands.h"

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv, argv + argc);
  return pillar::run_app(
      argc, argv, "Atlas models: made and trained here.", [&](pillar::AppContext& context) {
        context.app.require_subcommand(1);
        context.app.footer(
            "Examples:\n"
            "  pillar-train init --arch atlas-tiny-abdomen-ct --out model\n"
            "  pillar-train pretrain --config configs/pretrain/demo.yaml data.root=demo output=demo/run\n"
            "  pillar-train finetune --config configs/finetune/multilabel.yaml "
            "data.table=cohort/findings.csv\n"
            "Exit codes: 0 done (or stopped as asked, after a checkpoint), 1 failed, 2 wrong usage, 3 done "
            "but some "
            "studies failed (failures.csv).");
        pillar::add_init(context);
        pillar::add_pretrain(context, words);
        pillar::add_finetune(context, words);
        pillar::add_convert(context);
      });
}
