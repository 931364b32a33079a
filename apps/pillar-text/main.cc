#include "commands.h"

int main(int argc, char** argv) {
  return pillar::run_app(argc, argv, "What reports say, as vectors: the text side of pretraining.",
                         [](pillar::AppContext& context) {
                           context.app.require_subcommand(1);
                           context.app.footer(
                               "Examples:\n"
                               "  pillar-text embed --json train.jsonl --json valid.jsonl --out text --url "
                               "http://localhost:8000 "
                               "--model Qwen/Qwen3-Embedding-8B\n"
                               "  pillar-text embed --json train.jsonl --out text --provider qwen3 --model "
                               "Qwen3-Embedding-8B\n"
                               "  pillar-text pack text --out text.safetensors --dtype bf16\n"
                               "  pillar-text info text.safetensors --json train.jsonl\n"
                               "  pillar-text embed --help\n"
                               "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 finished but some reports "
                               "failed (failures.csv).");
                           pillar::add_embed(context);
                           pillar::add_pack(context);
                           pillar::add_unpack(context);
                           pillar::add_info(context);
                           pillar::add_tokens(context);
                         });
}
