#include "pillar/core/config.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <cstdlib>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StrEq;

constexpr const char* kTrain = R"(# a run
seed: 7
model:
  name: "atlas"
  rate: 1e-4
  frozen: no
processing:
  resampling:
    target_spacing: [1.5, 0.75, 3]
    size: [2, 3]
  windows: [lung, "bone"]
  note: ~
)";

Config parse(std::string_view text) {
  return Config::parse(text, "dir/train.yaml");
}

void expect_refused(std::string_view text, const std::string& message) {
  EXPECT_PILLAR_ERROR(parse(text), ErrorCategory::input, HasSubstr("dir/train.yaml" + message));
}

TEST(Config, ReadsValuesOfEachType) {
  const Config config = parse(kTrain);
  EXPECT_EQ(config.get("seed").as_int(), 7);
  EXPECT_EQ(config.get("model").get("name").as_string(), "atlas");
  EXPECT_EQ(config.get("model").get("rate").as_double(), 1e-4);
  EXPECT_FALSE(config.get("model").get("frozen").as_bool());
  const Config resampling = config.get("processing").get("resampling");
  EXPECT_THAT(resampling.get("target_spacing").as_doubles(3), ElementsAre(1.5, 0.75, 3.0));
  EXPECT_THAT(resampling.get("size").as_ints(2), ElementsAre(2, 3));
  const Config windows = config.get("processing").get("windows");
  EXPECT_EQ(windows.size(), 2u);
  EXPECT_EQ(windows.at(0).as_string(), "lung");
  EXPECT_EQ(windows.at(1).as_string(), "bone");
  EXPECT_THAT(config.keys(), ElementsAre("seed", "model", "processing"));
  EXPECT_EQ(resampling.get("size").at(1).as_int(), 3);
  EXPECT_EQ(resampling.where(), "dir/train.yaml:8: processing.resampling");
}

TEST(Config, DefaultsForWhatIsAbsentOrNull) {
  const Config config = parse(kTrain);
  EXPECT_FALSE(config.get("absent").exists());
  EXPECT_FALSE(config.get("absent").get("deeper").exists());
  EXPECT_FALSE(config.get("processing").get("note").exists());
  EXPECT_EQ(config.get("absent").as_int(3), 3);
  EXPECT_EQ(config.get("absent").as_double(0.5), 0.5);
  EXPECT_TRUE(config.get("absent").as_bool(true));
  EXPECT_EQ(config.get("processing").get("note").as_string("x"), "x");
  EXPECT_EQ(config.get("seed").as_int(3), 7);
}

TEST(Config, AMissingValueIsNamedWithTheLineOfItsMap) {
  const Config config = parse(kTrain);
  EXPECT_PILLAR_ERROR(config.get("model").get("depth").as_int(), ErrorCategory::input,
                      StrEq("dir/train.yaml:3: model.depth: missing"));
  EXPECT_PILLAR_ERROR(config.get("processing").get("note").as_doubles(2), ErrorCategory::input,
                      StrEq("dir/train.yaml:12: processing.note: missing"));
}

TEST(Config, PathsAreReadAsAShellWouldReadThem) {
  ::setenv("PILLAR_TEST_PLACE", "/a place", 1);
  ::unsetenv("PILLAR_TEST_NOWHERE");
  const Config config =
      parse("a: ${PILLAR_TEST_PLACE}/x\nb: ~/runs\nc: 'x/${PILLAR_TEST_NOWHERE}'\nd: x~y\ne: ${}\nf: ${A\n");
  EXPECT_EQ(config.get("a").as_path(), "/a place/x");
  EXPECT_EQ(config.get("b").as_path(), std::string(std::getenv("HOME")) + "/runs");
  EXPECT_EQ(config.get("d").as_path(), "x~y");
  EXPECT_EQ(config.get("absent").as_path("y"), "y");
  EXPECT_PILLAR_ERROR(config.get("c").as_path(), ErrorCategory::input,
                      StrEq("dir/train.yaml:3: c: the environment variable PILLAR_TEST_NOWHERE is not set"));
  for (const char* key : {"e", "f"})
    EXPECT_PILLAR_ERROR(config.get(key).as_path(), ErrorCategory::input, HasSubstr("${NAME} is what a"));
}

TEST(Config, AnAssignmentOfNothingIsRefused) {
  Config config = parse("optimizer: {lr: 1}\n");
  for (const char* assignment : {"optimizer.lr=", "optimizer.lr=  "})
    EXPECT_PILLAR_ERROR(config.set(assignment), ErrorCategory::usage, HasSubstr("has no value"));
  config.set("optimizer.name=''");
  EXPECT_EQ(config.get("optimizer").get("name").as_string(), "");
}

