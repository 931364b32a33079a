#include "pillar/core/csv.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

void expect_bad(std::string_view text, const std::string& fault) {
  EXPECT_PILLAR_ERROR(parse_csv(text, "x y.csv"), ErrorCategory::input, HasSubstr("x y.csv" + fault));
}

TEST(Csv, AnIndexOfPandasHasTheNameThatPandasGivesIt) {
  const CsvTable table = parse_csv(",sample_name\n0,P1\n", "x.csv");
  EXPECT_THAT(table.header, ElementsAre("Unnamed: 0", "sample_name"));
  EXPECT_THAT(table.rows.at(0), ElementsAre("0", "P1"));
}

TEST(Csv, ReadsColumnsByName) {
  const CsvTable table = parse_csv("series_path,site\n/data/a b,1\n/data/c,2\n", "x.csv");
  EXPECT_THAT(table.header, ElementsAre("series_path", "site"));
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[0][table.column("series_path", "x.csv")], "/data/a b");
  EXPECT_EQ(table.rows[1][table.column("site", "x.csv")], "2");
}

TEST(Csv, QuotedFields) {
  const CsvTable table = parse_csv("a,b\n\"one, two\",\"say \"\"yes\"\"\"\n\"two\nlines\",\"\"\n", "x.csv");
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_THAT(table.rows[0], ElementsAre("one, two", "say \"yes\""));
  EXPECT_THAT(table.rows[1], ElementsAre("two\nlines", ""));
}

TEST(Csv, WindowsLineEndsByteOrderMarkAndBlankLines) {
  const CsvTable table = parse_csv("\xEF\xBB\xBF\r\na,b\r\n\r\n1,2\r\n\n3,\r\n\r\n", "x.csv");
  EXPECT_THAT(table.header, ElementsAre("a", "b"));
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_THAT(table.rows[1], ElementsAre("3", ""));
}

