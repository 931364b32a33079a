#include "support/program.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pillar::test {
namespace {

std::string slurp(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::filesystem::path resolve(const std::string& name) {
  return name.find('/') == std::string::npos ? std::filesystem::path(PILLAR_PROGRAMS) / name
                                             : std::filesystem::path(name);
}

}  // namespace

RunningProgram::RunningProgram(const std::vector<std::string>& command,
                               const std::map<std::string, std::string>& environment) {
  const std::string program = resolve(command.at(0)).string();
  const std::string out = (logs_ / "out").string();
  const std::string err = (logs_ / "err").string();
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words[0] = const_cast<char*>(program.c_str());
  words.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ != 0) return;
  for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
  ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
  ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
  ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
  ::execv(program.c_str(), words.data());
  ::_exit(127);
}

RunningProgram::~RunningProgram() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void RunningProgram::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

ProgramResult RunningProgram::wait() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = 0;
  ProgramResult result;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = slurp(logs_ / "out");
  result.err = slurp(logs_ / "err");
  return result;
}

ProgramResult run_program(const std::vector<std::string>& command) {
  return RunningProgram(command).wait();
}

ProgramResult run_and_kill(const std::vector<std::string>& command, int milliseconds) {
  RunningProgram program(command);
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  program.signal(SIGKILL);
  return program.wait();
}

}  // namespace pillar::test
