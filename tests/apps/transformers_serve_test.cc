// pillar-rate against a server that others wrote: `transformers serve` of Hugging Face, where it is installed
// (pip install "transformers[serving]"), with the tiny model of the reference data. A random model answers
// nonsense: what is tested is that the two understand each other.
#include "pillar/core/csv.h"
#include "pillar/core/file.h"

#include "support/goldens.h"
#include "support/program.h"

#include <filesystem>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::ProgramResult;
using test::run_program;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kChatTemplate =
    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:";
constexpr const char* kQuestions = R"(categories:
  Chest:
    description: Lungs
    questions: ["Is there a nodule?", "Is there an effusion?"]
)";
constexpr const char* kFreePort =
    "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])";
constexpr const char* kWaitForHealth = R"(
import sys, time, urllib.request
for _ in range(600):
    try:
        urllib.request.urlopen(sys.argv[1] + '/health').read()
        sys.exit(0)
    except OSError:
        time.sleep(0.2)
sys.exit(1)
)";

// The reference model with a chat template, which `serve` needs and a text encoder does not.
fs::path chat_model(const fs::path& folder) {
  fs::create_directory(folder);
  for (const char* name : {"config.json", "model.safetensors", "tokenizer.json"})
    fs::copy_file(test::golden("qwen/mha_tied") / name, folder / name);
  auto tokenizer = nlohmann::json::parse(read_text_file(test::golden("qwen/mha_tied/tokenizer_config.json")));
  tokenizer["chat_template"] = kChatTemplate;
  write_file_atomic(folder / "tokenizer_config.json", tokenizer.dump());
  return folder;
}

TEST(TransformersServe, AnswersEveryStage) {
  PILLAR_NEEDS_GOLDEN("qwen/mha_tied");
  if (run_program({"/usr/bin/env", "transformers", "serve", "--help"}).exit_code != 0)
    GTEST_SKIP() << "no `transformers serve` on the PATH (pip install \"transformers[serving]\"): the wire "
                    "format is tested with the server of these tests alone";
  const test::TempDir dir;
  const std::string model = chat_model(dir / "model").string();
  const std::string port =
      std::to_string(std::stoi(run_program({"/usr/bin/env", "python3", "-c", kFreePort}).out));
  const std::string url = "http://127.0.0.1:" + port;
  test::RunningProgram server({"/usr/bin/env", "transformers", "serve", model, "--device", "cpu", "--host",
                               "127.0.0.1", "--port", port},
                              {{"HF_HUB_OFFLINE", "1"}, {"CUDA_VISIBLE_DEVICES", ""}});
  if (run_program({"/usr/bin/env", "python3", "-c", kWaitForHealth, url}).exit_code != 0) {
    server.signal(9);
    FAIL() << "the server does not start: " << server.wait().err;
  }

  write_file_atomic(dir / "reports.csv",
                    std::string_view("Accession,Report Text\n01,There is a nodule.\n02,No effusion.\n"));
  write_file_atomic(dir / "list.yaml", std::string_view(kQuestions));
  const ProgramResult result =
      run_program({"pillar-rate", "extract", "--reports", (dir / "reports.csv").string(), "--questions",
                   (dir / "list.yaml").string(), "--out", (dir / "out").string(), "--url", url, "--model",
                   model, "--max-tokens", "8", "--logprobs", "--retries", "0"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("2 reports, 2 questions"));
  EXPECT_TRUE(read_csv(dir / "out/failures.csv").rows.empty());
  EXPECT_EQ(read_csv(dir / "out/findings.csv").rows.size(), 2u);
  const std::size_t answered = read_csv(dir / "out/questions.csv").rows.size();
  EXPECT_EQ(answered + read_csv(dir / "out/missing.csv").rows.size(), 4u)
      << "an answer, or why there is none";
  EXPECT_THAT(result.err, Not(HasSubstr(" 0 tokens in"))) << "its count of tokens was not understood";
}

}  // namespace
}  // namespace pillar
