#include "pillar/embed/embed_job.h"

#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/embed/study_evidence.h"
#include "pillar/image/volume_file.h"
#include "pillar/rave/sample.h"

#include "embed/embed_records.h"
#include "embed/probe_job.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <fstream>
#include <limits>

#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
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
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(EmbedJob, EveryScanGetsItsOwnEmbeddingWhateverTheBatch) {
  TempDir dir;
  std::vector<fs::path> samples;
  for (std::uint32_t i = 0; i < 7; ++i) samples.push_back(make_sample(dir, fmt::format("S{}", i), i));
  for (int batch : {1, 3, 16}) {
    EmbedJob job = quiet_job(dir / fmt::format("cache{}", batch), samples);
    job.batch_size = batch;
    std::int64_t largest = 0;
    const ScanSummary summary = run_embed(job, [&](const at::Tensor& voxels) {
      largest = std::max(largest, voxels.size(0));
      EXPECT_EQ(voxels.sizes().slice(1), (at::IntArrayRef{1, 12, 40, 36}));
      return probe(voxels);
    });
    EXPECT_EQ(largest, std::min(batch, 7));
    EXPECT_THAT(summary.brief("embedded"), StartsWith("7 embedded; "));
    const EmbeddingSet set = load_embeddings(job.cache, "test");
    ASSERT_EQ(set.accessions.size(), 7u);
    for (std::int64_t i = 0; i < 7; ++i)
      EXPECT_TRUE(at::equal(set.embeddings[i], probe_of(samples[static_cast<std::size_t>(i)])))
          << "batch " << batch;
  }
}

TEST(EmbedJob, PlacesAreKeptBesideEmbeddingsWhereTheyAreWanted) {
  TempDir dir;
  EmbedJob job = quiet_job(dir / "cache", {make_sample(dir, "A1", 1), make_sample(dir, "B1", 2)});
  run_embed(job, probe);
  EXPECT_FALSE(has_study_evidence(job.cache, "test", "A1"));

  job.scales = {{{2, 4, 4}, {1, 1, 1}}};
  const auto with_places = [](const at::Tensor& voxels) {
    return EmbeddedRows(probe(voxels), at::full({voxels.size(0), 3}, 7, at::kLong));
  };
  // Those that are there have none, and are made again.
  EXPECT_THAT(run_embed(job, with_places).brief("embedded"), StartsWith("2 embedded"));
  EXPECT_EQ(run_embed(job, with_places).brief("embedded"), "2 there already");
  const EmbeddingSet set = load_embeddings(job.cache, "test");
  const StudyEvidence evidence = read_study_evidence(job.cache, "test", "B1", set.embeddings[1]);
  EXPECT_TRUE(at::equal(evidence.places_n, at::full({3}, 7, at::kLong)));
  EXPECT_EQ(evidence.placement.size_dhw, test::kProbeSize);
  EXPECT_EQ(evidence.placement.volume.size_dhw, (SizeDhw{10, 48, 64}));

  // An embedding that is made anew without them leaves none of another.
  job.scales.clear();
  job.overwrite = true;
  run_embed(job, probe);
  EXPECT_FALSE(has_study_evidence(job.cache, "test", "A1"));
}

TEST(EmbedJob, ProcessedCsvListsThemAndKeepsOtherSplits) {
  TempDir dir;
  EmbedJob job = quiet_job(dir / "cache", {make_sample(dir, "B1", 1), make_sample(dir, "A1", 2)});
  run_embed(job, probe);
  EmbedJob other = quiet_job(dir / "cache", {dir / "A1.1.0"});
  other.split = "train";
  run_embed(other, probe);
  const auto rows = read_processed(dir / "cache");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].accession, "A1");
  EXPECT_EQ(rows[0].split, "test");
  EXPECT_EQ(rows[0].model_name, "probe");
  EXPECT_EQ(rows[0].dataset_name, "phantoms");
  EXPECT_THAT(rows[0].timestamp, ::testing::MatchesRegex("20..-..-..T..:..:..Z"));
  EXPECT_EQ(rows[1].accession, "B1");
  EXPECT_EQ(rows[2].split, "train");
}

