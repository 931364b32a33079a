#include "viz/viewer/text_encoding.h"

#include <gtest/gtest.h>

namespace pillar::viz {
namespace {

TEST(TextEncoding, HtmlCannotBreakOut) {
  EXPECT_EQ(escape_html(R"(<b a="1" c='2'>&</b>)"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;&lt;/b&gt;");
  EXPECT_EQ(escape_html("Schädel\n"), "Schädel\n");
  EXPECT_EQ(escape_html(std::string_view("a\0b\x1b", 4)),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD");
}

// RFC 4648, section 10.
TEST(TextEncoding, Base64TestVectors) {
  EXPECT_EQ(base64({}), "");
  EXPECT_EQ(base64(as_bytes("f")), "Zg==");
  EXPECT_EQ(base64(as_bytes("fo")), "Zm8=");
  EXPECT_EQ(base64(as_bytes("foo")), "Zm9v");
  EXPECT_EQ(base64(as_bytes("foobar")), "Zm9vYmFy");
  EXPECT_EQ(base64(as_bytes("\xff\xef\xbe")), "/+++");
}

TEST(TextEncoding, JsonStringsAreSafeInAScript) {
  EXPECT_EQ(json_string("Schädel 1,5"), "\"Schädel 1,5\"");
  EXPECT_EQ(json_string("a\"b\\c</script>&\n"), R"("a\u0022b\u005cc\u003c/script\u003e\u0026\u000a")");
}

TEST(TextEncoding, UrlPath) {
  EXPECT_EQ(viz::url_path("../a run/view/S1.html"), "../a%20run/view/S1.html");
  EXPECT_EQ(viz::url_path("CT%2F7#1?x:y&\"<>.html"), "CT%252F7%231%3Fx%3Ay%26%22%3C%3E.html");
  EXPECT_EQ(viz::url_path("ü"), "%C3%BC");
}

}  // namespace
}  // namespace pillar::viz
