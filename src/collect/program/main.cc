// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "collect/command.h"

namespace {

std::atomic<bool> g_cancelled{false};

extern "C" void OnInterrupt(int) { g_cancelled = true; }

}  // namespace

// The collector alone, as one static program: docs/acquire.md, "Collect on a node".
int main(int argc, char** argv) {
  struct sigaction action{};
  action.sa_handler = OnInterrupt;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return ekshume::collect::RunCommand(
        "ekshume-collect", std::vector<std::string>(argv + 1, argv + argc), g_cancelled);
  } catch (const std::exception& exception) {
    std::fputs("ekshume-collect: bug: ", stderr);
    std::fputs(exception.what(), stderr);
    std::fputs("\n", stderr);
    return 4;
  }
}
