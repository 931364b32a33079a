#include "pillar/text/text_embed_job.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"
#include "pillar/core/progress.h"
#include "pillar/core/thread_pool.h"
#include "pillar/core/write_lock.h"
#include "pillar/text/report_lines.h"

#include "core/shared/first_line.h"
#include "core/shared/object_lines.h"
#include "text/cache/cache_metadata.h"
#include "text/cache/unit_vector.h"
#include "text/cache/vector_file.h"
#include "text/embed/embed_records.h"

#include <atomic>
#include <mutex>
#include <unordered_map>

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr const char* kJobCategory = "all_findings";
constexpr int kBatchesAhead = 4;            // for each call at a time: read, and waiting
constexpr std::int64_t kMostRefusals = 20;  // with nothing in the cache: then it is not the texts

struct Study {
  std::string name, report, file;
  StudyDigest digest, report_digest;
  std::int64_t tokens = 0;  // that are read of the report; 0 where nobody counts
};

// A report that is to be embedded.
struct WantedReport {
  StudyDigest digest;
  std::int64_t tokens = 0;
};

class TextEmbedRun {
 public:
  TextEmbedRun(const TextEmbedJob& job, const TextEmbedFunction& embed) : job_(job), embed_(embed) {}
  void plan();
  void run();
  TextEmbedSummary summary() const {
    const auto failed = static_cast<std::int64_t>(failures_.size());
    return {embedded_, kept_, failed, 0, tokens_, static_cast<std::int64_t>(cut_.rows.size())};
  }

 private:
  std::int64_t tokens_read(const ReportLine& line, const fs::path& file);
  void embed_batch(const std::vector<Study>& batch);
  void embed_one_by_one(const std::vector<Study>& batch, const Error& error);
  void keep(const Study& study, const at::Tensor& row);
  std::string token_rate() const;
  void fail_study(const Study& study, const std::string& reason);
  void stop(std::exception_ptr reason);
  void save();

  const TextEmbedJob& job_;
  const TextEmbedFunction& embed_;
  std::map<StudyDigest, WantedReport> wanted_;  // by study
  CsvTable cut_ = {{"sample_name", "file", "tokens"}, {}};
  std::int64_t kept_ = 0;

  std::mutex mutex_;  // of all below
  CacheRecords records_;
  std::vector<TextFailure> failures_;
  std::int64_t embedded_ = 0, refused_ = 0, tokens_ = 0;
  Clock::time_point first_call_;
  std::atomic<bool> stopped_ = false;
  std::exception_ptr stop_reason_;
  Clock::time_point last_save_ = Clock::now();
  std::unique_ptr<Progress> progress_;
};

// Reads all files once before anything is asked for: a broken line is found now, not hours later.
void TextEmbedRun::plan() {
  records_ = read_cache_records(job_);
  std::map<StudyDigest, StudyDigest> seen;
  for (const fs::path& file : job_.json_lines) {
    for_each_report(file, [&](const ReportLine& line) {
      const StudyDigest study = study_digest(line.study), report = study_digest(line.report);
      const auto [first, is_new] = seen.emplace(study, report);
      if (!is_new && first->second != report)
        fail(ErrorCategory::input, "{}:{}: study '{}' again, with another report", file, line.line,
             printable(line.study));
      if (!is_new) return;
      if (is_blank(line.report)) {
        const std::string fault = line.fault.empty() ? "the report is empty" : line.fault;
        failures_.push_back({line.study, file.string(), fault});
        spdlog::error("{}:{}: study '{}': {}", file.string(), line.line, printable(line.study), fault);
        return;
      }
      const std::int64_t tokens = tokens_read(line, file);
      const auto there = records_.reports.find(study);
      if (there != records_.reports.end() && there->second == report) {
        ++kept_;
      } else {
        wanted_.emplace(study, WantedReport{report, tokens});
      }
    });
  }
  // What will be embedded anew is not there from now on, whenever this run ends.
  bool changed = false;
  for (const auto& [study, wanted] : wanted_) changed |= records_.reports.erase(study) > 0;
  if (changed) save();
}

// How many tokens the model will see of a report; one that it does not see whole is listed.
std::int64_t TextEmbedRun::tokens_read(const ReportLine& line, const fs::path& file) {
  if (!job_.count_tokens) return 0;
  std::int64_t tokens = 0;
  try {
    tokens = job_.count_tokens(line.report);
  } catch (const Error& error) {
    if (error.category() != ErrorCategory::input) throw;
    return 0;  // the report fails when its turn comes
  }
  if (tokens <= job_.max_length) return tokens;
  cut_.rows.push_back({line.study, file.string(), std::to_string(tokens)});
  return job_.max_length;
}