TEST(Config, UnknownKeysSuggestTheNearest) {
  const Config config = parse("a: 1\nprocessing:\n  resampling:\n    target_spacng: [1, 1, 1]\n");
  EXPECT_PILLAR_ERROR(config.get("processing").get("resampling").allow_only({"size", "target_spacing"}),
                      ErrorCategory::input,
                      StrEq("dir/train.yaml:4: processing.resampling.target_spacng: unknown key; did you "
                            "mean 'target_spacing'?"));
  EXPECT_PILLAR_ERROR(config.allow_only({"processing", "model"}), ErrorCategory::input,
                      StrEq("dir/train.yaml:1: a: unknown key; allowed: processing, model"));
  config.allow_only({"a", "processing", "other"});
  config.get("absent").allow_only({});
}

TEST(Config, ValuesOfAnotherTypeAreRefused) {
  const Config config = parse("a: 1.5\nb: abc\nc: '5'\nd: [1]\ne: {x: 1}\n");
  EXPECT_PILLAR_ERROR(config.get("a").as_int(), ErrorCategory::input,
                      StrEq("dir/train.yaml:1: a: must be a whole number (decimal, 64 bits), is '1.5'"));
  EXPECT_PILLAR_ERROR(config.get("a").as_int(3), ErrorCategory::input, HasSubstr("whole number"));
  EXPECT_PILLAR_ERROR(config.get("b").as_int(), ErrorCategory::input, HasSubstr("is 'abc'"));
  EXPECT_PILLAR_ERROR(config.get("b").as_double(), ErrorCategory::input,
                      HasSubstr("train.yaml:2: b: must be a finite number, is 'abc'"));
  EXPECT_PILLAR_ERROR(config.get("b").as_bool(), ErrorCategory::input,
                      HasSubstr("must be true or false, is 'abc'"));
  EXPECT_PILLAR_ERROR(config.get("c").as_int(), ErrorCategory::input, HasSubstr("is the string '5'"));
  EXPECT_PILLAR_ERROR(config.get("d").as_string(), ErrorCategory::input,
                      HasSubstr("must be a string, is a list of 1"));
  EXPECT_PILLAR_ERROR(config.get("e").as_double(), ErrorCategory::input, HasSubstr("is a map"));
  EXPECT_PILLAR_ERROR(config.get("a").get("x"), ErrorCategory::input,
                      HasSubstr("train.yaml:1: a: must be a map, is '1.5'"));
  EXPECT_PILLAR_ERROR(config.get("a").keys(), ErrorCategory::input, HasSubstr("must be a map"));
  EXPECT_PILLAR_ERROR(config.get("e").at(0), ErrorCategory::input, HasSubstr("must be a list, is a map"));
  EXPECT_PILLAR_ERROR(config.get("d").at(1), ErrorCategory::input,
                      HasSubstr("has no element 1: it is a list of 1"));
  EXPECT_PILLAR_ERROR(config.get("z").at(0), ErrorCategory::input, HasSubstr("z: missing"));
}

TEST(Config, ListsHaveTheirExactLengthAndType) {
  const Config config = parse("a:\n  - 1\n  - x\nb: 5\n");
  EXPECT_PILLAR_ERROR(config.get("a").as_doubles(3), ErrorCategory::input,
                      StrEq("dir/train.yaml:1: a: must be a list of 3 numbers, is a list of 2"));
  EXPECT_PILLAR_ERROR(config.get("a").as_ints(2), ErrorCategory::input,
                      HasSubstr("dir/train.yaml:3: a[1]: must be a whole number"));
  EXPECT_PILLAR_ERROR(config.get("b").as_ints(2), ErrorCategory::input,
                      HasSubstr("must be a list of 2 whole numbers, is '5'"));
}

