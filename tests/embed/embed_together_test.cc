// Several processes that embed one list, each a thread of the test.
#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/embed/embed_job.h"
#include "pillar/embed/study_evidence.h"

#include "embed/probe_job.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

#include <ATen/ops/full.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::make_sample;
using test::probe;
using test::quiet_job;
using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What the processes of a team say to each other: each text is heard by all before the next is said.
class Table {
 public:
  explicit Table(std::int64_t size) : size_(size) {}

  std::string broadcast(std::int64_t rank, const std::string& text, std::int64_t from) {
    std::unique_lock lock(mutex_);
    if (rank == from) text_ = text;
    const std::int64_t turn = turn_;
    if (++waiting_ == size_) {
      waiting_ = 0;
      ++turn_;
      heard_ = text_;
      changed_.notify_all();
    }
    changed_.wait(lock, [&] { return turn_ != turn || !lost_.empty(); });
    if (turn_ == turn) fail(ErrorCategory::io, "{}", lost_);
    return heard_;
  }

  void lose(std::int64_t rank) {
    const std::lock_guard lock(mutex_);
    lost_ = fmt::format("rank {} is gone", rank);
    changed_.notify_all();
  }

 private:
  const std::int64_t size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::int64_t waiting_ = 0, turn_ = 0;
  std::string text_, heard_, lost_;
};

struct TeamEnd {
  ScanSummary summary;        // of the process 0
  std::vector<Error> errors;  // as they came
  std::int64_t embedded = 0;  // scans that went through the model
};

TeamEnd run_team(std::int64_t size, const EmbedJob& job, const EmbedFunction& embed = probe) {
  Table table(size);
  TeamEnd end;
  std::atomic<std::int64_t> embedded = 0;
  std::mutex mutex;
  std::vector<std::thread> threads;
  for (std::int64_t rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      const EmbedTeam team = {rank, size, [&, rank](const std::string& text, std::int64_t from) {
                                return table.broadcast(rank, text, from);
                              }};
      const auto counted = [&](const at::Tensor& voxels) {
        EmbeddedRows rows = embed(voxels);
        embedded += voxels.size(0);
        return rows;
      };
      try {
        ScanSummary summary = run_embed(job, counted, team);
        const std::lock_guard lock(mutex);
        if (rank == 0) end.summary = std::move(summary);
      } catch (const Error& error) {
        table.lose(rank);
        const std::lock_guard lock(mutex);
        end.errors.push_back(error);
      } catch (const std::logic_error& error) {
        const std::lock_guard lock(mutex);
        end.errors.emplace_back(ErrorCategory::io, error.what());
        table.lose(rank);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  end.embedded = embedded;
  return end;
}

EmbedJob named_job(const fs::path& cache, const std::vector<std::pair<std::string, fs::path>>& scans) {
  EmbedJob job = quiet_job(cache, {});
  for (const auto& [name, path] : scans) job.scans.push_back({path, name});
  return job;
}

// Of every file its content, but for the times in processed.csv.
std::map<std::string, std::string> content_of(const fs::path& cache) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(cache)) {
    const std::string name = entry.path().lexically_relative(cache).string();
    files[name] = entry.is_directory() ? "folder" : read_text_file(entry.path());
  }
  files["processed.csv"].clear();
  for (const ProcessedRow& row : read_processed(cache))
    files["processed.csv"] += fmt::format("{} {} {}\n", row.split, row.accession, row.model_name);
  return files;
}

