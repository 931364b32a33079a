#include "pillar/text/text_embed_job.h"

#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/core/write_lock.h"
#include "pillar/text/text_cache.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/text_caches.h"
#include "support/tiny_disk.h"

#include <limits>
#include <mutex>

#include <ATen/ops/allclose.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

std::string report_line(const std::string& study, const std::string& report) {
  return nlohmann::json{{"sample_name", study}, {"nii_path", "x"}, {"report_metadata", report}}.dump() + "\n";
}

class TextEmbed : public ::testing::Test {
 protected:
  TextEmbed() {
    job_.json_lines = {dir_ / "train.jsonl"};
    job_.cache = dir_ / "cache";
    job_.model_name = "m";
    job_.dataset_name = "chest";
    job_.split = "train";
    job_.settings = R"({"provider":"test"})";
    job_.batch_size = 2;
    job_.quiet = true;
  }
  void write(const std::map<std::string, std::string>& reports, const std::string& name = "train.jsonl") {
    std::string text;
    for (const auto& [study, report] : reports) text += report_line(study, report);
    write_file_atomic(dir_ / name, text);
  }
  // Length of the text, and 1.
  TextEmbedFunction lengths() {
    return [this](const std::vector<std::string>& texts) {
      const std::lock_guard lock(mutex_);
      at::Tensor rows = at::empty({static_cast<std::int64_t>(texts.size()), 2}, at::kFloat);
      for (std::size_t i = 0; i < texts.size(); ++i) {
        asked_.push_back(texts[i]);
        rows[static_cast<std::int64_t>(i)][0] = static_cast<float>(texts[i].size());
        rows[static_cast<std::int64_t>(i)][1] = 1;
      }
      return rows;
    };
  }
  static at::Tensor unit(float length) {
    at::Tensor row = at::full({2}, length);
    row[1] = 1;
    return row.div_(row.norm());
  }
  nlohmann::json metadata() const {
    return nlohmann::json::parse(read_text_file(job_.cache / "metadata.json"));
  }
  std::vector<std::vector<std::string>> failures() const {
    return read_csv(job_.cache / "failures.csv").rows;
  }

  TempDir dir_;
  TextEmbedJob job_;
  std::mutex mutex_;
  std::vector<std::string> asked_;
};

TEST_F(TextEmbed, WritesThePublicCache) {
  write({{"A", "one"}, {"B", "three"}, {"C", "fourteen words"}});
  const TextEmbedSummary summary = run_text_embed(job_, lengths());
  EXPECT_EQ(summary.embedded, 3);
  EXPECT_EQ(summary.kept + summary.failed, 0);
  const nlohmann::json json = metadata();
  EXPECT_EQ(json["model_name"], "m");
  EXPECT_EQ(json["normalize_embeddings"], true);
  EXPECT_EQ(json["max_length"], 512);
  EXPECT_EQ(json["embedding_dim"], 2);
  EXPECT_EQ(json["version"], "1.0");
  EXPECT_EQ(json["dataset_name"], "chest");
  EXPECT_EQ(json["split"], "train");
  EXPECT_EQ(json["text_to_path"][test::hash_of("A")], fmt::format("embeddings/{}.pt", test::hash_of("A")));
  const TextCache cache = TextCache::open(job_.cache);
  EXPECT_EQ(cache.count(), 3);
  EXPECT_TRUE(at::allclose(cache.vector("B"), unit(5)));
  EXPECT_TRUE(failures().empty());
}

TEST_F(TextEmbed, ASecondRunAsksOnlyForWhatIsNewOrChanged) {
  write({{"A", "one"}, {"B", "three"}});
  run_text_embed(job_, lengths());
  asked_.clear();
  EXPECT_EQ(run_text_embed(job_, lengths()).kept, 2);
  EXPECT_TRUE(asked_.empty());
  write({{"A", "one"}, {"B", "three more"}, {"C", "new"}});
  const TextEmbedSummary summary = run_text_embed(job_, lengths());
  EXPECT_EQ(summary.kept, 1);
  EXPECT_THAT(asked_, UnorderedElementsAre("three more", "new"));
  EXPECT_TRUE(at::allclose(TextCache::open(job_.cache).vector("B"), unit(10)));
}

