// train_rank SCENARIO [FOLDER]: one of several processes, with the variables that a launcher sets.
// train_rank --nproc N SCENARIO [FOLDER]: starts N of itself by launch_local().
// Exit codes: 0 as expected, 1 an Error (its message on standard error), 10 something else than expected.
#include "pillar/core/error.h"
#include "pillar/core/log.h"
#include "pillar/world/launch.h"

#include "world/rank_scenarios.h"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  std::vector<std::string> words(argv, argv + argc);
  try {
    pillar::init_logging({});
    if (words.size() > 3 && words[1] == "--nproc") {
      if (!pillar::launched_locally()) return pillar::launch_local(std::stoi(words[2]), words);
      words.erase(words.begin() + 1, words.begin() + 3);
    }
    if (words.size() < 2) return 2;
    return pillar::test::run_scenario(words[1], words.size() > 2 ? words[2] : "");
  } catch (const pillar::Error& error) {
    std::fprintf(stderr, "error: %s: %s\n", to_string(error.category()), error.what());
    return 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "exception: %s\n", error.what());
    return 10;
  }
}
