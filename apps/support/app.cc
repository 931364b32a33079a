#include "support/app.h"

#include <cstdio>
#include <new>

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
    context.app.exit(error);
    return static_cast<int>(ExitCode::usage);
  } catch (const Error& error) {
    return report(exit_code(error.category()), error.what());
  } catch (const std::bad_alloc&) {
    return report(ExitCode::failed, "out of memory");
  } catch (const std::exception& error) {
    return report(ExitCode::failed, error.what());
  }
}

}  // namespace pillar
