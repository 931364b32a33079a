#include "rate/extraction.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/core/sha256.h"

#include "rate/answer_text.h"

#include <algorithm>

#include <fmt/format.h>

namespace pillar {
namespace {

constexpr std::size_t kDigestDigits = 32;
constexpr std::size_t kLongestKept = 4000;  // bytes of an answer that is none
constexpr std::chrono::seconds kSyncEvery{2};

// At most kLongestKept bytes, cut between characters.
std::string_view shortened(std::string_view text) {
  if (text.size() <= kLongestKept) return text;
  std::size_t size = kLongestKept;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return text.substr(0, size);
}

bool has_findings(const std::string& text) {
  return !text.empty() && folded_spaces(text).find("No such section") != 0;
}

Outcome outcome_of(SpokenVerdict verdict) {
  return verdict == SpokenVerdict::yes  ? Outcome::yes
         : verdict == SpokenVerdict::no ? Outcome::no
                                        : Outcome::uncertain;
}

}  // namespace

Extraction::Extraction(const ExtractOptions& options, const RateReports& reports,
                       const RateQuestions& questions, Journal& journal, std::filesystem::path journal_file)
    : options_(options),
      reports_(reports),
      questions_(questions),
      journal_(journal),
      journal_file_(std::move(journal_file)),
      answers_(reports, questions),
      announced_(reports.reports.size(), false) {
  for (const RateReport& report : reports.reports)
    digests_.push_back(sha256_hex(as_bytes(report.text)).substr(0, kDigestDigits));
  for (const EmptyReport& empty : reports.empty)
    failures_.push_back({empty.accession, "", "", "", "the report is empty"});
  journal.replay(
      {[this](std::string_view accession, std::string_view digest) {
         const std::size_t report = answers_.report_of(accession);
         if (report == AnswerIndex::npos) return;
         if (digests_[report] != digest) {
           fail(ErrorCategory::usage,
                "{}: accession {} had another report when it was asked about; --restart drops "
                "all answers, another --out keeps them",
                journal_file_, printable(reports_.reports[report].accession));
         }
         announced_[report] = true;
       },
       [this](const JournalAnswer& answer, std::uint64_t offset) { answers_.put(answer, offset); }});
}

std::string Extraction::earlier_text(RateStage stage, std::size_t report) const {
  if (!answers_.has(stage, report, 0) || answers_.outcome(stage, report, 0) != Outcome::text) return {};
  const std::string_view journal(reinterpret_cast<const char*>(earlier_->bytes().data()),
                                 earlier_->bytes().size());
  std::string storage;
  return std::string(read_journal_answer(journal, answers_.offset(stage, report, 0), storage).text);
}

std::vector<bool> Extraction::open_reports(RateStage stage) {
  std::vector<bool> open(answers_.reports(), true);
  if (stage == RateStage::remove_comparisons || stage == RateStage::process_questions) return open;
  const RateStage before =
      stage == RateStage::extract_findings ? RateStage::remove_comparisons : RateStage::extract_findings;
  std::size_t there = 0;
  for (std::size_t report = 0; report < open.size(); ++report) {
    const bool answered =
        answers_.has(before, report, 0) && answers_.outcome(before, report, 0) == Outcome::text;
    there += answered;
    open[report] =
        answered && (stage == RateStage::extract_findings || has_findings(earlier_text(before, report)));
    if (!answered) {
      failures_.push_back({reports_.reports[report].accession, to_string(stage), "", "",
                           fmt::format("there is no answer of {}", to_string(before))});
    }
  }
  if (there == 0 && !open.empty() && options_.write_requests.empty()) {
    fail(ErrorCategory::usage, "{} works on what {} makes, which has no answer yet: name it in --stages, too",
         to_string(stage), to_string(before));
  }
  return open;
}

std::vector<std::size_t> Extraction::asked_questions(const Ask& ask) const {
  if (!ask.whole_category) return {ask.item};
  std::vector<std::size_t> asked;
  for (const std::size_t question : questions_.categories[ask.item].questions) {
    if (!answers_.has(ask.stage, ask.report, question)) asked.push_back(question);
  }
  return asked;
}

AskContent Extraction::content(const Ask& ask) const {
  switch (ask.stage) {
    case RateStage::extract_findings:
      return {earlier_text(RateStage::remove_comparisons, ask.report), {}};
    case RateStage::map_categories:
      return {earlier_text(RateStage::extract_findings, ask.report), {}};
    case RateStage::remove_comparisons:
      return {reports_.reports[ask.report].text, {}};
    case RateStage::process_questions:
      break;
  }
  return {reports_.reports[ask.report].text, asked_questions(ask)};
}

void Extraction::announce(std::size_t report) {
  if (announced_[report]) return;
  journal_.append_report(reports_.reports[report].accession, digests_[report]);
  announced_[report] = true;
}

void Extraction::keep(const Ask& ask, std::size_t item, JournalAnswer answer) {
  announce(ask.report);
  answer.stage = ask.stage;
  answer.accession = reports_.reports[ask.report].accession;
  if (ask.stage == RateStage::process_questions) answer.item = questions_.questions[item].id;
  if (ask.stage == RateStage::map_categories) answer.item = questions_.categories[item].name;
  if (answer.outcome == Outcome::unclear && ask.strict) answer.outcome = Outcome::missing;
  answers_.put(ask.stage, ask.report, item, answer.outcome, journal_.append(answer));
  unclear_ += answer.outcome == Outcome::missing;
  if (answer.outcome == Outcome::unclear)
    queue_->again({ask.stage, ask.report, static_cast<std::uint32_t>(item), true, false});
}

void Extraction::take_text(const Ask& ask, const Reply& reply) {
  const std::string_view text = without_thinking(reply.text);
  JournalAnswer answer;
  answer.outcome = text.empty() ? Outcome::unclear : Outcome::text;
  answer.text = text;
  keep(ask, ask.item, answer);
}

namespace {

// An answer as the journal keeps it. `report` is folded; it matters where a quote is asked for.
JournalAnswer kept_answer(const std::optional<SpokenAnswer>& spoken, std::string_view text, bool tri_state,
                          std::string_view folded_report) {
  JournalAnswer answer;
  if (!spoken) {
    answer.outcome = Outcome::unclear;
    answer.text = shortened(text);
    return answer;
  }
  answer.outcome = outcome_of(spoken->verdict);
  if (!tri_state) return answer;
  answer.quote = shortened(spoken->quote);
  const bool silent_no = spoken->verdict == SpokenVerdict::no && folded_spaces(spoken->quote).empty();
  if (silent_no || stands_in(spoken->quote, folded_report)) return answer;
  answer.outcome = Outcome::unsupported;
  answer.text = to_string(spoken->verdict);
  return answer;
}

}  // namespace

void Extraction::take_question(const Ask& ask, const Reply& reply) {
  const bool tri_state = options_.answers == AnswerKind::tri_state;
  const std::string_view text = without_thinking(reply.text);
  const auto spoken = read_answer(text, tri_state);
  const std::string folded = tri_state ? folded_spaces(reports_.reports[ask.report].text) : std::string();
  JournalAnswer answer = kept_answer(spoken, text, tri_state, folded);
  const std::string p_yes = reply.p_yes ? fmt::format("{:.6g}", *reply.p_yes) : std::string();
  answer.p_yes = p_yes;
  keep(ask, ask.item, answer);
}

void Extraction::take_category(const Ask& ask, const Reply& reply) {
  const bool tri_state = options_.answers == AnswerKind::tri_state;
  const std::vector<std::size_t> asked = asked_questions(ask);
  const std::string_view text = without_thinking(reply.text);
  const auto spoken = read_answers(text, asked.size(), tri_state);
  const std::string folded = tri_state ? folded_spaces(reports_.reports[ask.report].text) : std::string();
  for (std::size_t i = 0; i < asked.size(); ++i)
    keep(ask, asked[i], kept_answer(spoken ? (*spoken)[i] : std::nullopt, text, tri_state, folded));
}

void Extraction::give_up(const Ask& ask, const std::string& reason) {
  std::string category, question;
  if (ask.whole_category || ask.stage == RateStage::map_categories) {
    category = questions_.categories[ask.item].name;
  } else if (ask.stage == RateStage::process_questions) {
    question = questions_.questions[ask.item].id;
    category = questions_.categories[questions_.questions[ask.item].category].name;
  }
  failures_.push_back(
      {reports_.reports[ask.report].accession, to_string(ask.stage), category, question, reason});
}

void Extraction::take(const Ask& ask, Reply reply) {
  tokens_in_ += reply.tokens_in;
  tokens_out_ += reply.tokens_out;
  if (!reply.fault.empty()) {
    give_up(ask, reply.fault);
  } else {
    ++asked_;
    if (ask.stage != RateStage::process_questions)
      take_text(ask, reply);
    else if (ask.whole_category)
      take_category(ask, reply);
    else
      take_question(ask, reply);
  }
  if (!ask.strict) progress_->advance(1, progress_note());
  if (const auto now = std::chrono::steady_clock::now(); now - last_sync_ > kSyncEvery) {
    journal_.sync();
    last_sync_ = now;
  }
}

std::string Extraction::progress_note() const {
  std::string note =
      fmt::format("{:.2f} % missing", 100.0 * static_cast<double>(unclear_) /
                                          static_cast<double>(std::max<std::int64_t>(asked_, 1)));
  if (tokens_in_ + tokens_out_ > 0) note += fmt::format(", {} tokens in, {} out", tokens_in_, tokens_out_);
  if (!failures_.empty()) note += fmt::format(", {} failed", failures_.size());
  return note;
}

void Extraction::run_stage(RateStage stage, const AnswerAll& answer_all) {
  earlier_ = std::make_unique<MappedFile>(journal_file_);
  queue_.emplace(answers_, questions_, stage, options_.ask, open_reports(stage));
  for (std::size_t report = 0; report < answers_.reports(); ++report) {
    for (std::size_t item = 0; item < answers_.items(stage); ++item)
      kept_ += answers_.has(stage, report, item);
  }
  progress_ = std::make_unique<Progress>(ProgressOptions{
      .label = to_string(stage), .unit = "requests", .total = queue_->total(), .quiet = options_.quiet});
  last_sync_ = std::chrono::steady_clock::now();
  AskSession session;
  session.next = [this] { return queue_->next(); };
  session.content = [this](const Ask& ask) { return content(ask); };
  session.take = [this](const Ask& ask, Reply reply) { take(ask, std::move(reply)); };
  answer_all(session);
  progress_.reset();
  journal_.sync();
}

void Extraction::add_counts(ExtractSummary& summary) const {
  summary.asked = asked_;
  summary.kept = kept_;
  summary.given_up = static_cast<std::int64_t>(failures_.size());
  summary.tokens_in = tokens_in_;
  summary.tokens_out = tokens_out_;
  count_outcomes(answers_, summary);
}

void count_outcomes(const AnswerIndex& answers, ExtractSummary& summary) {
  constexpr RateStage kStage = RateStage::process_questions;
  for (std::size_t report = 0; report < answers.reports(); ++report) {
    for (std::size_t item = 0; item < answers.items(kStage); ++item) {
      if (!answers.has(kStage, report, item)) continue;
      const Outcome outcome = answers.outcome(kStage, report, item);
      summary.missing += outcome == Outcome::missing || outcome == Outcome::unclear;
      summary.unsupported += outcome == Outcome::unsupported;
    }
  }
}

}  // namespace pillar
