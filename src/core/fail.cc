#include "pillar/core/fail.h"

#include <fmt/args.h>
#include <fmt/format.h>

namespace pillar {

void fail_with(ErrorCategory category, std::string_view format, std::span<const MessagePart> parts) {
  fmt::dynamic_format_arg_store<fmt::format_context> arguments;
  for (const MessagePart& part : parts) {
    std::visit([&arguments](const auto& value) { arguments.push_back(value); }, part.value());
  }
  throw Error(category, fmt::vformat(format, arguments));
}

}  // namespace pillar
