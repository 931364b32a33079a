#include "support/app.h"

#include "pillar/core/config.h"
#include "pillar/core/printable.h"
#include "pillar/device/memory_fault.h"

#include <cstdio>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

namespace pillar {

void add_log_options(CLI::App& app, LogOptions& options) {
  app.add_option("--log-level", options.level, "trace, debug, info, warn, error or off")
      ->capture_default_str()
      ->group("Log");
  app.add_flag("--quiet,-q", options.quiet, "show errors only, and no progress bar")->group("Log");
  app.add_option("--log-file", options.file, "also append the log to this file")->group("Log");
}

namespace {

// The flags that a subcommand knows, its parents' included.
std::vector<std::string> known_flags(const CLI::App* app) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

std::vector<std::string> known_subcommands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(sub->get_name());
  return names;
}

std::string command_name(const CLI::App* app) {
  if (app->get_parent() != nullptr) return command_name(app->get_parent()) + " " + app->get_name();
  return std::filesystem::path(app->get_name()).filename().string();
}

// "pillar-train: there is no subcommand 'pretrian'; did you mean 'pretrain'?" of the first word that nothing
// takes; empty where there is none.
std::string unknown_word(const CLI::App& app) {
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  const std::vector<std::string> words = app.remaining(true);
  if (words.empty()) return {};
  const bool is_flag = words.front().starts_with('-');
  const std::string word = is_flag ? words.front().substr(0, words.front().find('=')) : words.front();
  const std::vector<std::string> known = is_flag ? known_flags(command) : known_subcommands(*command);
  const std::string near = nearest_name(word, known);
  std::string message = fmt::format("{}: ", command_name(command));
  if (!is_flag && known.empty())
    message += fmt::format("'{}' is one word more than it takes", printable(word));
  else
    message += fmt::format("there is no {} '{}'", is_flag ? "flag" : "subcommand", printable(word));
  if (!near.empty())
    message += fmt::format("; did you mean '{}'?", near);
  else if (!is_flag && !known.empty())
    message += fmt::format(": {}", fmt::join(known, ", "));
  return message;
}

int report(ExitCode code, const char* message) {
  std::fprintf(stderr, "error: %s\n", message);
  return static_cast<int>(code);
}

}  // namespace

int run_app(int argc, char** argv, const char* description, const std::function<void(AppContext&)>& add) {
  AppContext context;
  context.words.assign(argv, argv + argc);
  context.app.description(description);
  context.app.set_version_flag("--version", std::string("libpillar ") + PILLAR_VERSION);
  context.app.parse_complete_callback([&context] { init_logging(context.log); });
  add_log_options(context.app, context.log);
  context.app.fallthrough();
  try {
    add(context);
    context.app.parse(argc, argv);
    return static_cast<int>(context.result);
  } catch (const CLI::Success& done) {
    return context.app.exit(done);
  } catch (const CLI::ParseError& error) {
    if (const std::string unknown = unknown_word(context.app); !unknown.empty())
      return report(ExitCode::usage, unknown.c_str());
    context.app.exit(error);
    return static_cast<int>(ExitCode::usage);
  } catch (const Error& error) {
    return report(exit_code(error.category()), error.what());
  } catch (const std::exception& error) {
    const char* said = is_out_of_memory(error) ? "out of memory: " : "";
    return report(ExitCode::failed, (said + fault_in_words(error)).c_str());
  }
}

}  // namespace pillar
