#include "text/qwen3/byte_pairs.h"

#include <cstddef>
#include <queue>

namespace pillar {
namespace {

constexpr std::int32_t kNobody = -1;

// A token of the word so far, in a list from left to right. One that was merged into its left neighbour has
// no id any more.
struct WordPart {
  std::int32_t id, previous, next;
};

struct PossibleMerge {
  std::uint32_t rank;
  std::int32_t left;    // index of the left part
  std::int32_t merged;  // id
};

struct IsLater {
  bool operator()(const PossibleMerge& a, const PossibleMerge& b) const {
    return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
  }
};

class WordMerging {
 public:
  WordMerging(const BytePairs& pairs, std::string_view word) : pairs_(pairs) {
    const auto size = static_cast<std::int32_t>(word.size());
    parts_.reserve(word.size());
    for (std::int32_t i = 0; i < size; ++i) {
      const auto byte = static_cast<std::uint8_t>(word[static_cast<std::size_t>(i)]);
      parts_.push_back({pairs.byte_ids[byte], i - 1, i + 1 < size ? i + 1 : kNobody});
    }
    std::vector<PossibleMerge> possible;
    for (std::int32_t i = 0; i + 1 < size; ++i) {
      if (const BytePairMerge* merge = merge_with_next(i))
        possible.push_back({merge->rank, i, merge->merged});
    }
    queue_ = Queue(IsLater{}, std::move(possible));
  }

  void merge_all() {
    while (!queue_.empty()) {
      const PossibleMerge first = queue_.top();
      queue_.pop();
      // What was possible once may be so no longer, since a neighbour has changed. As in the reference, it
      // still is where the neighbours of now make the same token.
      const BytePairMerge* now = merge_with_next(first.left);
      if (now == nullptr || now->merged != first.merged) continue;
      merge(first.left, first.merged);
    }
  }

  void append_ids(std::vector<std::int32_t>& ids) const {
    for (std::int32_t i = parts_.empty() ? kNobody : 0; i != kNobody; i = part(i).next)
      ids.push_back(part(i).id);
  }

 private:
  using Queue = std::priority_queue<PossibleMerge, std::vector<PossibleMerge>, IsLater>;

  WordPart& part(std::int32_t i) { return parts_[static_cast<std::size_t>(i)]; }
  const WordPart& part(std::int32_t i) const { return parts_[static_cast<std::size_t>(i)]; }

  const BytePairMerge* merge_with_next(std::int32_t i) const {
    if (part(i).id == kNobody || part(i).next == kNobody) return nullptr;
    const auto found = pairs_.merges.find(pair_key(part(i).id, part(part(i).next).id));
    return found == pairs_.merges.end() ? nullptr : &found->second;
  }

  void merge(std::int32_t left, std::int32_t merged) {
    WordPart& taken = part(part(left).next);
    part(left).id = merged;
    part(left).next = taken.next;
    taken.id = kNobody;
    if (taken.next != kNobody) part(taken.next).previous = left;
    add_possible(part(left).previous);
    add_possible(left);
  }

  void add_possible(std::int32_t left) {
    if (left == kNobody) return;
    if (const BytePairMerge* merge = merge_with_next(left)) queue_.push({merge->rank, left, merge->merged});
  }

  const BytePairs& pairs_;
  std::vector<WordPart> parts_;
  Queue queue_;
};

}  // namespace

void append_byte_pair_ids(const BytePairs& pairs, std::string_view word, std::vector<std::int32_t>& ids) {
  WordMerging merging(pairs, word);
  merging.merge_all();
  merging.append_ids(ids);
}

}  // namespace pillar