TEST_F(TextEmbed, SeveralFilesGoIntoOneCache) {
  write({{"A", "one"}, {"B", "both"}});
  write({{"B", "both"}, {"V", "valid"}}, "valid.jsonl");
  job_.json_lines = {dir_ / "train.jsonl"};
  run_text_embed(job_, lengths());
  job_.json_lines = {dir_ / "valid.jsonl"};
  job_.split = "valid";
  EXPECT_EQ(run_text_embed(job_, lengths()).kept, 1);
  EXPECT_EQ(TextCache::open(job_.cache).count(), 3) << "studies of earlier runs stay";
  EXPECT_EQ(metadata()["split"], "train+valid");
  job_.json_lines.push_back(dir_ / "train.jsonl");
  EXPECT_EQ(run_text_embed(job_, lengths()).kept, 3) << "the same line twice is one study";
}

TEST_F(TextEmbed, ABrokenVectorIsMadeAgain) {
  write({{"A", "one"}, {"B", "three"}});
  run_text_embed(job_, lengths());
  fs::resize_file(job_.cache / fmt::format("embeddings/{}.pt", test::hash_of("B")), 100);
  asked_.clear();
  EXPECT_EQ(run_text_embed(job_, lengths()).embedded, 1);
  EXPECT_THAT(asked_, ElementsAre("three"));
  EXPECT_TRUE(at::allclose(TextCache::open(job_.cache).vector("B"), unit(5)));
}

TEST_F(TextEmbed, EmptyReportsAreListedAndNotEmbedded) {
  write_file_atomic(dir_ / "train.jsonl",
                    report_line("A", "one") + report_line("B", " \n") +
                        "{\"sample_name\":\"C\"}\n{\"sample_name\":\"D\",\"report_metadata\":null}\n");
  const TextEmbedSummary summary = run_text_embed(job_, lengths());
  EXPECT_EQ(summary.embedded, 1);
  EXPECT_EQ(summary.failed, 3);
  ASSERT_EQ(failures().size(), 3u);
  EXPECT_THAT(failures()[0], ElementsAre("B", (dir_ / "train.jsonl").string(), "the report is empty"));
  EXPECT_FALSE(TextCache::open(job_.cache).contains("C"));
}

// As pandas writes a column with gaps: each is a failure of its study, and of no other.
TEST_F(TextEmbed, AReportThatIsNoTextFailsAlone) {
  write_file_atomic(dir_ / "train.jsonl",
                    report_line("A", "one") + "{\"sample_name\":\"B\",\"report_metadata\":NaN}\n" +
                        "{\"sample_name\":\"C\",\"report_metadata\":[\"one\",\"two\"]}\n" +
                        "{\"sample_name\":12,\"report_metadata\":\"three\"}\n");
  const TextEmbedSummary summary = run_text_embed(job_, lengths());
  EXPECT_EQ(summary.embedded, 2);
  EXPECT_EQ(summary.failed, 2);
  ASSERT_EQ(failures().size(), 2u);
  EXPECT_EQ(failures()[0][2], "the report is empty");
  EXPECT_EQ(failures()[1][2], "the report is no text but of type array");
  EXPECT_TRUE(TextCache::open(job_.cache).contains("12"));
}

TEST_F(TextEmbed, BrokenFilesStopItBeforeAnythingIsAsked) {
  write_file_atomic(dir_ / "train.jsonl", report_line("A", "one") + "{broken\n");
  EXPECT_PILLAR_ERROR(run_text_embed(job_, lengths()), ErrorCategory::input,
                      HasSubstr("train.jsonl:2: no JSON object"));
  write_file_atomic(dir_ / "train.jsonl", report_line("A", "one") + report_line("A", "two"));
  EXPECT_PILLAR_ERROR(run_text_embed(job_, lengths()), ErrorCategory::input,
                      HasSubstr("train.jsonl:2: study 'A' again, with another report"));
  write_file_atomic(dir_ / "train.jsonl", "{\"report_metadata\":\"x\"}");
  EXPECT_PILLAR_ERROR(run_text_embed(job_, lengths()), ErrorCategory::input,
                      HasSubstr("sample_name is missing"));
  job_.json_lines = {dir_ / "absent.jsonl"};
  EXPECT_PILLAR_ERROR(run_text_embed(job_, lengths()), ErrorCategory::io, HasSubstr("absent.jsonl"));
  EXPECT_TRUE(asked_.empty());
  EXPECT_FALSE(fs::exists(job_.cache));
}

