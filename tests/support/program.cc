#include "support/program.h"

#include "support/temp_dir.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace pillar::test {
namespace {

std::string slurp(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::filesystem::path resolve(const std::string& name) {
  return name.find('/') == std::string::npos ? std::filesystem::path(PILLAR_PROGRAMS) / name : std::filesystem::path(name);
}

ProgramResult run(const std::vector<std::string>& command, int kill_after_ms) {
  TempDir logs;
  const std::string program = resolve(command.at(0)).string();
  const std::string out = (logs / "out").string();
  const std::string err = (logs / "err").string();
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words[0] = const_cast<char*>(program.c_str());
  words.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("cannot fork");
  if (pid == 0) {
    ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
    ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
    ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
    ::execv(program.c_str(), words.data());
    ::_exit(127);
  }
  int status = 0;
  if (kill_after_ms >= 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(kill_after_ms));
    ::kill(pid, SIGKILL);
  }
  ::waitpid(pid, &status, 0);
  ProgramResult result;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = slurp(out);
  result.err = slurp(err);
  return result;
}

}  // namespace

ProgramResult run_program(const std::vector<std::string>& command) { return run(command, -1); }

ProgramResult run_and_kill(const std::vector<std::string>& command, int milliseconds) { return run(command, milliseconds); }

}  // namespace pillar::test
