// Internal: an offline engine instead of a server: requests and responses as files in the OpenAI batch
// format, one JSON object a line.
#pragma once

#include "pillar/rate/extract.h"

#include "rate/ask.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace pillar {

// What names a request in both files, as a JSON list in which no name can be taken for another: the stage,
// the accession, the category's name or the question's id, whether it is asked again, and of a category a
// digest of the questions that are asked, since their numbers count.
std::string custom_id(const Ask& ask, const std::string& accession, const RateQuestions& questions,
                      const std::vector<std::size_t>& asked);

// A file of requests that appears when all stages have been through it.
class BatchWriter {
 public:
  BatchWriter(const ExtractOptions& options, Prompts prompts, const RateQuestions& questions,
              const RateReports& reports);
  ~BatchWriter();
  AnswerAll answers();    // writes what there is to ask, and answers nothing
  std::int64_t commit();  // returns how many; throws Error(io)

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Takes what the file answers of what there is to ask; other lines (of earlier requests, say) are passed
// over, and what it does not answer is given up. Throws Error(io | input) naming file and line.
AnswerAll batch_responses(const std::filesystem::path& file, const RateQuestions& questions,
                          const RateReports& reports);

}  // namespace pillar
