#include "core/shared/python_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

TEST(PythonJson, ABareNanIsNull) {
  const nlohmann::json object =
      parse_python_json(R"({"report": NaN, "words": "NaN of \"NaN\"", "list": [NaN, 1]})");
  EXPECT_TRUE(object.at("report").is_null());
  EXPECT_EQ(object.at("words"), "NaN of \"NaN\"");
  EXPECT_TRUE(object.at("list").at(0).is_null());
  EXPECT_TRUE(parse_python_json("{\"report\": NaNs}").is_discarded());
  EXPECT_TRUE(parse_python_json("{\"report\": ").is_discarded());
}

TEST(PythonJson, NamesMayBeNumbers) {
  const auto name = [](const char* text) { return name_in(parse_python_json(text)).value_or("none"); };
  EXPECT_EQ(name("\"P1\""), "P1");
  EXPECT_EQ(name("123"), "123");
  EXPECT_EQ(name("-7"), "-7");
  EXPECT_EQ(name("18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(name("123.0"), "123");
  EXPECT_EQ(name("1.5"), "none");
  EXPECT_EQ(name("1e300"), "none");
  EXPECT_EQ(name("true"), "none");
  EXPECT_EQ(name("null"), "none");
  EXPECT_EQ(name("[\"P1\"]"), "none");
}

}  // namespace
}  // namespace pillar