TEST(EmbedJob, ASecondRunComputesOnlyWhatIsNotThere) {
  TempDir dir;
  EmbedJob job = quiet_job(dir / "cache", {make_sample(dir, "A1", 1), make_sample(dir, "B1", 2)});
  run_embed(job, probe);
  const at::Tensor before = load_embeddings(job.cache, "test").embeddings;
  int calls = 0;
  const auto counted = [&](const at::Tensor& voxels) {
    ++calls;
    return probe(voxels);
  };
  EXPECT_EQ(run_embed(job, counted).brief("embedded"), "2 there already");
  EXPECT_EQ(calls, 0);

  fs::resize_file(dir / "cache/embeddings/test/B1.npz", 30);  // as a disk might leave it
  fs::remove(dir / "cache/processed.csv");                    // as a killed run would
  EXPECT_THAT(run_embed(job, counted).brief("embedded"), StartsWith("1 embedded, 1 there already"));
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(at::equal(load_embeddings(job.cache, "test").embeddings, before));
  EXPECT_EQ(read_processed(job.cache).size(), 2u);

  job.overwrite = true;
  EXPECT_THAT(run_embed(job, counted).brief("embedded"), StartsWith("2 embedded"));
}

TEST(EmbedJob, OneBrokenScanDoesNotStopTheOthers) {
  TempDir dir;
  const fs::path good = make_sample(dir, "G1", 1), cut = make_sample(dir, "C1", 2),
                 last = make_sample(dir, "L1", 3);
  std::string video = read_text_file(cut / "volume.mp4");
  video.replace(video.size() / 2, 200, 200, 'x');  // opens, does not decode
  write_file_atomic(cut / "volume.mp4", video);
  std::ofstream(dir / "no.tar") << "no archive";
  Volume mr = test::smooth_volume(6, 20, 24);
  mr.modality = Modality::mr;
  SampleMetadata metadata;
  metadata.accession = "MR1";
  metadata.modality = Modality::mr;
  write_sample(dir / "MR1.1.0", mr, metadata, {});
  EmbedJob job = quiet_job(dir / "cache", {dir / "absent", good, cut, dir / "no.tar", dir / "MR1.1.0", last});
  job.missing = {"nowhere"};
  job.batch_size = 4;
  const ScanSummary summary = run_embed(job, probe);
  EXPECT_THAT(summary.brief("embedded"), StartsWith("2 embedded, 5 failed"));
  EXPECT_THAT(load_embeddings(job.cache, "test").accessions, ElementsAre("G1", "L1"));
  const CsvTable failures = read_csv(dir / "cache/failures.csv");
  EXPECT_THAT(failures.header, ElementsAre("accession", "path", "reason"));
  ASSERT_EQ(failures.rows.size(), 5u);
  EXPECT_EQ(failures.rows[0][1], (dir / "absent").string());
  EXPECT_EQ(failures.rows[1][0], "C1");
  EXPECT_THAT(failures.rows[1][2], HasSubstr("C1.1.0"));
  EXPECT_THAT(failures.rows[3][2], HasSubstr("chest_ct takes CT"));
  EXPECT_EQ(failures.rows[4][0], "nowhere");
  EXPECT_EQ(read_processed(job.cache).size(), 2u);
}

TEST(EmbedJob, AnEmbeddingThatIsNotFiniteFailsAlone) {
  TempDir dir;
  EmbedJob job = quiet_job(dir / "cache",
                           {make_sample(dir, "A1", 1), make_sample(dir, "B1", 2), make_sample(dir, "C1", 3)});
  job.batch_size = 3;
  const ScanSummary summary = run_embed(job, [](const at::Tensor& voxels) {
    at::Tensor rows = probe(voxels);
    rows[1][2] = std::numeric_limits<float>::quiet_NaN();
    return rows;
  });
  EXPECT_THAT(summary.brief("embedded"), StartsWith("2 embedded, 1 failed"));
  EXPECT_THAT(summary.outcomes[1].reason, HasSubstr("NaN"));
  EXPECT_THAT(load_embeddings(job.cache, "test").accessions, ElementsAre("A1", "C1"));
}

fs::path make_other_sample(const TempDir& dir, const std::string& accession, std::uint32_t seed) {
  SampleMetadata metadata;
  metadata.accession = accession;
  fs::create_directories(dir / "other");
  const fs::path target = dir / "other" / fmt::format("{}.1.0", accession);
  write_sample(target, test::smooth_volume(10, 48, 64, seed), metadata, {});
  return target;
}

