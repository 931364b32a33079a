// Internal: the page that reports of runs share, be they of training or of evaluation.
#pragma once

#include <filesystem>
#include <string>

namespace pillar::viz {

struct ReportPage {
  std::string kind;          // "training": a class of the page's body
  std::string title, about;  // any text
  std::string body;          // HTML
  bool interactive = false;  // with the script that sorts and filters
  bool with_images = false;  // pictures inside the page are allowed
};

std::string report_html(const ReportPage& page);

// The last part of the path, whether or not it ends in a slash.
std::string run_name(const std::filesystem::path& run);

}  // namespace pillar::viz
