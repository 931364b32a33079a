#include "core/shared/json_place.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <cmath>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

JsonPlace place_of(const std::string& text) {
  TempDir dir;  // The place holds what it read: the file may go.
  write_file_atomic(dir / "a file.json", text);
  return JsonPlace::read_object(dir / "a file.json", 1000);
}

TEST(JsonPlace, ValuesAreThoseOfTheFileInItsOrder) {
  const JsonPlace file = place_of(
      R"({"z": "text", "list": [3, 2.5], "a": {"b": {"c": null}}, "pairs": [[0, 1], [0.5, 0.25]], "yes": true})");
  EXPECT_TRUE(file.has("z"));
  EXPECT_FALSE(file.has("y"));
  EXPECT_FALSE(file.at("a").at("b").has("c")) << "null counts as nothing";
  EXPECT_EQ(file.text("z"), "text");
  EXPECT_TRUE(file.flag("yes"));
  EXPECT_TRUE(std::isnan(file.at("a").at("b").number("c")));
  const std::vector<JsonPlace> list = file.at("list").items();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].whole(), 3);
  EXPECT_EQ(list[1].number(), 2.5);
  EXPECT_THAT(file.at("pairs").shares(), ElementsAre(Pair(0, 1), Pair(0.5, 0.25)));
  std::string members;
  for (const auto& [name, value] : file.members()) members += name + "=" + value.any_text() + " ";
  EXPECT_EQ(members, R"(z=text list=[3,2.5] a={"b":{"c":null}} pairs=[[0,1],[0.5,0.25]] yes=true )");
}

TEST(JsonPlace, AFaultNamesFileAndKey) {
  const JsonPlace file =
      place_of(R"({"runs": [{"name": 1}, {"name": "x", "share": [[0, 1.5]]}], "line\nend": -1})");
  const auto fails = [](const auto& ask, const char* message) {
    EXPECT_PILLAR_ERROR(ask(), ErrorCategory::input, AllOf(HasSubstr("a file.json: "), HasSubstr(message)));
  };
  const JsonPlace runs = file.at("runs");
  fails([&] { (void)runs.items()[0].text("name"); }, "runs[0].name must be text");
  fails([&] { (void)runs.items()[1].number("name"); }, "runs[1].name must be a number or null");
  fails([&] { (void)runs.items()[1].flag("name"); }, "runs[1].name must be true or false");
  fails([&] { (void)runs.items()[1].at("share").shares(); }, "runs[1].share must be a list of pairs");
  fails([&] { (void)runs.items()[1].at("path"); }, "runs[1].path is missing");
  fails([&] { (void)runs.at("name"); }, "runs must be an object");
  fails([&] { (void)file.items(); }, "the file must be a list");
  fails([&] { (void)file.whole("line\nend"); }, "line\\x0Aend must be a whole number from 0 on");
  fails([&] { runs.refuse("a song"); }, "runs must be a song");
}

TEST(JsonPlace, OnlyAnObjectOfModestSizeIsRead) {
  for (const char* text : {"", "[1]", "{\"a\": 1", "{\"a\": 1e999}", "{\"a\": \"\xFF\"}"})
    EXPECT_PILLAR_ERROR(place_of(text), ErrorCategory::input, HasSubstr("a file.json: not a JSON object"));
  EXPECT_PILLAR_ERROR(place_of(fmt::format("{{\"a\": \"{:x>2000}\"}}", "")), ErrorCategory::input,
                      HasSubstr("a file.json"));
  EXPECT_PILLAR_ERROR(JsonPlace::read_object("/nowhere/a.json", 1000), ErrorCategory::io,
                      HasSubstr("/nowhere/a.json"));
}

}  // namespace
}  // namespace pillar