void TextEmbedRun::run() {
  first_call_ = Clock::now();
  progress_ = std::make_unique<Progress>(ProgressOptions{.label = "embed",
                                                         .unit = "reports",
                                                         .total = static_cast<std::int64_t>(wanted_.size()),
                                                         .quiet = job_.quiet});
  {
    ThreadPool pool(job_.jobs, static_cast<std::uint64_t>(job_.jobs) * kBatchesAhead);
    auto batch = std::make_shared<std::vector<Study>>();
    const auto flush = [&] {
      if (!batch->empty()) pool.submit([this, batch] { embed_batch(*batch); }, 1);
      batch = std::make_shared<std::vector<Study>>();
    };
    for (const fs::path& file : job_.json_lines) {
      for_each_report(file, [&](const ReportLine& line) {
        const StudyDigest study = study_digest(line.study);
        const auto wanted = wanted_.find(study);
        if (wanted == wanted_.end() || stopped_) return;
        batch->push_back(
            {line.study, line.report, file.string(), study, wanted->second.digest, wanted->second.tokens});
        wanted_.erase(wanted);  // the same line in another file
        if (batch->size() >= static_cast<std::size_t>(job_.batch_size)) flush();
      });
    }
    flush();
    pool.wait();
  }
  progress_->finish();
  const std::lock_guard lock(mutex_);
  if (records_.width > 0) save();
  write_text_failures(job_, failures_);
  if (job_.count_tokens) write_csv(job_.cache / "cut.csv", cut_);
  if (stop_reason_) std::rethrow_exception(stop_reason_);
}

void TextEmbedRun::embed_batch(const std::vector<Study>& batch) {
  if (stopped_) return;
  const at::NoGradGuard no_grad;
  try {
    std::vector<std::string> texts;
    texts.reserve(batch.size());
    for (const Study& study : batch) texts.push_back(study.report);
    const at::Tensor rows_nw = embed_(texts);
    if (rows_nw.dim() != 2 || rows_nw.size(0) != static_cast<std::int64_t>(batch.size()) ||
        rows_nw.scalar_type() != at::kFloat)
      throw std::logic_error("a text embedding function must return (texts, width) float32");
    for (std::size_t i = 0; i < batch.size(); ++i) keep(batch[i], rows_nw[static_cast<std::int64_t>(i)]);
  } catch (const Error& error) {
    if (error.category() != ErrorCategory::input) return stop(std::current_exception());
    embed_one_by_one(batch, error);
  } catch (...) {
    stop(std::current_exception());
  }
}

// What is refused together is asked for one by one: the fault may be one text's.
void TextEmbedRun::embed_one_by_one(const std::vector<Study>& batch, const Error& error) {
  if (batch.size() > 1) {
    for (const Study& study : batch) embed_batch({study});
    return;
  }
  fail_study(batch.front(), first_line(error.what()));
  const std::lock_guard lock(mutex_);
  if (records_.reports.empty() && ++refused_ >= kMostRefusals && !stop_reason_) {
    stop_reason_ = std::make_exception_ptr(
        Error(ErrorCategory::io, fmt::format("the first {} reports were all refused; the last: {}", refused_,
                                             first_line(error.what()))));
    stopped_ = true;
  }
}

void TextEmbedRun::keep(const Study& study, const at::Tensor& row) {
  const auto unit = unit_vector(row);
  if (!unit) return fail_study(study, kNoUnitVector);
  {
    const std::lock_guard lock(mutex_);
    if (records_.width == 0) records_.width = row.numel();
    if (records_.width != row.numel()) {
      fail(ErrorCategory::io, "study '{}': a vector of {} numbers, the others of {} have {}",
           printable(study.name), row.numel(), job_.cache, records_.width);
    }
  }
  write_file_atomic(job_.cache / vector_file_name(study.digest), format_vector_file({{kJobCategory, *unit}}));
  const std::lock_guard lock(mutex_);
  records_.reports[study.digest] = study.report_digest;
  ++embedded_;
  tokens_ += study.tokens;
  progress_->advance(1, token_rate());
  if (Clock::now() - last_save_ > job_.save_interval) save();
}

// "5120 tokens/s" since the first call; empty where nobody counts.
std::string TextEmbedRun::token_rate() const {
  const double seconds = std::chrono::duration<double>(Clock::now() - first_call_).count();
  return tokens_ == 0 ? "" : fmt::format("{:.0f} tokens/s", static_cast<double>(tokens_) / seconds);
}

void TextEmbedRun::fail_study(const Study& study, const std::string& reason) {
  spdlog::error("{}: study '{}': {}", study.file, printable(study.name), reason);
  const std::lock_guard lock(mutex_);
  failures_.push_back({study.name, study.file, reason});
  progress_->advance();
}

void TextEmbedRun::stop(std::exception_ptr reason) {
  const std::lock_guard lock(mutex_);
  if (!stop_reason_) stop_reason_ = std::move(reason);
  stopped_ = true;
}

void TextEmbedRun::save() {
  write_cache_records(job_, records_);
  last_save_ = Clock::now();
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(ErrorCategory::io, "{}: cannot make the folder: {}", folder, error.message());
}

}  // namespace

TextEmbedSummary run_text_embed(const TextEmbedJob& job, const TextEmbedFunction& embed) {
  const auto start = Clock::now();
  if (job.batch_size < 1 || job.jobs < 1)
    fail(ErrorCategory::usage, "a batch of {} texts, {} at a time", job.batch_size, job.jobs);
  for (const std::string& text : {job.model_name, job.dataset_name, job.split}) {
    if (!is_text(text)) fail(ErrorCategory::usage, "'{}' is not UTF-8", printable(text));
  }
  const WriteLock lock = WriteLock::beside(job.cache);
  TextEmbedRun run(job, embed);
  run.plan();
  make_folder(job.cache / "embeddings");
  remove_stale_partials(job.cache);
  remove_stale_partials(job.cache / "embeddings");
  run.run();
  TextEmbedSummary summary = run.summary();
  summary.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return summary;
}

}  // namespace pillar