TEST(EmbedJob, TwoScansOfOneNameTheFirstHasIt) {
  TempDir dir;
  const fs::path first = make_sample(dir, "A1", 1), other = make_other_sample(dir, "A1", 2);
  const ScanSummary summary = run_embed(quiet_job(dir / "cache", {first, other}), probe);
  EXPECT_THAT(summary.brief("embedded"), StartsWith("1 embedded, 1 failed"));
  EXPECT_THAT(summary.outcomes[1].reason, HasSubstr(fmt::format("A1 is already that of {}", first.string())));
}

TEST(EmbedJob, TheSameScanNamedTwiceIsEmbeddedOnce) {
  TempDir dir;
  const fs::path sample = make_sample(dir, "A1", 1);
  const ScanSummary summary = run_embed(quiet_job(dir / "cache", {sample, sample / ""}), probe);
  EXPECT_THAT(summary.brief("embedded"), StartsWith("1 embedded, 1 there already"));
  EXPECT_EQ(read_processed(dir / "cache").size(), 1u);
}

// Neither run knows of the other: the cache does.
TEST(EmbedJob, AnotherScanOfTheSameNameIsRefusedInALaterRunToo) {
  TempDir dir;
  const fs::path first = make_sample(dir, "A1", 1), other = make_other_sample(dir, "A1", 2);
  for (const char* file : {"ct.nii", "other/ct.nii"})
    write_volume_file(dir / file, test::smooth_volume(10, 48, 64, file[0] == 'o' ? 3 : 4));
  run_embed(quiet_job(dir / "cache", {first, dir / "ct.nii"}), probe);
  const at::Tensor before = load_embeddings(dir / "cache", "test").embeddings;
  for (bool overwrite : {false, true}) {
    EmbedJob job = quiet_job(dir / "cache", {other, dir / "other/ct.nii"});
    job.overwrite = overwrite;
    const ScanSummary second = run_embed(job, probe);
    EXPECT_EQ(second.brief("embedded"), "2 failed");
    EXPECT_THAT(second.outcomes[0].reason, AllOf(HasSubstr(first.string()), HasSubstr(other.string())));
    EXPECT_THAT(second.outcomes[1].reason, HasSubstr((dir / "ct.nii").string()));
    EXPECT_TRUE(at::equal(load_embeddings(dir / "cache", "test").embeddings, before));
  }
  EXPECT_EQ(run_embed(quiet_job(dir / "cache", {first, dir / "ct.nii"}), probe).brief("embedded"),
            "2 there already");
}

TEST(EmbedJob, AScanThatHasChangedIsEmbeddedAgain) {
  TempDir dir;
  const fs::path sample = make_sample(dir, "A1", 1);
  EmbedJob job = quiet_job(dir / "cache", {sample});
  run_embed(job, probe);
  make_sample(dir, "A1", 2);
  EXPECT_THAT(run_embed(job, probe).brief("embedded"), StartsWith("1 embedded"));
  EXPECT_EQ(run_embed(job, probe).brief("embedded"), "1 there already");
  EXPECT_TRUE(at::equal(load_embeddings(job.cache, "test").embeddings[0], probe_of(sample)));
}

// Killed after the new embedding is there and before its source is: it must not pass for the old scan's.
TEST(EmbedJob, NothingIsSaidOfAChangedScanWhileItIsReplaced) {
  TempDir dir;
  EmbedJob job = quiet_job(dir / "cache", {make_sample(dir, "A1", 1)});
  run_embed(job, probe);
  make_sample(dir, "A1", 2);
  EXPECT_THROW(run_embed(job, [](const at::Tensor& v) { return v; }), std::logic_error);
  EXPECT_THAT(run_embed(job, probe).brief("embedded"), StartsWith("1 embedded"));
}