TEST(ScansOfProcess, NamesTakeTurnsAndScansOfOneNameStayTogether) {
  const std::vector<ScanEntry> scans = {{"a", "A"},  {"b", "B"}, {"c", "C"},
                                        {"a2", "A"}, {"d", "D"}, {"e", "E"}};
  EXPECT_THAT(scans_of_process(scans, 0, 2), ElementsAre(0, 2, 3, 5));
  EXPECT_THAT(scans_of_process(scans, 1, 2), ElementsAre(1, 4));
  EXPECT_THAT(scans_of_process(scans, 0, 1), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(scans_of_process(scans, 5, 9), ElementsAre());
  std::vector<std::size_t> all;
  for (std::int64_t rank = 0; rank < 4; ++rank)
    for (const std::size_t place : scans_of_process(scans, rank, 4)) all.push_back(place);
  EXPECT_THAT(all, ::testing::UnorderedElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(ScansOfProcess, ANameThatIsNotKnownAheadIsRefused) {
  const std::vector<ScanEntry> scans = {{"a", "A"}, {"b", ""}};
  EXPECT_PILLAR_ERROR(scans_of_process(scans, 0, 2), ErrorCategory::usage,
                      AllOf(HasSubstr("b: "), HasSubstr("need a manifest")));
  EXPECT_EQ(scans_of_process(scans, 0, 1).size(), 2u);
  EXPECT_PILLAR_ERROR(scans_of_process(scans, 2, 2), ErrorCategory::usage, HasSubstr("process 2 of 2"));
}

// Good scans, a broken one, two of one name, one named twice, one that no row names.
TEST(EmbedTogether, TheResultIsThatOfOneProcess) {
  TempDir dir;
  std::vector<std::pair<std::string, fs::path>> scans;
  for (std::uint32_t i = 0; i < 5; ++i)
    scans.emplace_back(fmt::format("S{}", i), make_sample(dir, fmt::format("S{}", i), i));
  std::ofstream(dir / "no.tar") << "no archive";
  scans.insert(scans.begin() + 1, {"broken", dir / "no.tar"});
  scans.emplace_back("S1", scans[0].second);  // another scan of that name
  scans.emplace_back("S2", dir / "S2.1.0");   // the same once more
  EmbedJob job = named_job(dir / "one", scans);
  job.missing = {"nowhere"};
  job.batch_size = 2;
  const ScanSummary one = run_embed(job, probe);
  for (const std::int64_t size : {2, 3, 12}) {
    job.cache = dir / fmt::format("of {}", size);
    const TeamEnd end = run_team(size, job);
    EXPECT_TRUE(end.errors.empty());
    EXPECT_EQ(content_of(job.cache), content_of(dir / "one")) << size << " processes";
    EXPECT_THAT(end.summary.brief("embedded"),
                ::testing::StartsWith("5 embedded, 1 there already, 3 failed; "));
    ASSERT_EQ(end.summary.outcomes.size(), one.outcomes.size());
    for (std::size_t i = 0; i < one.outcomes.size(); ++i) {
      EXPECT_EQ(end.summary.outcomes[i].status, one.outcomes[i].status) << i;
      EXPECT_EQ(end.summary.outcomes[i].reason, one.outcomes[i].reason) << i;
    }
    EXPECT_EQ(run_team(2, job).embedded, 0) << "all are there";
  }
  EXPECT_THAT(one.outcomes[6].reason, HasSubstr("S1 is already that of"));
}

TEST(EmbedTogether, OverwriteOthersAndPlacesGoTheWayOfOneProcess) {
  TempDir dir;
  std::vector<std::pair<std::string, fs::path>> scans;
  for (std::uint32_t i = 0; i < 4; ++i)
    scans.emplace_back(fmt::format("S{}", i), make_sample(dir, fmt::format("S{}", i), i));
  const auto with_places = [](const at::Tensor& voxels) {
    return EmbeddedRows(probe(voxels), at::full({voxels.size(0), 3}, 7, at::kLong));
  };
  for (const char* name : {"one", "many"}) run_embed(named_job(dir / name, scans), probe);
  make_sample(dir, "S2", 9);  // has changed since
  scans.erase(scans.begin());
  EmbedJob job = named_job(dir / "one", scans);
  job.scales = {{{2, 4, 4}, {1, 1, 1}}};
  job.overwrite = true;
  job.others = OtherEmbeddings::remove;
  run_embed(job, with_places);
  job.cache = dir / "many";
  EXPECT_EQ(run_team(2, job, with_places).embedded, 3);
  EXPECT_EQ(content_of(dir / "many"), content_of(dir / "one"));
  EXPECT_TRUE(has_study_evidence(job.cache, "test", "S2"));
  EXPECT_EQ(read_csv(dir / "many/embeddings/test.sources.csv").rows.size(), 3u);
}

// Its processes were killed between two writes of the sources: the parts say what was embedded.
TEST(EmbedTogether, WhatAKilledTeamHadIsNotEmbeddedAgainByAnyNumber) {
  TempDir dir;
  std::vector<std::pair<std::string, fs::path>> scans;
  for (std::uint32_t i = 0; i < 5; ++i)
    scans.emplace_back(fmt::format("S{}", i), make_sample(dir, fmt::format("S{}", i), i));
  EmbedJob job = named_job(dir / "whole", scans);
  run_embed(job, probe);
  const CsvTable all = read_csv(dir / "whole/embeddings/test.sources.csv");
  for (const std::int64_t size : {1, 2, 4}) {
    job.cache = dir / fmt::format("cut {}", size);
    fs::copy(dir / "whole", job.cache, fs::copy_options::recursive);
    const fs::path embeddings = job.cache / "embeddings", parts = embeddings / ".test.parts";
    fs::remove(job.cache / "processed.csv");
    fs::remove(embeddings / "test/S4.npz");
    fs::create_directories(parts);
    // S0 was said before, S1 was withdrawn since, S2 and S3 were put by two of the processes.
    write_csv(embeddings / "test.sources.csv", {all.header, {all.rows[0], all.rows[1]}});
    write_csv(parts / "1.csv", {all.header, {all.rows[2], {"S1", "", "", ""}}});
    write_csv(parts / "12.csv", {all.header, {all.rows[3]}});
    std::ofstream(parts / ".partial-elsewhere-1-1-3.csv") << "accession,pa";
    EXPECT_EQ(run_team(size, job).embedded, 2) << "S1 and S4";
    EXPECT_EQ(content_of(job.cache), content_of(dir / "whole")) << size << " processes";
  }
}

// One process of a team that was killed still ends: what it says last is waited for.
TEST(EmbedTogether, AProcessOfAnEarlierTeamIsWaitedFor) {
  TempDir dir;
  EmbedJob job = named_job(dir / "cache", {{"A1", make_sample(dir, "A1", 1)}});
  run_embed(job, probe);
  const fs::path sources = dir / "cache/embeddings/test.sources.csv";
  const fs::path part = dir / "cache/embeddings/.test.parts/0.csv";
  const std::string said = read_text_file(sources);
  fs::remove(sources);
  fs::create_directories(part.parent_path());
  write_file_atomic(part, "accession,path,source,content\n");
  std::optional<WriteLock> lock = WriteLock::beside(part);
  std::thread ending([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    write_file_atomic(part, said);
    lock.reset();
  });
  EXPECT_EQ(run_team(2, job).embedded, 0);
  ending.join();
  EXPECT_EQ(read_text_file(sources), said);
}

TEST(EmbedTogether, AProcessThatFailsEndsTheOthersAndWhatWasEmbeddedStays) {
  TempDir dir;
  std::vector<std::pair<std::string, fs::path>> scans;
  for (std::uint32_t i = 0; i < 4; ++i)
    scans.emplace_back(fmt::format("S{}", i), make_sample(dir, fmt::format("S{}", i), i));
  EmbedJob job = named_job(dir / "cache", scans);
  std::atomic<int> calls = 0;
  const TeamEnd end = run_team(2, job, [&](const at::Tensor& voxels) {
    return ++calls == 4 ? EmbeddedRows(voxels) : EmbeddedRows(probe(voxels));  // a mistake of the program
  });
  ASSERT_EQ(end.errors.size(), 2u);
  EXPECT_THAT(end.errors[1].what(), ::testing::MatchesRegex("rank [01] is gone"));
  EXPECT_EQ(load_embeddings(job.cache, "test").accessions.size(), 3u);
  EXPECT_FALSE(fs::exists(job.cache / "processed.csv"));
  const TeamEnd again = run_team(3, job);
  EXPECT_TRUE(again.errors.empty());
  EXPECT_EQ(load_embeddings(job.cache, "test").accessions.size(), 4u);
  EXPECT_FALSE(fs::exists(job.cache / "embeddings/.test.parts"));
}

TEST(EmbedTogether, WhatCannotBeginIsSaidByAll) {
  TempDir dir;
  EmbedJob job =
      named_job(dir / "cache", {{"A1", make_sample(dir, "A1", 1)}, {"B1", make_sample(dir, "B1", 2)}});
  const auto expect_usage = [&](const auto& words) {
    const TeamEnd end = run_team(3, job);
    ASSERT_EQ(end.errors.size(), 3u);
    for (const Error& error : end.errors) {
      EXPECT_EQ(error.category(), ErrorCategory::usage);
      EXPECT_THAT(error.what(), words);
    }
    EXPECT_EQ(end.embedded, 0);
  };
  {
    const WriteLock lock = EmbeddingCache::lock(job.cache, job.split);
    expect_usage(HasSubstr("another run is writing here"));
  }
  run_team(3, job);
  job.spec.flip_depth = false;
  expect_usage(HasSubstr("not flipped"));
  job.spec.flip_depth = true;
  job.others = OtherEmbeddings::refuse;
  job.scans.pop_back();
  expect_usage(HasSubstr("B1 is the first"));
  job.format = EmbeddingFormat::csv;
  expect_usage(HasSubstr("one csv file"));
}

}  // namespace
}  // namespace pillar
