// Internal: text that can stand in an HTML page.
#pragma once

#include "pillar/core/file.h"

#include <string>
#include <string_view>

namespace pillar::viz {

// Safe as the content of an element and between double quotes in an attribute, whatever `text` holds. Control
// characters become U+FFFD.
std::string escape_html(std::string_view text);

// A JSON string with its quotes, safe inside a script element too: what HTML could take for markup, and
// control characters, are written as \\u escapes.
std::string json_string(std::string_view text);

// A relative path as a link: what a URL gives a meaning, and what is no ASCII, as %XX.
std::string url_path(std::string_view path);

// RFC 4648, section 4.
std::string base64(ByteView bytes);

}  // namespace pillar::viz
