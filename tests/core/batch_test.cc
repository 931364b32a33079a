#include "pillar/core/batch.h"

#include "pillar/core/csv.h"
#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <stdexcept>
#include <thread>

#include <gmock/gmock.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Batch, ANameIsThatOfTheFirstWhoAsks) {
  OutputNames names;
  EXPECT_EQ(names.claim("A1", "scans/a"), std::nullopt);
  EXPECT_EQ(names.claim("B1", "scans/b"), std::nullopt);
  EXPECT_EQ(names.claim("A1", "scans/c"), "scans/a");
  EXPECT_EQ(names.claim("A1", "scans/b"), "scans/a");
}

TEST(Batch, InputsTakeTheirTurnsInOrderWhicheverThreadIsFaster) {
  OutputNames names;
  std::vector<std::size_t> order;
  std::vector<std::thread> threads;
  for (std::size_t input = 8; input-- > 0;)
    threads.emplace_back([&, input] { names.in_turn(input, [&] { order.push_back(input); }); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST(Batch, ATurnThatFailsIsOver) {
  OutputNames names;
  EXPECT_THROW(names.in_turn(0, [] { throw std::runtime_error("no name"); }), std::runtime_error);
  bool came = false;
  names.in_turn(1, [&] { came = true; });
  EXPECT_TRUE(came);
}

TEST(Batch, FailuresAreATableThatEndsWithTheReason) {
  TempDir dir;
  write_failures(dir.path(), {"path", "reason"}, {{"a", "broken, or so"}});
  EXPECT_EQ(read_text_file(dir / "failures.csv"), "path,reason\na,\"broken, or so\"\n");
  write_failures(dir.path(), {"path", "reason"}, {});
  EXPECT_EQ(read_text_file(dir / "failures.csv"), "path,reason\n");
}

TEST(Batch, ManyFailuresAreWrittenRowByRow) {
  TempDir dir;
  int left = 3;
  write_failures_by_row(dir.path(), {"path", "reason"}, [&](std::vector<std::string>& row) {
    row = {fmt::format("scan {}", left), "a \"quote\", and a comma"};
    return left-- > 0;
  });
  const CsvTable table = read_csv(dir / "failures.csv");
  EXPECT_THAT(table.header, ElementsAre("path", "reason"));
  ASSERT_EQ(table.rows.size(), 3u);
  EXPECT_THAT(table.rows[0], ElementsAre("scan 3", "a \"quote\", and a comma"));
  EXPECT_PILLAR_ERROR(write_failures(dir / "nowhere", {"path"}, {{"x"}}), ErrorCategory::io,
                      HasSubstr("nowhere"));
}

TEST(Batch, JobsAreAsManyAsAskedForButNoMoreThanInputs) {
  EXPECT_EQ(jobs_at_once(3, 8, 10), 3);
  EXPECT_EQ(jobs_at_once(0, 8, 10), 8);
  EXPECT_EQ(jobs_at_once(0, 8, 2), 2);
  EXPECT_EQ(jobs_at_once(5, 8, 0), 1);
}

TEST(Batch, CountsAreToldInWords) {
  EXPECT_EQ(counts_in_words({{12, "written"}, {0, "there already"}, {1, "failed"}}), "12 written, 1 failed");
  EXPECT_EQ(counts_in_words({{0, "written"}}), "");
}

}  // namespace
}  // namespace pillar