// The list is the split: a study that left it is refused by name, or leaves the split.
TEST(EmbedJob, StudiesThatLeftTheListAreRefusedOrLeaveTheSplit) {
  for (const EmbeddingFormat format : {EmbeddingFormat::npz, EmbeddingFormat::csv}) {
    TempDir dir;
    const auto job_of = [&](const std::vector<std::string>& names) {
      EmbedJob job = quiet_job(dir / "cache", {});
      for (const std::string& name : names) job.scans.push_back({make_sample(dir, name, 1), name});
      job.format = format;
      job.others = OtherEmbeddings::refuse;
      return job;
    };
    run_embed(job_of({"A1", "A2", "A3"}), probe);
    EmbedJob job = job_of({"A2"});
    EXPECT_PILLAR_ERROR(run_embed(job, probe), ErrorCategory::usage,
                        AllOf(HasSubstr("2 studies"), HasSubstr("A1 is the first"), HasSubstr("--others")));
    EXPECT_EQ(load_embeddings(job.cache, "test").accessions.size(), 3u);
    job.others = OtherEmbeddings::remove;
    EXPECT_EQ(run_embed(job, probe).brief("embedded"), "1 there already");
    EXPECT_THAT(load_embeddings(job.cache, "test").accessions, ElementsAre("A2"));
    ASSERT_EQ(read_processed(job.cache).size(), 1u);
    EXPECT_EQ(read_processed(job.cache)[0].accession, "A2");
    EXPECT_THAT(read_text_file(job.cache / "embeddings/test.sources.csv"), ::testing::Not(HasSubstr("A1,")));
  }
}

// A process of its own that embeds one sample.
int exit_of(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(EmbedJob, TwoProcessesNeverWriteOneSplit) {
  TempDir dir;
  const fs::path sample = make_sample(dir, "A1", 1);
  const WriteLock lock = EmbeddingCache::lock(dir / "cache", "test");
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      run_embed(quiet_job(dir / "cache", {sample}), probe);
    } catch (const Error& error) {
      write_file_atomic(dir / "words", std::string_view(error.what()));
      ::_exit(error.category() == ErrorCategory::usage ? 2 : 3);
    }
    ::_exit(0);
  }
  EXPECT_EQ(exit_of(child), 2);
  EXPECT_THAT(read_text_file(dir / "words"),
              AllOf(HasSubstr("cache/embeddings/test"), HasSubstr(fmt::format("process {} on", ::getpid()))));
}

