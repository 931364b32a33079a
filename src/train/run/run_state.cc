#include "train/run/run_state.h"

#include "pillar/core/fail.h"

#include <nlohmann/json.hpp>

namespace pillar {

// Found by nlohmann/json.
void to_json(nlohmann::ordered_json& json, const PoolProgress& progress) {
  json = {{"epoch", progress.epoch},
          {"position", progress.position},
          {"seen", progress.seen},
          {"rest", progress.rest}};
}
void from_json(const nlohmann::json& json, PoolProgress& progress) {
  json.at("epoch").get_to(progress.epoch);
  json.at("position").get_to(progress.position);
  json.at("seen").get_to(progress.seen);
  json.at("rest").get_to(progress.rest);
}

namespace {

constexpr int kLayout = 1;

// Writing and reading walk the same list.
template <typename Visit>
void each_field(RunState& state, Visit visit) {
  visit("step", state.step);
  visit("seed", state.identity.seed);
  visit("validated_epochs", state.validated_epochs);
  visit("bad_in_epoch", state.bad_in_epoch);
  visit("loss_scale", state.loss_scale);
  visit("good_steps", state.good_steps);
  visit("best_step", state.best_step);
  visit("best_value", state.best_value);
  visit("world_size", state.identity.world_size);
  visit("batch_size", state.identity.batch_size);
  visit("micro_batch", state.identity.micro_batch);
  visit("threads", state.identity.threads);
  visit("total_steps", state.identity.total_steps);
  visit("precision", state.identity.precision);
  visit("device", state.identity.device);
  visit("version", state.identity.version);
}

// Which a checkpoint of an earlier version lacks.
template <typename Visit>
void each_later_field(RunState& state, Visit visit) {
  visit("config", state.config);
  visit("data_digest", state.data_digest);
  visit("architecture_digest", state.architecture_digest);
  visit("pools", state.pools);
}

}  // namespace

std::string format_run_state(const RunState& state) {
  nlohmann::ordered_json json = {{"layout", kLayout}};
  RunState copy = state;
  const auto put = [&](const char* name, const auto& value) { json[name] = value; };
  each_field(copy, put);
  each_later_field(copy, put);
  return json.dump(1) + "\n";
}

RunState parse_run_state(const std::string& text, const std::filesystem::path& file) {
  RunState state;
  try {
    const auto json = nlohmann::json::parse(text);
    if (json.at("layout").get<int>() != kLayout) {
      fail(ErrorCategory::unsupported, "{}: written by another version of libpillar (layout {}, not {})",
           file, json.at("layout").dump(), kLayout);
    }
    each_field(state, [&](const char* name, auto& value) { json.at(name).get_to(value); });
    each_later_field(state, [&](const char* name, auto& value) {
      if (json.contains(name)) json.at(name).get_to(value);
    });
    for (const auto& [name, progress] : state.pools) {
      if (progress.epoch < 0 || progress.position < 0)
        fail(ErrorCategory::input, "{}: position {} of epoch {} of {}", file, progress.position,
             progress.epoch, name);
    }
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCategory::input, "{}: not the state of a run: {}", file, error.what());
  }
  return state;
}

}  // namespace pillar