TEST(Csv, FieldsAreQuotedAsInATable) {
  EXPECT_EQ(csv_field("a b"), "a b");
  EXPECT_EQ(csv_field(""), "");
  EXPECT_EQ(csv_field("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
}

TEST(Csv, TheLastLineNeedsNoEnd) {
  EXPECT_THAT(parse_csv("a,b\n1,2", "x.csv").rows.at(0), ElementsAre("1", "2"));
  EXPECT_THAT(parse_csv("a,b\n1,", "x.csv").rows.at(0), ElementsAre("1", ""));
  EXPECT_THAT(parse_csv("a,b\n1,\"2\"", "x.csv").rows.at(0), ElementsAre("1", "2"));
  EXPECT_TRUE(parse_csv("a,b", "x.csv").rows.empty());
}

TEST(Csv, SpacesBelongToTheField) {
  EXPECT_THAT(parse_csv("a, b \n", "x.csv").header, ElementsAre("a", " b "));
}

TEST(Csv, BadTextIsRefusedWithItsLine) {
  expect_bad("", ": no header");
  expect_bad("\n\r\n", ": no header");
  expect_bad("a,b\n1,2\n3,\"4\n\n5,6\n", ":3: a quote that is never closed");
  expect_bad("a,b\n\"1\nx\"y,2\n", ":3: text after a closing quote");
  expect_bad("a,b\n1\"2,3\n", ":2: a quote inside a field");
  expect_bad("a,b\n1,2,3\n", ":2: 3 fields where the header has 2");
  expect_bad("a,b\n\"1\n2\",3\n4\n", ":4: 1 fields where the header has 2");
  expect_bad("a,b\n1,2\r3,4\n", ":2: a carriage return without a line feed");
  expect_bad("a,b\n\"1\",\"2\"\r3,4\n", ":2: a carriage return without a line feed");
  expect_bad(std::string_view("a,b\n1,\0\n", 8), ": has zero bytes");
}

TEST(Csv, BadHeadersAreRefused) {
  expect_bad("a,b,a\n", ":1: columns 1 and 3 have the same name");
  expect_bad("\na,,c\n", ":2: a column without a name");
  expect_bad(",\n", ":1: a column without a name");
}

TEST(Csv, AMissingColumnNamesThoseThereAre) {
  const CsvTable table = parse_csv("series_path,site\n", "x.csv");
  EXPECT_PILLAR_ERROR(
      table.column("serie_path", "x.csv"), ErrorCategory::input,
      HasSubstr("x.csv: no column 'serie_path' (did you mean 'series_path'?); there are: series_path, site"));
}

TEST(Csv, VisitsTheColumnsWanted) {
  TempDir dir;
  write_file_atomic(dir / "t.csv", std::string_view("\xEF\xBB\xBF"
                                                    "a,b,c\n1,\"x\ny\",3\n\n4,,6\n"));
  std::vector<std::string> seen;
  visit_csv(dir / "t.csv", {"c", "b"}, [&](std::span<const std::string_view> fields, std::size_t line) {
    seen.push_back(fmt::format("{}: {}|{}", line, fields[0], fields[1]));
  });
  EXPECT_THAT(seen, ElementsAre("2: 3|x\ny", "5: 6|"));
  const auto ignore = [](std::span<const std::string_view>, std::size_t) {};
  EXPECT_PILLAR_ERROR(visit_csv(dir / "t.csv", {"d"}, ignore), ErrorCategory::input,
                      HasSubstr("no column 'd'"));
  write_file_atomic(dir / "t.csv", std::string_view("a,b\n1,2\n3\n"));
  EXPECT_PILLAR_ERROR(visit_csv(dir / "t.csv", {"a"}, ignore), ErrorCategory::input,
                      HasSubstr("t.csv:3: 1 fields"));
  write_file_atomic(dir / "t.csv", std::string_view(""));
  EXPECT_PILLAR_ERROR(visit_csv(dir / "t.csv", {"a"}, ignore), ErrorCategory::input, HasSubstr("empty"));
}

TEST(Csv, RoundTripOfAwkwardFields) {
  TempDir dir;
  const CsvTable table = {{"\xEF\xBB\xBF"
                           "a",
                           "b\"c"},
                          {{"", ""}, {"x,y", "\r"}, {"\n", "\"\""}, {" z ", "\r\n"}}};
  write_csv(dir / "a b.csv", table);
  const CsvTable read = read_csv(dir / "a b.csv");
  EXPECT_EQ(read.header, table.header);
  EXPECT_EQ(read.rows, table.rows);
}

TEST(Csv, QuotesOnlyWhereNeeded) {
  EXPECT_EQ(format_csv({{"a", "b"}, {{"plain text", "1,5"}, {"", "x"}}}), "a,b\nplain text,\"1,5\"\n,x\n");
}

TEST(Csv, ALoneEmptyFieldIsNoBlankLine) {
  const CsvTable table = {{"a"}, {{""}, {"x"}}};
  EXPECT_EQ(parse_csv(format_csv(table), "x.csv").rows, table.rows);
}

TEST(Csv, MalformedTablesAreNotWritten) {
  TempDir dir;
  EXPECT_PILLAR_ERROR(write_csv(dir / "x.csv", {{"a", "b"}, {{"1"}}}), ErrorCategory::usage,
                      HasSubstr("a row of 1 fields"));
  EXPECT_PILLAR_ERROR(write_csv(dir / "x.csv", {{}, {}}), ErrorCategory::usage, HasSubstr("no header"));
  EXPECT_PILLAR_ERROR(write_csv(dir / "x.csv", {{"a", "a"}, {}}), ErrorCategory::usage,
                      HasSubstr("have the same name"));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(Csv, AMissingFileIsNamed) {
  EXPECT_PILLAR_ERROR(read_csv("/no/such file.csv"), ErrorCategory::io, HasSubstr("/no/such file.csv"));
}

}  // namespace
}  // namespace pillar
