#include "rate_cases.h"

#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/rate/audit.h"
#include "pillar/rate/extract.h"

#include "instant_server.h"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <zlib.h>

namespace pillar::bench {
namespace {

namespace fs = std::filesystem;

constexpr int kCategories = 12;
constexpr std::int64_t kReportsOfJournal = 100'000;

// About 1,200 bytes, as a chest report has.
std::string report_text_of(std::int64_t index) {
  std::string text = fmt::format("EXAM: CT of the chest, number {}.\nFINDINGS:\n", index);
  for (int i = 0; i < 24; ++i) text += "The lungs are clear and the heart is not enlarged. ";
  return text + "\nIMPRESSION: Normal.";
}

std::string question_text(std::int64_t index) {
  return fmt::format("Is there a finding of kind number {} in this report?", index);
}

fs::path write_reports(const fs::path& folder, std::int64_t count, bool is_long) {
  const fs::path file = folder / fmt::format("reports-{}.csv", count);
  std::ofstream out(file);
  out << "Accession,Report Text\n";
  for (std::int64_t i = 0; i < count; ++i)
    out << fmt::format("B{:07},\"{}\"\n", i, is_long ? report_text_of(i) : "Normal.");
  return file;
}

fs::path write_questions(const fs::path& folder, std::int64_t count) {
  std::string text = "categories:\n";
  for (int category = 0; category < kCategories; ++category) {
    text += fmt::format("  Category {}:\n    description: Findings\n    questions:\n", category);
    for (std::int64_t i = category; i < count; i += kCategories)
      text += fmt::format("      - question: {}\n", question_text(i));
  }
  const fs::path file = folder / fmt::format("questions-{}.yaml", count);
  write_file_atomic(file, std::string_view(text));
  return file;
}

ExtractOptions extract_options(const RateOptions& options, const fs::path& reports, const fs::path& questions,
                               const char* out) {
  ExtractOptions extract;
  extract.reports = {reports};
  extract.questions = questions;
  extract.prompts = {options.prompts};
  extract.stages = {RateStage::process_questions};
  extract.server.model = "instant";
  extract.server.connections = options.connections;
  extract.out = options.folder / out;
  extract.restart = true;
  extract.quiet = true;
  return extract;
}

Measurement measure_extract(const RateOptions& options) {
  const InstantServer server;
  ExtractOptions extract = extract_options(options, write_reports(options.folder, options.reports, true),
                                           write_questions(options.folder, options.questions), "extracted");
  extract.server.url = server.url();
  Measurement m;
  const double start = now_seconds();
  const ExtractSummary summary = run_rate_extract(extract);
  m.seconds = now_seconds() - start;
  m.figures = {{"answers_a_second", static_cast<double>(summary.asked) / m.seconds}};
  return m;
}

Measurement measure_server(const RateOptions& options) {
  const InstantServer server;
  const std::string body(1800, 'x');  // as long as a request of ours
  const std::int64_t requests = options.reports * options.questions;
  Measurement m;
  m.seconds = server.bare_seconds(body, requests, options.connections);
  m.figures = {{"answers_a_second", static_cast<double>(requests) / m.seconds}};
  return m;
}

std::string public_question_id(const std::string& question) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(question.data(), question.size(), digest, &size, EVP_md5(), nullptr);
  return fmt::format("{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3]);
}

// A journal (docs/formats.md) of that many answers behind the header that is there.
void append_answers(const fs::path& journal, std::int64_t answers, std::int64_t questions) {
  std::ofstream out(journal, std::ios::app);
  std::vector<std::string> ids;
  for (std::int64_t i = 0; i < questions; ++i) ids.push_back(public_question_id(question_text(i)));
  std::string lines;
  for (std::int64_t i = 0; i < answers; ++i) {
    const std::string record =
        fmt::format("A\tq\tB{:07}\t{}\t{}\t\t\t", i / questions, ids[static_cast<std::size_t>(i % questions)],
                    i % 7 == 0 ? 'Y' : 'N');
    lines += fmt::format("{:08x}\t{}\n",
                         ::crc32_z(0, reinterpret_cast<const unsigned char*>(record.data()), record.size()),
                         record);
    if (lines.size() < (1 << 20)) continue;
    out << lines;
    lines.clear();
  }
  out << lines;
}

// What a run takes to know everything that is there already: no request is written.
Measurement measure_replay(const RateOptions& options) {
  const std::int64_t questions = std::max<std::int64_t>(1, options.journal_answers / kReportsOfJournal);
  ExtractOptions extract = extract_options(options, write_reports(options.folder, kReportsOfJournal, false),
                                           write_questions(options.folder, questions), "replayed");
  extract.write_requests = options.folder / "requests.jsonl";
  ExtractOptions nothing = extract;
  nothing.reports = {write_reports(options.folder, 1, false)};
  run_rate_extract(nothing);  // begins the journal
  append_answers(extract.out / "journal.rate", questions * kReportsOfJournal, questions);
  extract.restart = false;
  Measurement m;
  const double start = now_seconds();
  const ExtractSummary summary = run_rate_extract(extract);
  m.seconds = now_seconds() - start;
  m.figures = {{"answers", static_cast<double>(summary.kept)},
               {"requests_left", static_cast<double>(summary.written_requests)}};
  fs::remove_all(extract.out);
  return m;
}

void write_final_results(const fs::path& folder, const RateOptions& options) {
  fs::create_directories(folder);
  std::ofstream out(folder / "final_results.json");
  for (std::int64_t i = 0; i < options.audit_reports; ++i) {
    nlohmann::ordered_json result;
    const std::string text = report_text_of(i);
    result["raw_text"] = result["no_comparison_text"] = text;
    result["findings_text"] = text.substr(0, 600);
    for (int category = 0; category < kCategories; ++category) {
      result["category_findings"][fmt::format("Category {}", category)] =
          (i + category) % 3 == 0 ? "The lungs are clear." : "No relevant findings";
    }
    for (std::int64_t q = 0; q < options.questions; ++q) {
      result["qa_results"][fmt::format("Category {}", q % kCategories)].push_back(
          nlohmann::ordered_json::object({{question_text(q), (i + q) % 9 == 0 ? "Yes" : "No"}}));
    }
    out << (i == 0 ? "{" : ",\n") << fmt::format("\"B{:07}\": ", i) << result.dump();
  }
  out << "}\n";
}

// The reviewer says what the model said, but for every tenth.
void answer_all(const fs::path& audit) {
  CsvTable table = read_csv(audit / "questions_qc.csv");
  for (std::size_t i = 0; i < table.rows.size(); ++i)
    table.rows[i][4] = (table.rows[i][3] == "Yes") != (i % 10 == 0) ? "Yes" : "No";
  write_csv(audit / "questions_qc.csv", table);
}

Measurement measure_audit(const RateOptions& options) {
  write_final_results(options.folder / "results", options);
  AuditOptions audit;
  audit.results = options.folder / "results";
  audit.out = options.folder / "audit";
  fs::remove_all(audit.out);
  Measurement m;
  const double start = now_seconds();
  write_rate_audit(audit);
  const double audited = now_seconds();
  answer_all(audit.out);
  const double answered = now_seconds();
  ScoreOptions score;
  score.audits = {audit.out};
  score.out = options.folder / "score";
  Notes notes;
  score_rate_audits(score, notes);
  const double scored = now_seconds();
  m.seconds = (audited - start) + (scored - answered);
  m.figures = {{"audit_s", audited - start}, {"score_s", scored - answered}};
  return m;
}

}  // namespace

std::vector<Case> rate_cases(const RateOptions& options) {
  return {
      {fmt::format("rate.extract {}x{}", options.reports, options.questions),
       [options] { return measure_extract(options); }, "the server's own limit: a client without any work",
       [options] { return measure_server(options); }},
      {fmt::format("rate.replay {}", options.journal_answers),
       [options] { return measure_replay(options); },
       "",
       {}},
      {fmt::format("rate.audit+score {}", options.audit_reports),
       [options] { return measure_audit(options); },
       "",
       {}},
  };
}

}  // namespace pillar::bench
