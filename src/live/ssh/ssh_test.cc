// SPDX-License-Identifier: Apache-2.0
#include "live/ssh/ssh.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace ekshume::live::ssh {
namespace {

using testing::HasSubstr;

// A program in ssh's place that runs the command here.
class SshTest : public testing::Test {
 protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);  // as the program does
    std::string name = testing::TempDir() + "/ssh-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    std::ofstream(folder_ + "/ssh") << "#!/bin/sh\necho \"$@\" > " << folder_
                                    << "/words\nfor last; do :; done\nexec sh -c \"$last\"\n";
    chmod((folder_ + "/ssh").c_str(), 0755);
    target_ = {.host = "node", .arguments = {"-p", "2222"}, .program = folder_ + "/ssh"};
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Result<SshOutcome> RunIt(const std::string& command,
                           const std::vector<std::string_view>& input = {}) {
    return ssh::Run(
        target_, command, input,
        [this](ByteView bytes) -> Result<void> {
          output_ += bytes.AsText();
          return {};
        },
        &progress_);
  }

  std::string folder_;
  std::string output_;
  SshTarget target_;
  Progress progress_;
};

TEST_F(SshTest, StreamsBothWaysAtOnce) {
  const std::string big(size_t{3} << 20, 'x');
  const auto outcome = RunIt("cat; echo oops >&2; exit 7", {"head ", big, "", "tail"});
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->exit_code, 7);
  EXPECT_EQ(outcome->errors, "oops\n");
  EXPECT_TRUE(output_ == "head " + big + "tail") << output_.size();
  std::string words;
  std::getline(std::ifstream(folder_ + "/words"), words);
  EXPECT_THAT(words, HasSubstr("-p 2222 -T -o BatchMode=yes"));
  EXPECT_THAT(words, HasSubstr("-- node cat;"));
}

TEST_F(SshTest, SurvivesACommandThatDoesNotRead) {
  const std::string big(size_t{3} << 20, 'x');
  const auto outcome = RunIt("echo done", {big});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->exit_code, 0);
  EXPECT_EQ(output_, "done\n");
}

TEST_F(SshTest, KeepsLittleOfStandardError) {
  const auto outcome = RunIt("head -c 1000000 /dev/zero >&2");
  ASSERT_TRUE(outcome);
  EXPECT_LT(outcome->errors.size(), size_t{100} << 10);
}

TEST_F(SshTest, StopsWhenAsked) {
  progress_.Cancel();
  const auto outcome = RunIt("sleep 1000");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kCancelled);
}

TEST_F(SshTest, TakesNoOptionForAHost) {
  target_.host = "-oProxyCommand=x";
  EXPECT_EQ(RunIt("true").error().code, ErrorCode::kInvalidArgument);
  target_ = {.host = "node", .arguments = {}, .program = folder_ + "/missing"};
  EXPECT_THAT(RunIt("true").error().message, HasSubstr("cannot run"));
}

}  // namespace
}  // namespace ekshume::live::ssh
