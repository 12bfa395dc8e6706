// SPDX-License-Identifier: Apache-2.0
#include "collect/control.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "collect/proc_stat.h"
#include "collect/system.h"

namespace ekshume::collect {
namespace {

using testing::HasSubstr;

const std::string kId(64, 'a');

class ControlTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "ekshume-control-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    root_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void Put(const std::string& path, std::string_view text) const {
    const std::filesystem::path file = root_ / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::string Read(const std::string& path) const { return TextOrEmpty((root_ / path).string()); }
  ControlOptions Options(std::string action) const {
    ControlOptions options;
    options.action = std::move(action);
    options.container = kId;
    options.proc = (root_ / "proc").string();
    options.cgroups = (root_ / "cgroup").string();
    return options;
  }

  std::filesystem::path root_;
};

TEST_F(ControlTest, FindsTheFreezerOfEachVersion) {
  const std::string cgroups = (root_ / "cgroup").string();
  const std::string path = "/kubepods/besteffort/pod1/" + kId;
  Put("cgroup/freezer" + path + "/freezer.state", "THAWED\n");
  const std::string both = fmt::format("6:freezer:{0}\n1:cpu:{0}\n0::{0}/init.scope\n", path);
  auto place = FindFreezer(both, kId, cgroups);
  ASSERT_TRUE(place) << place.error().message;
  EXPECT_EQ(place->directory, cgroups + "/freezer" + path);
  EXPECT_EQ(place->file, "freezer.state");

  // The unified one alone; what the container made below its own cgroup is cut off.
  Put("cgroup/kubepods.slice/cri-containerd-" + kId + ".scope/cgroup.freeze", "0\n");
  place =
      FindFreezer("0::/kubepods.slice/cri-containerd-" + kId + ".scope/app/worker\n", kId, cgroups);
  ASSERT_TRUE(place) << place.error().message;
  EXPECT_EQ(place->directory, cgroups + "/kubepods.slice/cri-containerd-" + kId + ".scope");
  EXPECT_EQ(place->file, "cgroup.freeze");

  for (const std::string& text :
       {std::string(), std::string("0::/\n"), "0::/../../" + kId + "\n",
        "0::/elsewhere/" + kId + "\n", std::string("nonsense"), "0:" + kId}) {
    const auto none = FindFreezer(text, kId, cgroups);
    ASSERT_FALSE(none) << text;
    EXPECT_EQ(none.error().code, ErrorCode::kUnsupported);
  }
}

// A plain file stays as it is written: so it is as if the kernel froze at once.
TEST_F(ControlTest, FreezesAndThaws) {
  const std::string path = "/kubepods/pod1/" + kId;
  Put("proc/7/cgroup", fmt::format("6:freezer:{}\n", path));
  Put("proc/9/cgroup", fmt::format("6:freezer:{}/sub\n4:memory:{}\n", path, path));
  Put("proc/10/cgroup", "6:freezer:/\n");
  Put("cgroup/freezer" + path + "/freezer.state", "THAWED\n");
  const auto frozen = Control(Options("freeze"));
  ASSERT_TRUE(frozen) << frozen.error().message;
  EXPECT_THAT(*frozen, HasSubstr(R"("state":"frozen")"));
  EXPECT_THAT(*frozen, HasSubstr(R"("pids":[7,9])"));
  EXPECT_EQ(Read("cgroup/freezer" + path + "/freezer.state").substr(0, 6), "FROZEN");
  const auto thawed = Control(Options("thaw"));
  ASSERT_TRUE(thawed) << thawed.error().message;
  EXPECT_EQ(Read("cgroup/freezer" + path + "/freezer.state").substr(0, 6), "THAWED");
  ControlOptions other = Options("freeze");
  other.container = std::string(64, 'b');
  const auto none = Control(other);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
}

// Real processes, which a made-up /proc puts into a container.
class KillTest : public ControlTest {
 protected:
  void SetUp() override {
    ControlTest::SetUp();
    child_ = fork();
    if (child_ == 0) {
      pause();
      _exit(0);
    }
    const std::string folder = fmt::format("/proc/{}/", child_);
    const std::string stat = TextOrEmpty(folder + "stat");
    start_ticks_ = ParseStat(stat).At(22);
    Put(fmt::format("proc/{}/stat", child_), stat);
    Put(fmt::format("proc/{}/status", child_), fmt::format("NSpid:\t{}\t5\n", child_));
    Put(fmt::format("proc/{}/cgroup", child_), "0::/kubepods/pod1/" + kId + "\n");
  }
  void TearDown() override {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    ControlTest::TearDown();
  }
  ControlOptions KillOptions() const {
    ControlOptions options = Options("kill");
    options.pid = static_cast<uint64_t>(child_);
    options.start_ticks = start_ticks_;
    return options;
  }
  bool Lives() const {
    return kill(child_, 0) == 0 &&
           ParseStat(TextOrEmpty(fmt::format("/proc/{}/stat", child_))).fields.at(0) != "Z";
  }