// Each reads the table of all splits, adds its own and writes it whole.
TEST(EmbedJob, TwoProcessesOfOneCacheLoseNoRow) {
  TempDir dir;
  std::vector<pid_t> children;
  for (const std::string split : {"one", "two", "three", "four"}) {
    std::vector<ScanOutcome> outcomes;
    for (int i = 0; i < 40; ++i)
      outcomes.push_back({dir / "scan", fmt::format("{}{}", split, i), ScanStatus::written, ""});
    const pid_t child = ::fork();
    if (child == 0) {
      EmbedJob job = quiet_job(dir / "cache", {});
      job.split = split;
      fs::create_directories(job.cache);
      for (int turn = 0; turn < 5; ++turn) record_processed(job, outcomes, {});
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) EXPECT_EQ(exit_of(child), 0);
  EXPECT_EQ(read_processed(dir / "cache").size(), 160u);
}

TEST(EmbedJob, AnEmbeddingWithoutARecordIsMadeAgain) {
  TempDir dir;
  EmbedJob job = quiet_job(dir / "cache", {make_sample(dir, "A1", 1)});
  run_embed(job, probe);
  fs::remove(dir / "cache/embeddings/test.sources.csv");
  EXPECT_THAT(run_embed(job, probe).brief("embedded"), StartsWith("1 embedded"));
  EXPECT_EQ(run_embed(job, probe).brief("embedded"), "1 there already");
}

TEST(EmbedJob, ScansOfSeveralTypesShareARun) {
  TempDir dir;
  write_volume_file(dir / "n.nii", test::smooth_volume(10, 48, 64, 5));
  EmbedJob job = quiet_job(dir / "cache", {make_sample(dir, "A1", 1), dir / "n.nii"});
  job.spec.intensity = IntensityMap::native;
  SampleMetadata metadata;
  metadata.accession = "F1";
  SampleWriteOptions archive;
  archive.archive = Archive::tar_lz4;
  Volume unsigned_volume = test::smooth_volume(10, 48, 64);
  unsigned_volume.voxels_dhw = test::random_voxels(10, 48, 64, at::kUInt16, 0, 60000);
  write_sample(dir / "F1.tar.lz4", unsigned_volume, metadata, archive);
  job.scans.push_back({dir / "F1.tar.lz4", ""});
  job.batch_size = 8;
  EXPECT_THAT(run_embed(job, probe).brief("embedded"), StartsWith("3 embedded"));
}

TEST(EmbedJob, ATightMemoryBoundStillFinishes) {
  TempDir dir;
  std::vector<fs::path> samples;
  for (std::uint32_t i = 0; i < 6; ++i) samples.push_back(make_sample(dir, fmt::format("S{}", i), i));
  EmbedJob job = quiet_job(dir / "cache", samples);
  job.loader_bytes = 1;
  job.jobs = 3;
  job.batch_size = 4;
  EXPECT_THAT(run_embed(job, probe).brief("embedded"), StartsWith("6 embedded"));
}

TEST(EmbedJob, AScanTooLargeForMemoryFailsAlone) {
  TempDir dir;
  std::ofstream(dir / "big.nii.gz") << "x";
  std::error_code error;
  fs::resize_file(dir / "big.nii.gz", 1ull << 42, error);  // sparse: it takes no room
  if (error) GTEST_SKIP() << "no file of 4 TB here: " << error.message();
  const ScanSummary summary =
      run_embed(quiet_job(dir / "cache", {dir / "big.nii.gz", make_sample(dir, "A1", 1)}), probe);
  EXPECT_THAT(summary.brief("embedded"), StartsWith("1 embedded, 1 failed"));
  EXPECT_THAT(summary.outcomes[0].reason, HasSubstr("MB of memory to load"));
}

TEST(EmbedJob, AMaskIsLeftOutBelowAFolderAndFailsWhereItIsNamed) {
  TempDir dir;
  fs::create_directories(dir / "in/segmentations");
  write_volume_file(dir / "in/ct.nii.gz", test::smooth_volume(10, 48, 64));
  const fs::path mask = dir / "in/segmentations/liver.nii.gz";
  write_volume_file(mask, Volume{test::random_voxels(10, 48, 64, at::kByte, 0, 2), {}, Modality::ct});
  EmbedJob job = quiet_job(dir / "cache", {});
  job.scans = list_scans({dir / "in"});
  EXPECT_THAT(run_embed(job, probe).brief("embedded"), StartsWith("1 embedded, 1 left out; "));
  EXPECT_EQ(load_embeddings(job.cache, "test").accessions, std::vector<std::string>{"ct"});
  EXPECT_EQ(read_csv(job.cache / "failures.csv").rows.size(), 0u);
  EXPECT_EQ(read_processed(job.cache).size(), 1u);
  job.scans = list_scans({mask});
  EXPECT_EQ(run_embed(job, probe).brief("embedded"), "1 failed");
}

TEST(EmbedJob, CsvAndOtherSettings) {
  TempDir dir;
  EmbedJob job = quiet_job(dir / "cache", {make_sample(dir, "A1", 1)});
  job.format = EmbeddingFormat::csv;
  run_embed(job, probe);
  EXPECT_TRUE(at::equal(load_embeddings(job.cache, "test").embeddings[0], probe_of(dir / "A1.1.0")));
  job.format = EmbeddingFormat::npz;
  EXPECT_PILLAR_ERROR(run_embed(job, probe), ErrorCategory::usage,
                      HasSubstr("format: 'csv' then, 'npz' now"));
  job.format = EmbeddingFormat::csv;
  job.spec.flip_depth = false;
  EXPECT_PILLAR_ERROR(run_embed(job, probe), ErrorCategory::usage, HasSubstr("not flipped"));
  job.overwrite = true;
  EXPECT_PILLAR_ERROR(run_embed(job, probe), ErrorCategory::usage, HasSubstr("not flipped"));
}

TEST(EmbedJob, WhatCannotBeginIsRefused) {
  TempDir dir;
  EXPECT_PILLAR_ERROR(run_embed(quiet_job(dir / "cache", {}), probe), ErrorCategory::usage,
                      HasSubstr("no scans"));
  const fs::path sample = make_sample(dir, "A1", 1);
  std::ofstream(dir / "file") << "x";
  EXPECT_PILLAR_ERROR(run_embed(quiet_job(dir / "file", {sample}), probe), ErrorCategory::io,
                      HasSubstr("file"));
  fs::create_directories(dir / "cache");
  write_file_atomic(dir / "cache/processed.csv", "other,columns\n");
  EXPECT_PILLAR_ERROR(run_embed(quiet_job(dir / "cache", {sample}), probe), ErrorCategory::input,
                      HasSubstr("processed.csv"));
  EXPECT_THROW(run_embed(quiet_job(dir / "c2", {sample}), [](const at::Tensor& v) { return v; }),
               std::logic_error);
}

}  // namespace
}  // namespace pillar
