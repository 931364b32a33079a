#include "pillar/text/token_lengths.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace pillar {
namespace {

using test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(TokenLengths, ReportsOfAllFilesAreCountedWithWhatStandsAroundThem) {
  TempDir dir;
  make_byte_tokenizer(dir / "tokenizer.json");
  const Tokenizer tokenizer = Tokenizer::load(dir / "tokenizer.json");
  write_file_atomic(dir / "a.jsonl",
                    "{\"sample_name\": \"A\", \"report_metadata\": \"xyz\"}\n"
                    "{\"sample_name\": \"B\", \"report_metadata\": \" \\n\"}\n"
                    "{\"sample_name\": \"C\"}\n");
  write_file_atomic(dir / "b.jsonl", "{\"sample_name\": \"D\", \"report_metadata\": \"x\"}\n");
  const TokenLengths lengths = measure_token_lengths({dir / "a.jsonl", dir / "b.jsonl"}, tokenizer);
  EXPECT_THAT(lengths.sorted, ElementsAre(2, 4)) << "<|endoftext|> counts";
  EXPECT_EQ(lengths.empty_reports, 2);
  EXPECT_EQ(lengths.total(), 6);
  EXPECT_EQ(lengths.longer_than(2), 1);
  EXPECT_EQ(lengths.longer_than(4), 0);
  EXPECT_PILLAR_ERROR(measure_token_lengths({dir / "absent.jsonl"}, tokenizer), ErrorCategory::io,
                      HasSubstr("absent.jsonl"));
}

TEST(TokenLengths, AQuantileIsTheLeastLengthThatTheShareDoesNotExceed) {
  TokenLengths lengths;
  EXPECT_EQ(lengths.quantile(0.5), 0) << "no reports";
  for (std::int64_t length = 1; length <= 10; ++length) lengths.sorted.push_back(10 * length);
  EXPECT_EQ(lengths.quantile(0), 10);
  EXPECT_EQ(lengths.quantile(0.5), 50);
  EXPECT_EQ(lengths.quantile(0.9), 90);
  EXPECT_EQ(lengths.quantile(0.91), 100);
  EXPECT_EQ(lengths.quantile(1), 100);
}

}  // namespace
}  // namespace pillar