  pid_t child_ = 0;
  uint64_t start_ticks_ = 0;
};

TEST_F(KillTest, EndsOnlyTheProcessThatWasMeant) {
  ControlOptions options = KillOptions();
  options.start_ticks += 1;  // its number was given to another process since
  auto answer = Control(options);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(*answer, HasSubstr(R"("state":"gone")"));
  EXPECT_TRUE(Lives());

  options = KillOptions();
  options.container = std::string(64, 'b');
  answer = Control(options);
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("is not of the container"));
  EXPECT_TRUE(Lives());

  answer = Control(KillOptions());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(*answer, HasSubstr(R"("state":"killed")"));
  EXPECT_FALSE(Lives());
}

TEST_F(KillTest, RefusesTheFirstOfAContainerUnlessAsked) {
  Put(fmt::format("proc/{}/status", child_), fmt::format("NSpid:\t{}\t1\n", child_));
  auto answer = Control(KillOptions());
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("the first process of its container"));
  EXPECT_TRUE(Lives());
  ControlOptions options = KillOptions();
  options.even_first = true;
  answer = Control(options);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_FALSE(Lives());
}

TEST_F(KillTest, LeavesProcessesOfTheHostAlone) {
  Put(fmt::format("proc/{}/cgroup", child_), "0::/system.slice/sshd.service\n");
  ControlOptions options = KillOptions();
  options.container.clear();
  const auto answer = Control(options);
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("of no container"));
  EXPECT_TRUE(Lives());
}

// The machine's own freezer, where this test may make a control group.
class RealFreezerTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string id = fmt::format("{:064x}", static_cast<uint64_t>(getpid()));
    for (const char* root : {"/sys/fs/cgroup/freezer", "/sys/fs/cgroup"}) {
      const std::string directory = fmt::format("{}/{}", root, id);
      std::error_code error;
      if (!std::filesystem::create_directory(directory, error)) continue;
      if (std::filesystem::exists(directory + "/freezer.state") ||
          std::filesystem::exists(directory + "/cgroup.freeze")) {
        directory_ = directory;
        id_ = id;
        break;
      }
      std::filesystem::remove(directory, error);
    }
    if (directory_.empty()) GTEST_SKIP() << "needs root and a freezer";
    void* memory =
        mmap(nullptr, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    counter_ = static_cast<std::atomic<uint64_t>*>(memory);
    child_ = fork();
    if (child_ == 0) {
      for (;;) {
        ++*counter_;
        usleep(1000);
      }
    }
    std::ofstream(directory_ + "/cgroup.procs") << child_;
  }
  void TearDown() override {
    if (child_ > 0) {
      kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
    std::error_code error;
    if (!directory_.empty()) std::filesystem::remove(directory_, error);
  }
  bool Counts() const {
    const uint64_t before = *counter_;
    usleep(300000);
    return *counter_ != before;
  }

  std::string directory_;
  std::string id_;
  std::atomic<uint64_t>* counter_ = nullptr;
  pid_t child_ = 0;
};

TEST_F(RealFreezerTest, StopsWhatRunsAndLetsItGoOn) {
  ControlOptions options;
  options.action = "freeze";
  options.container = id_;
  ASSERT_TRUE(Counts());
  const auto frozen = Control(options);
  ASSERT_TRUE(frozen) << frozen.error().message;
  EXPECT_THAT(*frozen, HasSubstr(fmt::format("\"pids\":[{}]", child_)));
  EXPECT_FALSE(Counts());
  options.action = "thaw";
  ASSERT_TRUE(Control(options));
  EXPECT_TRUE(Counts());
}

TEST(ParseControl, KnowsItsCommandLine) {
  const auto freeze = ParseControl({"freeze", "--container", kId});
  ASSERT_TRUE(freeze);
  EXPECT_EQ(freeze->container, kId);
  const auto kill = ParseControl({"kill", "--pid", "77", "--start-ticks", "5", "--even-first"});
  ASSERT_TRUE(kill);
  EXPECT_EQ(kill->pid, 77U);
  EXPECT_TRUE(kill->even_first);
  for (const std::vector<std::string>& bad :
       std::vector<std::vector<std::string>>{{},
                                             {"stop"},
                                             {"freeze"},
                                             {"freeze", "--container"},
                                             {"kill", "--pid", "77"},
                                             {"kill", "--pid", "1", "--start-ticks", "5"},
                                             {"kill", "--pid", "-5", "--start-ticks", "5"},
                                             {"kill", "--pid", "99999999999", "--start-ticks", "5"},
                                             {"thaw", "--what", "x"}}) {
    const auto parsed = ParseControl(bad);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace ekshume::collect
