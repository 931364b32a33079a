#include "pillar/core/file.h"
#include "pillar/viz/label_pages.h"

#include "viz/viewer/page.h"
#include "viz/viewer/text_encoding.h"

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

// Fit to stand in a script element: no "<" that could end it.
std::string items_json(const std::vector<LabelReviewItem>& items) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const LabelReviewItem& item : items) {
    list.push_back({{"query_id", item.query_id},
                    {"field", item.field},
                    {"kind", item.kind},
                    {"title", item.title},
                    {"report", item.report},
                    {"text", item.text},
                    {"evidence", item.evidence},
                    {"label", item.label}});
  }
  const std::string text = list.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  std::string safe;
  for (const char c : text) {
    if (c == '<')
      safe += "\\u003c";
    else
      safe += c;
  }
  return safe;
}

}  // namespace

void write_label_review(const std::string& title, const std::vector<LabelReviewItem>& items,
                        const std::filesystem::path& out_html) {
  const std::string html = viz::fill_page(viz::kLabelReviewPage,
                                          {{"title", viz::escape_html(title)}, {"items", items_json(items)}});
  write_file_atomic(out_html, std::string_view(html));
}

}  // namespace pillar
