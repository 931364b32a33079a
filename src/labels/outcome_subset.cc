#include "pillar/core/fail.h"
#include "pillar/core/random.h"
#include "pillar/core/sha256.h"
#include "pillar/labels/outcome_sampling.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>

namespace pillar {
namespace {

// Answers are numbered: "label 3 is yes", "label 3 is unknown", "class 2", "event in year 4".
struct Answered {
  std::size_t answer;
  std::int64_t studies;
};

// Training studies that stay together: those of a patient, or one alone.
struct SubsetUnit {
  std::string name;
  std::uint64_t rank = 0;             // by seed and name: where chance puts it
  std::vector<std::int64_t> studies;  // in the table
  std::vector<Answered> answers;      // each once
  bool is_taken = false;
};

// What a study answers to each label, class or event; -1 is unknown. There is at least one answer.
std::vector<std::pair<std::int64_t, std::int64_t>> answers_of_study(const OutcomeTable& table,
                                                                    std::int64_t n) {
  std::vector<std::pair<std::int64_t, std::int64_t>> answers;
  if (table.kind == OutcomeKind::multilabel) {
    const std::int64_t labels = std::ssize(table.outputs);
    const float* row = table.values.const_data_ptr<float>() + n * labels;
    for (std::int64_t c = 0; c < labels; ++c) {
      answers.emplace_back(c, std::isnan(row[c]) ? -1 : static_cast<std::int64_t>(row[c]));
    }
  } else if (table.kind == OutcomeKind::survival) {
    const auto* row = table.values.const_data_ptr<std::int64_t>() + 2 * n;
    answers.emplace_back(row[0], row[1]);
  } else {
    answers.emplace_back(0, table.values.const_data_ptr<std::int64_t>()[n]);
  }
  return answers;
}

std::uint64_t rank_of(const std::string& name, std::uint64_t seed) {
  const auto digest = sha256(as_bytes(name));
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < 8; ++i) word = word << 8 | digest[i];
  return mix_seed({seed, word});
}

// In the order of chance.
std::vector<SubsetUnit> units_of(const OutcomeTable& table, std::uint64_t seed) {
  std::map<std::string, SubsetUnit> by_name;
  for (std::int64_t n = 0; n < std::ssize(table.studies); ++n) {
    const OutcomeStudy& study = table.studies[static_cast<std::size_t>(n)];
    if (study.split != OutcomeSplit::train) continue;
    const std::string name = study.patient.empty() ? "study " + study.accession : "patient " + study.patient;
    by_name[name].studies.push_back(n);
  }
  std::vector<SubsetUnit> units;
  for (auto& [name, unit] : by_name) {
    unit.name = name;
    unit.rank = rank_of(name, seed);
    units.push_back(std::move(unit));
  }
  std::sort(units.begin(), units.end(), [](const SubsetUnit& a, const SubsetUnit& b) {
    return std::tie(a.rank, a.name) < std::tie(b.rank, b.name);
  });
  return units;
}

// Puts the training studies into an order of which every beginning has about the shares of the whole.
class SubsetOrder {
 public:
  SubsetOrder(const OutcomeTable& table, std::uint64_t seed) : units_(units_of(table, seed)) {
    std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> totals;
    for (const SubsetUnit& unit : units_) {
      for (const std::int64_t n : unit.studies) {
        for (const auto& answer : answers_of_study(table, n)) ++totals[answer];
      }
      studies_ += std::ssize(unit.studies);
    }
    std::map<std::pair<std::int64_t, std::int64_t>, std::size_t> numbers;
    for (const auto& [answer, total] : totals) {
      numbers.emplace(answer, total_.size());
      total_.push_back(total);
      is_known_.push_back(answer.second >= 0);
    }
    taken_.resize(total_.size());
    units_with_.resize(total_.size());
    for (std::size_t u = 0; u < units_.size(); ++u) {
      std::map<std::size_t, std::int64_t> counts;
      for (const std::int64_t n : units_[u].studies) {
        for (const auto& answer : answers_of_study(table, n)) ++counts[numbers.at(answer)];
      }
      for (const auto& [answer, count] : counts) {
        units_[u].answers.push_back({answer, count});
        units_with_[answer].push_back(u);
      }
    }
    next_of_.resize(total_.size());
  }

