// SPDX-License-Identifier: Apache-2.0
#include "detect/drift/start.h"

#include <gmock/gmock.h>

#include "fs/overlay/overlay_testing.h"

namespace ekshume::detect::drift {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr const char* kElf =
    "\x7f"
    "ELF";

class StartTest : public fs::overlay::OverlayTest {
 protected:
  void SetUp() override { MakeLayers(1); }
  void Program(std::string_view path) {
    layers_[0].File(path, kElf);
    layers_[0].StatOf(*fs::ResolvePath(layers_[0], path)).permissions = 0755;
  }
  StartFiles Find(std::vector<std::string> arguments) {
    Open();
    runtime::Container container;
    container.arguments = std::move(arguments);
    container.environment = {"PATH=/opt/bin:/usr/bin"};
    container.working_directory = "/app";
    return FindStartFiles(*overlay_, container);
  }
};

TEST_F(StartTest, FollowsScripts) {
  layers_[0].File("srv/run.sh",
                  "#!/bin/sh\n. /srv/lib.sh\n/usr/bin/rm -f /tmp/x\nexec \"/srv/next.sh\" -v\n");
  layers_[0].File("srv/lib.sh", "#!/bin/sh\n");
  layers_[0].File("srv/next.sh", "#!/bin/sh\n/srv/run.sh\n");
  Program("usr/bin/rm");
  EXPECT_THAT(Find({"/srv/run.sh"}), ElementsAre(Pair("srv/lib.sh", "called by a start script"),
                                                 Pair("srv/next.sh", "called by a start script"),
                                                 Pair("srv/run.sh", "the entry point")));
}

TEST_F(StartTest, LooksInThePathAndAmongTheArguments) {
  Program("usr/bin/tini");
  Program("app/server");
  layers_[0].File("app/main.py", "print(1)\n");
  layers_[0].File("app/settings.conf", "a=1\n");
  EXPECT_THAT(Find({"tini", "--", "server", "main.py", "/app/settings.conf"}),
              ElementsAre(Pair("app/main.py", "run by the entry point"),
                          Pair("app/server", "run by the entry point"),
                          Pair("usr/bin/tini", "the entry point")));
}

TEST_F(StartTest, ReadsTheCommandOfAShell) {
  Program("usr/bin/sh");
  layers_[0].File("app/a.sh", "echo\n");
  EXPECT_THAT(Find({"sh", "-c", "cd /app && ./a.sh; sleep 3"}),
              ElementsAre(Pair("app/a.sh", "run by the entry point"),
                          Pair("usr/bin/sh", "the entry point")));
}

TEST_F(StartTest, IsBounded) {
  std::string script = "#!/bin/sh\n";
  for (size_t i = 0; i < 2 * kMaxStartFiles; ++i) {
    const std::string name = "srv/s" + std::to_string(i) + ".sh";
    layers_[0].File(name, "#!/bin/sh\n");
    script += "/" + name + "\n";
  }
  layers_[0].File("srv/run.sh", script);
  EXPECT_EQ(Find({"/srv/run.sh"}).size(), kMaxStartFiles);
}

TEST_F(StartTest, StopsAtDepth) {
  for (int i = 0; i < 6; ++i) {
    layers_[0].File("s" + std::to_string(i) + ".sh",
                    "#!/bin/sh\n/s" + std::to_string(i + 1) + ".sh\n");
  }
  // The entry point, and kMaxStartDepth scripts after it.
  EXPECT_EQ(Find({"/s0.sh"}).size(), static_cast<size_t>(kMaxStartDepth));
}

TEST_F(StartTest, NothingToStart) { EXPECT_TRUE(Find({}).empty()); }

}  // namespace
}  // namespace ekshume::detect::drift