TEST_F(TextEmbed, ARefusedTextFailsAlone) {
  write({{"A", "one"}, {"B", "too long"}, {"C", "two"}, {"D", "three"}});
  const auto embed = lengths();
  const TextEmbedSummary summary = run_text_embed(job_, [&](const std::vector<std::string>& texts) {
    if (std::find(texts.begin(), texts.end(), "too long") != texts.end())
      throw Error(ErrorCategory::input, "over 512 tokens");
    return embed(texts);
  });
  EXPECT_EQ(summary.embedded, 3);
  EXPECT_EQ(summary.failed, 1);
  ASSERT_EQ(failures().size(), 1u);
  EXPECT_THAT(failures()[0], ElementsAre("B", (dir_ / "train.jsonl").string(), "over 512 tokens"));
}

TEST_F(TextEmbed, NaNAndZeroVectorsFailAlone) {
  write({{"A", "one"}, {"B", "nan"}, {"C", "zero"}});
  const auto embed = lengths();
  const TextEmbedSummary summary = run_text_embed(job_, [&](const std::vector<std::string>& texts) {
    at::Tensor rows = embed(texts);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (texts[i] == "nan") rows[static_cast<std::int64_t>(i)][1] = std::numeric_limits<float>::quiet_NaN();
      if (texts[i] == "zero") rows[static_cast<std::int64_t>(i)].zero_();
    }
    return rows;
  });
  EXPECT_EQ(summary.embedded, 1);
  EXPECT_EQ(summary.failed, 2);
  EXPECT_FALSE(TextCache::open(job_.cache).contains("B"));
}

TEST_F(TextEmbed, WhenTheServerFailsWhatIsDoneStays) {
  std::map<std::string, std::string> reports;
  for (int i = 0; i < 10; ++i) reports[fmt::format("S{}", i)] = fmt::format("report {}", i);
  write(reports);
  const auto embed = lengths();
  int calls = 0;
  EXPECT_PILLAR_ERROR(run_text_embed(job_,
                                     [&](const std::vector<std::string>& texts) {
                                       if (++calls > 2)
                                         throw Error(ErrorCategory::io, "the server went away");
                                       return embed(texts);
                                     }),
                      ErrorCategory::io, HasSubstr("the server went away"));
  EXPECT_EQ(TextCache::open(job_.cache).count(), 4);
  EXPECT_EQ(calls, 3) << "nothing is asked after that";
  const TextEmbedSummary summary = run_text_embed(job_, embed);
  EXPECT_EQ(summary.kept, 4);
  EXPECT_EQ(summary.embedded, 6);
}

TEST_F(TextEmbed, AnotherWidthEndsIt) {
  write({{"A", "one"}});
  run_text_embed(job_, lengths());
  write({{"A", "one"}, {"B", "three"}});
  const auto wide = [](const std::vector<std::string>& texts) {
    return at::full({static_cast<std::int64_t>(texts.size()), 3}, 1.0f);
  };
  EXPECT_PILLAR_ERROR(run_text_embed(job_, wide), ErrorCategory::io,
                      AllOf(HasSubstr("study 'B': a vector of 3 numbers"), HasSubstr("have 2")));
}

TEST_F(TextEmbed, ManyRefusalsWithNothingEmbeddedEndIt) {
  std::map<std::string, std::string> reports;
  for (int i = 0; i < 100; ++i) reports[fmt::format("S{}", i)] = "text";
  write(reports);
  int calls = 0;
  EXPECT_PILLAR_ERROR(run_text_embed(job_,
                                     [&](const std::vector<std::string>&) -> at::Tensor {
                                       ++calls;
                                       throw Error(ErrorCategory::input, "unknown model");
                                     }),
                      ErrorCategory::io, HasSubstr("all refused; the last: unknown model"));
  EXPECT_LT(calls, 40);
}

TEST_F(TextEmbed, WhereOthersWereEmbeddedEachRefusalIsItsTexts) {
  write({{"A", "one"}});
  run_text_embed(job_, lengths());
  std::map<std::string, std::string> reports = {{"A", "one"}};
  for (int i = 0; i < 30; ++i) reports[fmt::format("S{}", i)] = "too long";
  write(reports);
  const TextEmbedSummary summary = run_text_embed(job_, [](const std::vector<std::string>&) -> at::Tensor {
    throw Error(ErrorCategory::input, "over 512 tokens");
  });
  EXPECT_EQ(summary.kept, 1);
  EXPECT_EQ(summary.failed, 30);
  EXPECT_EQ(failures().size(), 30u);
}

TEST_F(TextEmbed, NamesThatMetadataCannotHoldAreRefusedFirst) {
  write({{"A", "one"}});
  job_.dataset_name = "\xFF";
  EXPECT_PILLAR_ERROR(run_text_embed(job_, lengths()), ErrorCategory::usage, HasSubstr("not UTF-8"));
  EXPECT_TRUE(asked_.empty());
}

