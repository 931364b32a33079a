#include "core/shared/json_lines.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"

namespace pillar {
namespace {

constexpr std::size_t kLongest = 1 << 20;

}  // namespace

bool visit_json_lines(const std::filesystem::path& path, const std::function<void(const JsonLine&)>& visit) {
  const MappedFile file(path);
  std::string_view rest(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  for (std::int64_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return true;
    const std::string_view text = rest.substr(0, end + 1);
    if (text.size() > kLongest) {
      fail(ErrorCategory::input, "{}: line {} has {} bytes, more than any row of a log", path, number,
           text.size());
    }
    const JsonLine line = {text, number, nlohmann::json::parse(text, nullptr, false)};
    if (!line.object.is_object())
      fail(ErrorCategory::input, "{}: line {} is not a JSON object", path, number);
    visit(line);
    rest.remove_prefix(text.size());
  }
  return false;
}

std::int64_t whole_number(const JsonLine& line, const char* key, const std::filesystem::path& path) {
  constexpr std::int64_t kMost = std::int64_t{1} << 53;
  const auto found = line.object.find(key);
  if (found != line.object.end() && found->is_number_integer()) {
    const auto value = found->get<std::int64_t>();
    if (value >= 0 && value <= kMost) return value;
  }
  fail(ErrorCategory::input, "{}: line {}: \"{}\" must be a whole number from 0 on", path, line.number, key);
}

}  // namespace pillar