TEST(Config, WholeNumbers) {
  const auto as_int = [](const std::string& text) { return parse("a: " + text).get("a").as_int(); };
  EXPECT_EQ(as_int("-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(as_int("+12"), 12);
  EXPECT_EQ(as_int("0"), 0);
  for (const char* bad :
       {"9223372036854775808", "010", "0x10", "1_000", "1e3", "1.0", "+-1", "--1", "5 mm"}) {
    EXPECT_PILLAR_ERROR(as_int(bad), ErrorCategory::input, HasSubstr("whole number"));
  }
}

TEST(Config, Numbers) {
  const auto as_double = [](const std::string& text) { return parse("a: " + text).get("a").as_double(); };
  EXPECT_EQ(as_double("3"), 3.0);
  EXPECT_EQ(as_double("+.5"), 0.5);
  EXPECT_EQ(as_double("-1E+2"), -100.0);
  for (const char* bad : {".nan", "nan", "inf", "-inf", ".inf", "1e999", "0x1p3", "1,5", "1.5.2"}) {
    EXPECT_PILLAR_ERROR(as_double(bad), ErrorCategory::input, HasSubstr("finite number"));
  }
}

TEST(Config, TrueAndFalse) {
  const auto as_bool = [](const std::string& text) { return parse("a: " + text).get("a").as_bool(); };
  for (const char* word : {"true", "True", "yes", "on", "ON"}) EXPECT_TRUE(as_bool(word));
  for (const char* word : {"false", "FALSE", "no", "off", "Off"}) EXPECT_FALSE(as_bool(word));
  for (const char* bad : {"1", "0", "y", "tRue", "'true'"}) {
    EXPECT_PILLAR_ERROR(as_bool(bad), ErrorCategory::input, HasSubstr("true or false"));
  }
}

TEST(Config, JsonIsYaml) {
  const Config config = parse(
      "{\n\t\"depths\":[2,2,8],\n\t\"name\": \"a\\u00e9\\n\\/b\", \"on\": true, \"none\": null, \"rate\": "
      "1e-5\n}\n");
  EXPECT_THAT(config.get("depths").as_ints(3), ElementsAre(2, 2, 8));
  EXPECT_EQ(config.get("name").as_string(), "a\xC3\xA9\n/b");
  EXPECT_TRUE(config.get("on").as_bool());
  EXPECT_FALSE(config.get("none").exists());
  EXPECT_EQ(config.get("rate").as_double(), 1e-5);
  EXPECT_EQ(config.get("rate").where(), "dir/train.yaml:3: rate");
}

TEST(Config, AnEmptyFileHasNoKeys) {
  for (const char* text : {"", "\n", "# only a comment\n", "---\n", "~\n"}) {
    EXPECT_FALSE(parse(text).exists());
    EXPECT_FALSE(parse(text).get("a").exists());
    EXPECT_THAT(parse(text).keys(), ElementsAre());
  }
}

TEST(Config, DuplicateKeysAreRefused) {
  expect_refused("a:\n  b: 1\n  c: 2\n  b: 3\n", ":4: a.b: duplicate key, first on line 2");
  expect_refused("{\"a\": 1,\n \"a\": 2}", ":2: a: duplicate key, first on line 1");
  expect_refused("a:\n  - {x: 1}\n  - {x: 1, x: 2}\n", ":3: a[1].x: duplicate key");
}

TEST(Config, MalformedTextIsRefusedWithItsLine) {
  expect_refused("a: 1\nb: [1, 2\n", ":3: ");
  expect_refused("a: 1\n\tb: 2\n", ":");
  expect_refused("a: 1\n  b: 2\n", ":2: ");
  expect_refused("a: \"x\n", ":");
  expect_refused("a: \"x", ":");
  expect_refused("a: 'x\n\n", ":");
  expect_refused("{a: 1\n", ":1: a list or map as a key, or a bracket that is never closed");
  expect_refused("a: 1\n---\nb: 2\n", ":2: a second document");
  expect_refused("a: *b\n", ":1: ");
  expect_refused("[a]: 1\n", ":1: a list or map as a key");
  expect_refused("? {a: 1}\n: 1\n", ":1: a list or map as a key");
  expect_refused("~: 1\n", ":1: a key is missing");
  expect_refused("a: !!python/object:os.system x\n", ":1: a: unsupported tag");
  expect_refused("a: &x {b: 1}\nc:\n  <<: *x\n", ":3: c.<<: merge keys are not supported");
  expect_refused(std::string_view("a: 1\n\x04"
                                  "b: 2\n",
                                  11),
                 ": not a text file in UTF-8");
  expect_refused("a: \"\xff\"\n", ": not a text file in UTF-8");
  expect_refused(std::string(100'000, '['), ":1: ");
  std::string deep = "1";
  for (int i = 0; i < 65; ++i) deep = fmt::format("{{a: {}}}", deep);
  EXPECT_PILLAR_ERROR(parse(deep), ErrorCategory::input, HasSubstr("more than 64 levels"));
}

TEST(Config, TagsOfTheCoreSchema) {
  const Config config = parse("a: !!str 5\nb: !!int 5\nc: !!seq [1]\nd: \"\"\n");
  EXPECT_EQ(config.get("a").as_string(), "5");
  EXPECT_PILLAR_ERROR(config.get("a").as_int(), ErrorCategory::input, HasSubstr("the string '5'"));
  EXPECT_EQ(config.get("b").as_int(), 5);
  EXPECT_EQ(config.get("c").size(), 1u);
  EXPECT_TRUE(config.get("d").exists());
}

TEST(Config, AliasesShareTheirValue) {
  const Config config = parse("base: &b\n  x: 1\nother: *b\n");
  EXPECT_EQ(config.get("other").get("x").as_int(), 1);
  EXPECT_EQ(config.get("other").where(), "dir/train.yaml:3: other");
  expect_refused("a: &a [1, *a]\n", ":1: a[1]: an alias inside the value it stands for");
}

TEST(Config, AnAliasBombDoesNotExplode) {
  std::string bomb = "a0: &a0 [x]\n";
  for (int i = 1; i < 500; ++i) bomb += fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}]\n", i, i - 1);
  const Config config = parse(bomb);
  EXPECT_EQ(config.get("a499").at(3).at(3).size(), 4u);
}

TEST(Config, SetChangesAndCreates) {
  Config config = parse("a:\n  b: 1\nlist: [1, 2]\n");
  const Config copy = config;
  config.set("a.b=5");
  config.set("a.c.d=[1, 2.5]");
  config.set("new=text with = and spaces");
  config.set("list=null");
  EXPECT_EQ(config.get("a").get("b").as_int(), 5);
  EXPECT_THAT(config.get("a").get("c").get("d").as_doubles(2), ElementsAre(1.0, 2.5));
  EXPECT_EQ(copy.get("new").as_string(), "text with = and spaces");
  EXPECT_FALSE(config.get("list").exists());
  Config empty = parse("");
  empty.set("x.y=true");
  EXPECT_TRUE(empty.get("x").get("y").as_bool());
}

TEST(Config, SetDoesNotReachThroughAnAlias) {
  Config config = parse("base: &b {x: 1}\nother: *b\n");
  config.set("other.x=2");
  EXPECT_EQ(config.get("base").get("x").as_int(), 1);
  EXPECT_EQ(config.get("other").get("x").as_int(), 2);
}

TEST(Config, MessagesAboutSetValuesNameTheAssignment) {
  Config config = parse("a: {b: 1}\n");
  config.set("a.sede=abc");
  EXPECT_PILLAR_ERROR(config.get("a").get("sede").as_int(), ErrorCategory::input,
                      HasSubstr("'a.sede=abc': a.sede: must be a whole number"));
  EXPECT_PILLAR_ERROR(config.get("a").allow_only({"b", "seed"}), ErrorCategory::input,
                      StrEq("'a.sede=abc': a.sede: unknown key; did you mean 'seed'?"));
}

TEST(Config, BadAssignmentsAreUsageErrors) {
  Config config = parse("a: 1\nl: [1]\n");
  EXPECT_PILLAR_ERROR(config.set("a"), ErrorCategory::usage, HasSubstr("'a': must be of the form key=value"));
  EXPECT_PILLAR_ERROR(config.set("=1"), ErrorCategory::usage, HasSubstr("empty name"));
  EXPECT_PILLAR_ERROR(config.set("a..b=1"), ErrorCategory::usage, HasSubstr("empty name"));
  EXPECT_PILLAR_ERROR(config.set("a.b=1"), ErrorCategory::usage, HasSubstr("cannot set 'b' in '1'"));
  EXPECT_PILLAR_ERROR(config.set("l.0=1"), ErrorCategory::usage, HasSubstr("cannot set '0' in a list"));
  EXPECT_PILLAR_ERROR(config.set("b=[1,"), ErrorCategory::usage, HasSubstr("'b=[1,'"));
  EXPECT_EQ(config.keys().size(), 2u);
}

TEST(Config, LoadsFiles) {
  TempDir dir;
  write_file_atomic(dir / "a b.yaml", std::string_view("\xEF\xBB\xBF"
                                                       "seed: x\r\n"));
  EXPECT_PILLAR_ERROR(Config::load(dir / "a b.yaml").get("seed").as_int(), ErrorCategory::input,
                      HasSubstr("a b.yaml:1: seed"));
  EXPECT_PILLAR_ERROR(Config::load(dir / "absent.yaml"), ErrorCategory::io, HasSubstr("absent.yaml"));
  write_file_atomic(dir / "big.yaml", "a: " + std::string(5'000'000, 'x'));
  EXPECT_PILLAR_ERROR(Config::load(dir / "big.yaml"), ErrorCategory::input, HasSubstr("big.yaml"));
}

TEST(NearestName, WhatIsNearEnoughToBeMeant) {
  const std::vector<std::string> names = {"seed", "learning_rate", "target_spacing", "lr"};
  EXPECT_EQ(nearest_name("sed", names), "seed");
  EXPECT_EQ(nearest_name("esed", names), "seed");
  EXPECT_EQ(nearest_name("learing_rte", names), "learning_rate");
  EXPECT_EQ(nearest_name("lrr", names), "lr");
  EXPECT_EQ(nearest_name("batch", names), "");
  EXPECT_EQ(nearest_name("wd", names), "");
  EXPECT_EQ(nearest_name("", names), "");
  EXPECT_EQ(nearest_name("x", {}), "");
  EXPECT_EQ(nearest_name(std::string(1'000'000, 'a'), names), "");
}

}  // namespace
}  // namespace pillar
