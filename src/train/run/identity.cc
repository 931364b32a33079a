#include "train/run/identity.h"

#include <fmt/format.h>

namespace pillar {
namespace {

template <typename T>
void note_change(std::string& text, const char* what, const T& before, const T& now) {
  if (before != now) text += fmt::format("{}{} {} -> {}", text.empty() ? "" : ", ", what, before, now);
}

}  // namespace

std::string differences(const RunIdentity& before, const RunIdentity& now) {
  std::string text;
  note_change(text, "processes", before.world_size, now.world_size);
  note_change(text, "train.batch_size", before.batch_size, now.batch_size);
  note_change(text, "train.micro_batch", before.micro_batch, now.micro_batch);
  note_change(text, "threads", before.threads, now.threads);
  note_change(text, "seed", before.seed, now.seed);
  note_change(text, "precision", before.precision, now.precision);
  note_change(text, "device", before.device, now.device);
  note_change(text, "version", before.version, now.version);
  note_change(text, "steps of the schedule", before.total_steps, now.total_steps);
  return text;
}

bool have_same_draws(const RunIdentity& before, const RunIdentity& now) {
  return before.batch_size == now.batch_size && before.micro_batch == now.micro_batch &&
         before.seed == now.seed;
}

}  // namespace pillar