TEST_F(TextEmbed, ManyJobsAndOneGiveTheSameCache) {
  std::map<std::string, std::string> reports;
  for (int i = 0; i < 50; ++i)
    reports[fmt::format("S{}", i)] = std::string(static_cast<std::size_t>(i) + 1, 'x');
  write(reports);
  job_.jobs = 4;
  job_.save_interval = std::chrono::seconds(0);
  EXPECT_EQ(run_text_embed(job_, lengths()).embedded, 50);
  const TextCache cache = TextCache::open(job_.cache);
  for (int i = 0; i < 50; ++i)
    EXPECT_TRUE(at::allclose(cache.vector(fmt::format("S{}", i)), unit(static_cast<float>(i) + 1))) << i;
}

TEST_F(TextEmbed, ACacheIsNeverContinuedOtherwise) {
  write({{"A", "one"}});
  run_text_embed(job_, lengths());
  const auto expect_refused = [&](const TextEmbedJob& job, const std::string& fault) {
    EXPECT_PILLAR_ERROR(run_text_embed(job, lengths()), ErrorCategory::usage, HasSubstr(fault));
  };
  TextEmbedJob other = job_;
  other.model_name = "n";
  expect_refused(other, "model_name was \"m\", and is \"n\" now");
  other = job_;
  other.settings = R"({"provider":"test","prefix":"x"})";
  expect_refused(other, "pillar was");
  other = job_;
  other.max_length = 8;
  expect_refused(other, "max_length was 512");
  other = job_;
  other.cache = dir_ / "public";
  test::write_public_cache(other.cache, {}, 2);
  expect_refused(other, "another program");
}

TEST_F(TextEmbed, ReportsThatAreCutAreCountedAndListed) {
  write({{"A", "one"}, {"B", "three"}, {"C", "fourteen words"}, {"D", "unreadable"}});
  job_.max_length = 4;
  job_.count_tokens = [](const std::string& text) {
    if (text == "unreadable") throw Error(ErrorCategory::input, "no text");
    return static_cast<std::int64_t>(text.size());
  };
  TextEmbedSummary summary = run_text_embed(job_, lengths());
  EXPECT_EQ(summary.embedded, 4);
  EXPECT_EQ(summary.cut, 2);
  EXPECT_EQ(summary.tokens, 3 + 4 + 4);
  const CsvTable cut = read_csv(job_.cache / "cut.csv");
  EXPECT_THAT(cut.header, ElementsAre("sample_name", "file", "tokens"));
  EXPECT_THAT(cut.rows, ElementsAre(ElementsAre("B", (dir_ / "train.jsonl").string(), "5"),
                                    ElementsAre("C", (dir_ / "train.jsonl").string(), "14")));
  summary = run_text_embed(job_, lengths());
  EXPECT_EQ(summary.kept, 4);
  EXPECT_EQ(summary.cut, 2) << "of the run's files, whether they are there already or not";
  EXPECT_EQ(summary.tokens, 0);
}

TEST_F(TextEmbed, ACacheHasOneWriterAtATime) {
  write({{"S1", "a report"}});
  {
    const WriteLock other = WriteLock::beside(job_.cache);
    EXPECT_PILLAR_ERROR(run_text_embed(job_, lengths()), ErrorCategory::usage,
                        AllOf(HasSubstr("cache"), HasSubstr("process")));
    EXPECT_FALSE(fs::exists(job_.cache));
  }
  EXPECT_EQ(run_text_embed(job_, lengths()).embedded, 1);
}

TEST_F(TextEmbed, AFullDiskEndsTheRun) {
  std::map<std::string, std::string> reports;
  for (int i = 0; i < 60; ++i) reports[fmt::format("S{}", i)] = "a report";
  write(reports);
  fs::create_directories(dir_ / "disk");
  job_.cache = dir_ / "disk/cache";
  const int answer = test::on_tiny_disk(dir_ / "disk", 96, [&] {
    try {
      run_text_embed(job_, lengths());
    } catch (const Error& error) {
      if (error.category() != ErrorCategory::io) return 1;
      for (const auto& entry : fs::recursive_directory_iterator(dir_ / "disk"))
        if (entry.path().filename().string().starts_with(".partial")) return 3;
      return 0;
    }
    return 2;
  });
  if (answer == -1) GTEST_SKIP() << "no mount namespaces here";
  EXPECT_EQ(answer, 0);
}

}  // namespace
}  // namespace pillar