  std::int64_t studies() const { return studies_; }

  // The studies of the next unit; there is one.
  const std::vector<std::int64_t>& next() {
    SubsetUnit& unit = units_[choose()];
    unit.is_taken = true;
    taken_studies_ += std::ssize(unit.studies);
    for (const Answered& answered : unit.answers) taken_[answered.answer] += answered.studies;
    return unit.studies;
  }

 private:
  // By how many studies an answer is behind its share once one more is taken, times the number of studies.
  std::int64_t lag(std::size_t answer) const {
    return total_[answer] * (taken_studies_ + 1) - taken_[answer] * studies_;
  }

  // The answer that is wanted most: a known one that has not come at all, else the one that is furthest
  // behind; the rarer of two.
  std::size_t wanted_answer() const {
    std::size_t best = total_.size();
    std::tuple<bool, std::int64_t, std::int64_t> best_key;
    for (std::size_t a = 0; a < total_.size(); ++a) {
      if (taken_[a] == total_[a]) continue;
      const bool is_new = is_known_[a] && taken_[a] == 0;
      const std::tuple key{is_new, is_new ? 0 : lag(a), -total_[a]};
      if (best == total_.size() || key > best_key) {
        best = a;
        best_key = key;
      }
    }
    return best;
  }

  // How well a unit makes up for what lags, a study of it.
  double use_of(const SubsetUnit& unit) const {
    std::int64_t sum = 0;
    for (const Answered& answered : unit.answers) sum += answered.studies * lag(answered.answer);
    return static_cast<double>(sum) / static_cast<double>(unit.studies.size());
  }

  // The most useful of the first units, by chance, that have the wanted answer.
  std::size_t choose() {
    constexpr int kLookedAt = 16;
    const std::size_t answer = wanted_answer();
    const std::vector<std::size_t>& units = units_with_[answer];
    std::size_t& first = next_of_[answer];
    while (units_[units[first]].is_taken) ++first;
    std::size_t best = units[first];
    int looked_at = 0;
    for (std::size_t i = first; i < units.size() && looked_at < kLookedAt; ++i) {
      const SubsetUnit& unit = units_[units[i]];
      if (unit.is_taken) continue;
      ++looked_at;
      if (use_of(unit) > use_of(units_[best])) best = units[i];
    }
    return best;
  }

  std::vector<SubsetUnit> units_;
  std::int64_t studies_ = 0, taken_studies_ = 0;
  std::vector<std::int64_t> total_, taken_;  // studies by answer
  std::vector<bool> is_known_;
  std::vector<std::vector<std::size_t>> units_with_;  // by answer, in the order of chance
  std::vector<std::size_t> next_of_;                  // the first that may not be taken
};

}  // namespace

OutcomeTable subset(const OutcomeTable& table, double fraction, std::uint64_t seed) {
  if (!(fraction > 0 && fraction <= 1))
    fail(ErrorCategory::usage, "a fraction of {} of the training studies: above 0, up to 1", fraction);
  SubsetOrder order(table, seed);
  const std::int64_t wanted =
      std::clamp<std::int64_t>(std::llround(fraction * static_cast<double>(order.studies())),
                               order.studies() > 0 ? 1 : 0, order.studies());
  std::vector<std::int64_t> kept;
  while (std::ssize(kept) < wanted) {
    const std::vector<std::int64_t>& studies = order.next();
    kept.insert(kept.end(), studies.begin(), studies.end());
  }
  for (std::int64_t n = 0; n < std::ssize(table.studies); ++n) {
    if (table.studies[static_cast<std::size_t>(n)].split != OutcomeSplit::train) kept.push_back(n);
  }
  std::sort(kept.begin(), kept.end());
  OutcomeTable part{table.file, table.kind, table.outputs, {}, {}};
  for (const std::int64_t n : kept) part.studies.push_back(table.studies[static_cast<std::size_t>(n)]);
  part.values = table.values.index_select(0, at::tensor(kept, at::kLong));
  return part;
}

}  // namespace pillar
