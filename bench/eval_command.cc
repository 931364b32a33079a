// pillar-bench eval: the probe's two solvers and the bootstrap.
#include "pillar/core/thread_pool.h"

#include "command.h"
#include "eval_cases.h"

#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar::bench {
namespace {

struct EvalArguments : CommonArguments {
  EvalOptions eval;
};

void print_figures(const nlohmann::ordered_json& results) {
  for (const auto& entry : results) {
    const std::string name = entry["name"].get<std::string>();
    const auto& ours = entry["ours"];
    if (name.starts_with("eval.adam")) {
      const double epoch = ours["seconds_an_epoch"].get<double>();
      fmt::print("\n1,000 epochs of Adam: {:.0f} s ({:.3f} s an epoch; the public loop: {:.3f})\n",
                 1000 * epoch, epoch, entry["baseline"]["seconds_an_epoch"].get<double>());
    } else if (name == "eval.lbfgs") {
      fmt::print("L-BFGS: {:.0f} passes over the data for the whole L2 path, largest gradient norm {:.2g}\n",
                 ours["passes"].get<double>(), ours["largest_gradient_norm"].get<double>());
    }
  }
}

void bench_eval(EvalArguments& a, const std::vector<std::string>& words) {
  EvalOptions& eval = a.eval;
  if (eval.threads == 0) eval.threads = usable_processors();
  a.run.child_command = {words[0],       "eval",
                         "--train",      std::to_string(eval.train),
                         "--test",       std::to_string(eval.test),
                         "--width",      std::to_string(eval.width),
                         "--questions",  std::to_string(eval.questions),
                         "--epochs",     std::to_string(eval.epochs),
                         "--replicates", std::to_string(eval.replicates),
                         "--threads",    std::to_string(eval.threads)};
  print_figures(run_and_report(eval_cases(eval), a, eval.threads));
}

}  // namespace

void add_eval(CLI::App& app, const std::vector<std::string>& words) {
  CLI::App* command = app.add_subcommand("eval", "RATE: the probe's two solvers, the bootstrap");
  auto a = std::make_shared<EvalArguments>();
  add_run_options(command, *a, a->eval.threads);
  const auto number = [&](const char* name, std::int64_t& value, const char* what) {
    command->add_option(name, value, what)->check(CLI::Range(1, 1 << 24))->capture_default_str();
  };
  number("--train", a->eval.train, "embeddings to train on");
  number("--test", a->eval.test, "embeddings to test on, and as many to choose the L2 penalty on");
  number("--width", a->eval.width, "numbers in an embedding");
  number("--questions", a->eval.questions, "");
  number("--epochs", a->eval.epochs, "of Adam that are measured");
  number("--replicates", a->eval.replicates, "of the bootstrap");
  command->callback([a, words] { bench_eval(*a, words); });
}

}  // namespace pillar::bench
