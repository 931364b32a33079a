#include "core/shared/object_lines.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"

#include "core/shared/python_json.h"

#include <algorithm>
#include <optional>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t kLinesReleaseEvery = 4096;  // lines
constexpr const char* kBlank = " \t\r\n\f\v";

}  // namespace

bool is_blank(std::string_view text) {
  return text.find_first_not_of(kBlank) == std::string_view::npos;
}

std::string text_of(const Json& object, const char* key, const fs::path& file, std::size_t line) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  if (!found->is_string()) fail(ErrorCategory::input, "{}:{}: {} is no text", file, line, key);
  return found->get<std::string>();
}

std::string name_of(const Json& object, const fs::path& file, std::size_t line) {
  const auto found = object.find("sample_name");
  std::string name;
  if (found != object.end() && !found->is_null()) {
    const std::optional<std::string> said = name_in(*found);
    if (!said) fail(ErrorCategory::input, "{}:{}: sample_name is no text", file, line);
    name = *said;
  }
  if (name.empty()) fail(ErrorCategory::input, "{}:{}: sample_name is missing or empty", file, line);
  return name;
}

void for_each_object(const fs::path& file, const std::function<void(const Json&, std::size_t)>& take) {
  const MappedFile mapped(file);
  const std::string_view text(reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size());
  std::size_t line = 0;
  for (std::size_t begin = 0; begin < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view content = text.substr(begin, end - begin);
    begin = end + 1;
    if (is_blank(content)) continue;
    const Json object = parse_python_json(content);
    if (!object.is_object()) fail(ErrorCategory::input, "{}:{}: no JSON object", file, line + 1);
    take(object, line + 1);
    if (line % kLinesReleaseEvery == 0) mapped.release_pages();
  }
}

}  // namespace pillar
