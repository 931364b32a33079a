#include "pillar/rate/rate_config.h"

#include "pillar/core/config.h"

#include <limits>

#include <fmt/format.h>

namespace pillar {
namespace {

std::int64_t int_in(const Config& entry, std::int64_t fallback, std::int64_t least, std::int64_t most) {
  const std::int64_t value = entry.as_int(fallback);
  if (value < least || value > most) entry.fail(fmt::format("must be from {} to {}", least, most));
  return value;
}

double number_in(const Config& entry, double fallback, double least, double most) {
  const double value = entry.as_double(fallback);
  if (value < least || value > most) entry.fail(fmt::format("must be from {} to {}", least, most));
  return value;
}

// The port goes behind the host, unless the address has one.
std::string address_with_port(const std::string& base, const Config& port) {
  if (!port.exists()) return base;
  const std::size_t scheme = base.find("://");
  const std::size_t host = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t end = std::min(base.find('/', host), base.size());
  if (base.substr(host, end - host).find(':') != std::string::npos) return base;
  return fmt::format("{}:{}{}", base.substr(0, end), int_in(port, 0, 1, 65535), base.substr(end));
}

}  // namespace

void apply_rate_config(const std::filesystem::path& file, ExtractOptions& options) {
  const Config config = Config::load(file);
  if (!config.exists()) return;
  const Config model = config.get("model"), server = config.get("server"), work = config.get("processing");
  options.server.model = model.get("name").as_string(options.server.model);
  ModelSampling& sampling = options.sampling;
  sampling.temperature = number_in(model.get("temperature"), sampling.temperature, 0, 10);
  sampling.top_p = number_in(model.get("top_p"), sampling.top_p, 0, 1);
  sampling.max_tokens = int_in(model.get("max_tokens"), sampling.max_tokens, 1, 1 << 30);
  const std::string base = server.get("base_url").as_string("");
  if (!base.empty()) options.server.url = address_with_port(base, server.get("port"));
  options.server.retries = static_cast<int>(int_in(work.get("max_retries"), options.server.retries, 0, 1000));
  options.server.first_wait_s = number_in(work.get("retry_delay"), options.server.first_wait_s, 0, 3600);
  options.server.connections =
      static_cast<int>(int_in(work.get("max_concurrency"), options.server.connections, 1, 4096));
  if (config.get("prompt_templates").exists()) options.prompts.push_back(file);
}

}  // namespace pillar
