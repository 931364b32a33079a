#include "rate/prompts.h"

#include "pillar/core/config.h"
#include "pillar/core/fail.h"
#include "pillar/core/sha256.h"

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

struct TemplateRow {
  const char* key;
  std::string Prompts::*text;
  std::vector<const char*> must_hold;
};

const std::vector<TemplateRow>& template_rows() {
  static const std::vector<TemplateRow> rows = {
      {"system", &Prompts::system, {}},
      {"remove_comparison", &Prompts::remove_comparison, {"{report}"}},
      {"extract_findings", &Prompts::extract_findings, {"{report}"}},
      {"map_category_findings", &Prompts::map_category_findings, {"{findings}", "{category}"}},
      {"findings_question", &Prompts::findings_question, {"{report}", "{question}"}},
      {"category_questions", &Prompts::category_questions, {"{report}", "{questions}"}},
      {"tri_state", &Prompts::tri_state, {}},
      {"category_tri_state", &Prompts::category_tri_state, {}},
      {"strict_answer", &Prompts::strict_answer, {}},
      {"strict_tri_state", &Prompts::strict_tri_state, {}},
      {"strict_text", &Prompts::strict_text, {}},
  };
  return rows;
}

}  // namespace

Prompts read_prompts(const std::vector<std::filesystem::path>& files) {
  Prompts prompts;
  for (const std::filesystem::path& file : files) {
    const Config config = Config::load(file);
    if (!config.exists()) continue;
    const Config templates = config.get("prompt_templates");
    for (const TemplateRow& row : template_rows()) {
      const Config entry = templates.get(row.key);
      if (!entry.exists()) continue;
      const std::string text = entry.as_string();
      for (const char* name : row.must_hold) {
        if (text.find(name) == std::string::npos) entry.fail(std::string("the template must hold ") + name);
      }
      prompts.*row.text = text;
    }
  }
  for (const TemplateRow& row : template_rows()) {
    if ((prompts.*row.text).empty())
      fail(ErrorCategory::usage, "prompt_templates.{}: no file of prompts has it", row.key);
  }
  return prompts;
}

std::string prompts_digest(const Prompts& prompts) {
  nlohmann::ordered_json all;
  for (const TemplateRow& row : template_rows()) all[row.key] = prompts.*row.text;
  const std::string text = all.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return sha256_hex(as_bytes(text));
}

std::string filled_prompt(std::string_view text,
                          const std::vector<std::pair<std::string_view, std::string_view>>& values) {
  std::string filled;
  while (!text.empty()) {
    const std::size_t brace = std::min(text.find('{'), text.size());
    filled += text.substr(0, brace);
    text.remove_prefix(brace);
    bool known = false;
    for (const auto& [name, value] : values) {
      if (!text.substr(std::min<std::size_t>(1, text.size())).starts_with(name) ||
          text.substr(name.size() + 1, 1) != "}")
        continue;
      filled += value;
      text.remove_prefix(name.size() + 2);
      known = true;
      break;
    }
    if (known || text.empty()) continue;
    filled += text.front();
    text.remove_prefix(1);
  }
  return filled;
}

}  // namespace pillar
