#include "text_cases.h"

#include "pillar/core/random.h"
#include "pillar/core/safetensors.h"

#include "plain_qwen3.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kTextSeed = 1;

std::vector<TokenIds> drawn_texts(const TextOptions& options, std::int64_t vocabulary) {
  SplitMix64 random{kTextSeed};
  const auto below = [&](std::int64_t bound) {
    return static_cast<std::int64_t>(unit_interval(random.next()) * static_cast<double>(bound));
  };
  std::vector<TokenIds> texts(static_cast<std::size_t>(options.reports));
  for (TokenIds& text : texts) {
    text.resize(static_cast<std::size_t>(options.shortest + below(options.longest - options.shortest + 1)));
    for (std::int32_t& id : text) id = static_cast<std::int32_t>(below(vocabulary));
  }
  return texts;
}

std::filesystem::path vectors_path(const TextOptions& options, const char* side) {
  return options.folder / fmt::format("vectors_{}.safetensors", side);
}

Measurement measure_qwen3(const TextOptions& options) {
  at::set_num_threads(options.threads);
  Qwen3Options how;
  how.device = "cpu";
  how.dtype = options.dtype;
  how.longest_text = std::max(how.longest_text, options.longest);
  const double start = now_seconds();
  const Qwen3Model model = Qwen3Model::load(options.model, how);
  const double load_s = now_seconds() - start;
  const std::vector<TokenIds> texts = drawn_texts(options, model.config().vocabulary);
  Measurement m;
  const double begin = now_seconds();
  const at::Tensor vectors = model.embed(texts, TextPooling::mean);
  m.seconds = now_seconds() - begin;
  m.figures = {{"load_s", load_s}, {"weights_mb", static_cast<double>(model.memory().weights) / (1 << 20)}};
  write_safetensors(vectors_path(options, "ours"), {{"vectors", vectors}});
  return m;
}

Measurement measure_plain_qwen3(const TextOptions& options) {
  at::set_num_threads(options.threads);
  const double start = now_seconds();
  const Qwen3Config config = load_qwen3_config(options.model);
  MappedFiles files;
  const WeightMap weights = read_weight_files(options.model, files);
  const double load_s = now_seconds() - start;
  const std::vector<TokenIds> texts = drawn_texts(options, config.vocabulary);
  Measurement m;
  const double begin = now_seconds();
  const at::Tensor vectors = plain_qwen3(texts, weights, config, options.baseline_batch);
  m.seconds = now_seconds() - begin;
  m.figures = {{"load_s", load_s}};
  write_safetensors(vectors_path(options, "baseline"), {{"vectors", vectors}});
  return m;
}

void add_text_rate(Json& side, double gflop, std::int64_t tokens, double machine) {
  const double seconds = side["seconds"].get<double>();
  side["tokens_per_s"] = static_cast<double>(tokens) / seconds;
  side["gflop_per_s"] = gflop / seconds;
  side["of_machine_gemm"] = gflop / seconds / machine;
}

void finish_text(Json& entry, const TextOptions& options) {
  const Qwen3Config config = load_qwen3_config(options.model);
  const std::vector<TokenIds> texts = drawn_texts(options, config.vocabulary);
  std::int64_t tokens = 0;
  for (const TokenIds& text : texts) tokens += static_cast<std::int64_t>(text.size());
  const double gflop = text_gflop(config, texts), machine = options.machine_gflops();
  entry["gflop"] = gflop;
  entry["tokens"] = tokens;
  entry["layers"] = config.layers;
  entry["machine_gemm_gflops"] = machine;
  add_text_rate(entry["ours"], gflop, tokens, machine);
  entry["ours"]["peak_over_weights_mb"] =
      entry["ours"]["peak_rss_mb"].get<double>() - entry["ours"]["weights_mb"].get<double>();
  if (!entry.contains("baseline")) return;
  add_text_rate(entry["baseline"], gflop, tokens, machine);
  const auto read = [&](const char* side) {
    return SafetensorsFile(vectors_path(options, side)).tensor("vectors").to(at::kDouble);
  };
  const at::Tensor ours = read("ours"), plain = read("baseline");
  entry["least_cosine"] = (ours * plain).sum(-1).min().item<double>();
  entry["largest_difference"] = (ours - plain).abs().max().item<double>();
}

}  // namespace

double text_gflop(const Qwen3Config& config, const std::vector<TokenIds>& texts) {
  const double queries = static_cast<double>(config.heads * config.head_width);
  const double keys = static_cast<double>(config.key_heads * config.head_width);
  const auto width = static_cast<double>(config.width), inner = static_cast<double>(config.inner_width);
  const double of_token = 2 * width * (2 * queries + 2 * keys + 3 * inner);
  double sum = 0;
  for (const TokenIds& text : texts) {
    const auto tokens = static_cast<double>(text.size());
    sum += tokens * of_token + 4 * queries * tokens * (tokens + 1) / 2;
  }
  return sum * static_cast<double>(config.layers) / 1e9;
}

std::vector<Case> text_cases(const TextOptions& options) {
  Case c;
  c.name = fmt::format("text.qwen3 {} {} reports", options.dtype, options.reports);
  c.ours = [=] { return measure_qwen3(options); };
  c.baseline_what =
      fmt::format("LibTorch fp32: padded batches of {} in the file's order", options.baseline_batch);
  if (!options.ours_only) c.baseline = [=] { return measure_plain_qwen3(options); };
  c.finish = [=](Json& entry) { finish_text(entry, options); };
  return {c};
}

void print_text_details(const Json& results) {
  for (const Json& entry : results) {
    fmt::print("\n{}: {} tokens, {:.0f} GFLOP, this machine's GEMM {:.0f} GFLOP/s\n",
               entry["name"].get<std::string>(), entry["tokens"].get<std::int64_t>(),
               entry["gflop"].get<double>(), entry["machine_gemm_gflops"].get<double>());
    for (const char* side : {"ours", "baseline"}) {
      if (!entry.contains(side)) continue;
      fmt::print("{:<9} {:>8.1f} tokens/s {:>8.1f} GFLOP/s, {:.2f} of GEMM\n", side,
                 entry[side]["tokens_per_s"].get<double>(), entry[side]["gflop_per_s"].get<double>(),
                 entry[side]["of_machine_gemm"].get<double>());
    }
    fmt::print("memory    weights and {:.0f} MB\n", entry["ours"]["peak_over_weights_mb"].get<double>());
    if (!entry.contains("least_cosine")) continue;
    fmt::print("vectors agree to cosine {:.7f}, largest difference {:.2g}\n",
               entry["least_cosine"].get<double>(), entry["largest_difference"].get<double>());
  }
}

}  // namespace pillar::bench
