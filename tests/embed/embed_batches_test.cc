// Embedding batch by batch: what fails in one, and several at once.
#include "pillar/core/file.h"
#include "pillar/embed/embed_job.h"

#include "embed/probe_job.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::make_sample;
using test::probe;
using test::probe_of;
using test::quiet_job;
using test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(EmbedBatches, ABatchThatFailsIsTriedOneByOne) {
  TempDir dir;
  EmbedJob job = quiet_job(dir / "cache",
                           {make_sample(dir, "A1", 1), make_sample(dir, "B1", 2), make_sample(dir, "C1", 3)});
  job.batch_size = 3;
  const float culprit = probe_of(dir / "B1.1.0")[0].item<float>();
  const ScanSummary summary = run_embed(job, [&](const at::Tensor& voxels) {
    const at::Tensor rows = probe(voxels);
    for (std::int64_t i = 0; i < rows.size(0); ++i) {
      if (rows[i][0].item<float>() == culprit) throw std::runtime_error("too much\nand a long stack");
    }
    return rows;
  });
  EXPECT_THAT(summary.brief("embedded"), StartsWith("2 embedded, 1 failed"));
  EXPECT_THAT(summary.outcomes[1].reason, ::testing::EndsWith("B1.1.0: too much"));
}

TEST(EmbedBatches, MemoryThatRunsOutEndsTheBatch) {
  TempDir dir;
  EmbedJob job = quiet_job(dir / "cache", {make_sample(dir, "A1", 1), make_sample(dir, "B1", 2)});
  int calls = 0;
  const auto out_of_memory_at_two = [&](const at::Tensor& voxels) {
    if (++calls == 2) throw c10::OutOfMemoryError({"f", "f.cpp", 1}, "CUDA out of memory.");
    return probe(voxels);
  };
  EXPECT_THROW(run_embed(job, out_of_memory_at_two), c10::OutOfMemoryError);
  EXPECT_EQ(calls, 2);
  EXPECT_THAT(load_embeddings(job.cache, "test").accessions, ElementsAre("A1"));
  // As after a killed run: what its last minute embedded is embedded again.
  EXPECT_THAT(run_embed(job, probe).brief("embedded"), StartsWith("2 embedded"));
}

std::string files_of(const fs::path& cache) {
  std::string text = read_text_file(cache / "embeddings/test.sources.csv");
  const EmbeddingSet set = load_embeddings(cache, "test");
  for (std::size_t i = 0; i < set.accessions.size(); ++i)
    text +=
        set.accessions[i] + "\n" + read_text_file(cache / "embeddings/test" / (set.accessions[i] + ".npz"));
  return text;
}

// The first calls wait until `count` of them run at once.
class TogetherOnce {
 public:
  explicit TogetherOnce(int count) : count_(count) {}
  void arrive() {
    std::unique_lock lock(mutex_);
    ++there_;
    all_there_.notify_all();
    met_ = all_there_.wait_for(lock, std::chrono::seconds(60), [&] { return there_ >= count_; }) && met_;
  }
  bool met() const { return met_ && there_ >= count_; }

 private:
  std::mutex mutex_;
  std::condition_variable all_there_;
  int count_ = 0, there_ = 0;
  bool met_ = true;
};

TEST(EmbedBatches, TwoBatchesAtOnceGiveTheBytesOfOne) {
  TempDir dir;
  std::vector<fs::path> samples;
  for (std::uint32_t i = 0; i < 9; ++i) samples.push_back(make_sample(dir, fmt::format("S{}", i), i));
  for (const int batch : {1, 2}) {
    EmbedJob one = quiet_job(dir / fmt::format("one{}", batch), samples);
    one.batch_size = batch;
    run_embed(one, probe);
    EmbedJob two = quiet_job(dir / fmt::format("two{}", batch), samples);
    two.batch_size = batch;
    two.batches_at_once = 2;
    TogetherOnce together(2);
    const ScanSummary summary = run_embed(two, [&](const at::Tensor& voxels) {
      together.arrive();
      return probe(voxels);
    });
    EXPECT_TRUE(together.met());
    EXPECT_THAT(summary.brief("embedded"), StartsWith("9 embedded; "));
    for (std::size_t i = 0; i < samples.size(); ++i) EXPECT_EQ(summary.outcomes[i].path, samples[i]);
    EXPECT_EQ(files_of(two.cache), files_of(one.cache));
  }
}

TEST(EmbedBatches, OfSeveralBatchesAtOnceTheScansThatFailAreNamed) {
  TempDir dir;
  std::vector<fs::path> samples;
  for (std::uint32_t i = 0; i < 6; ++i) samples.push_back(make_sample(dir, fmt::format("S{}", i), i));
  const float culprit = probe_of(samples[3])[0].item<float>();
  for (const int batch : {1, 3}) {
    EmbedJob job = quiet_job(dir / fmt::format("cache{}", batch), samples);
    job.batch_size = batch;
    job.batches_at_once = 3;
    const ScanSummary summary = run_embed(job, [&](const at::Tensor& voxels) {
      const at::Tensor rows = probe(voxels);
      for (std::int64_t i = 0; i < rows.size(0); ++i) {
        if (rows[i][0].item<float>() == culprit) throw std::runtime_error("too much");
      }
      return rows;
    });
    EXPECT_THAT(summary.brief("embedded"), StartsWith("5 embedded, 1 failed"));
    EXPECT_THAT(summary.outcomes[3].reason, ::testing::EndsWith("S3.1.0: too much"));
    // What ends all work does so from a thread, too.
    EmbedJob ended = job;
    ended.cache = dir / fmt::format("ended{}", batch);
    const auto no_memory = [](const at::Tensor&) -> EmbeddedRows {
      throw c10::OutOfMemoryError({"f", "f.cpp", 1}, "CUDA out of memory.");
    };
    EXPECT_THROW(run_embed(ended, no_memory), c10::OutOfMemoryError);
  }
}

TEST(EmbedBatches, KilledWithTwoBatchesAtOnceItGoesOn) {
  TempDir dir;
  std::vector<fs::path> samples;
  for (std::uint32_t i = 0; i < 6; ++i) samples.push_back(make_sample(dir, fmt::format("S{}", i), i));
  EmbedJob whole = quiet_job(dir / "whole", samples);
  run_embed(whole, probe);
  EmbedJob job = quiet_job(dir / "killed", samples);
  job.batches_at_once = 2;
  const pid_t child = ::fork();
  if (child == 0) {
    std::atomic<int> calls = 0;
    run_embed(job, [&](const at::Tensor& voxels) {
      if (++calls == 5) ::_exit(9);
      return probe(voxels);
    });
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 9);
  EXPECT_THAT(run_embed(job, probe).brief("embedded"), HasSubstr(" embedded"));
  EXPECT_EQ(files_of(job.cache), files_of(whole.cache));
}

}  // namespace
}  // namespace pillar
