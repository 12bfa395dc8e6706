// SPDX-License-Identifier: Apache-2.0
#include "detect/drift/places.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "detect/drift/rules.h"

namespace ekshume::detect::drift {
namespace {

std::string_view RuleAt(std::string_view path) {
  const Place* place = FindPlace(path);
  return place == nullptr ? "" : place->rule;
}

TEST(PlacesTest, FindsPersistence) {
  EXPECT_EQ(RuleAt("etc/cron.d/x"), "drift.cron");
  EXPECT_EQ(RuleAt("root/.ssh/authorized_keys"), "drift.ssh_key");
  EXPECT_EQ(RuleAt("srv/git/.ssh/authorized_keys"), "drift.ssh_key");
  EXPECT_EQ(RuleAt("etc/ld.so.preload"), "drift.library_preload");
  EXPECT_EQ(RuleAt("etc/kubernetes/manifests/x.yaml"), "drift.static_pod");
  EXPECT_EQ(RuleAt("root/.bash_history"), "drift.shell_history");
  EXPECT_EQ(RuleAt("home/eve/.bashrc"), "drift.shell_profile");
  EXPECT_EQ(RuleAt("srv/app/etc/cron.d/x"), "");
  EXPECT_EQ(RuleAt("etc/resolv.conf"), "");
  EXPECT_EQ(RuleAt("etc/rc.local"), "drift.init_script");
  EXPECT_EQ(RuleAt("etc/rclone.conf"), "");
}

TEST(PlacesTest, ImitationsOfTheKernelAndOfServices) {
  EXPECT_EQ(Imitates("tmp/.x/kworkerd"), "a kernel thread");
  EXPECT_EQ(Imitates("tmp/kdevtmpfsi"), "a kernel thread");
  EXPECT_EQ(Imitates("var/lib/[kswapd0]"), "a kernel thread");
  EXPECT_EQ(Imitates("usr/local/bin/.dbus"), "a system service");
  EXPECT_EQ(Imitates("tmp/systemd-helper"), "a system service");
  EXPECT_EQ(Imitates("usr/sbin/sshd"), "");
  EXPECT_EQ(Imitates("usr/lib/systemd/systemd-logind"), "");
  EXPECT_EQ(Imitates("app/migrations"), "");
  EXPECT_EQ(Imitates("app/init"), "");
  EXPECT_EQ(Imitates("srv/app/kworkers-report"), "");
}

TEST(PlacesTest, HiddenAndTemporary) {
  EXPECT_TRUE(IsHidden("tmp/.X11-unix/x"));
  EXPECT_TRUE(IsHidden("usr/bin/.x"));
  EXPECT_FALSE(IsHidden("home/app/.cache/x"));
  EXPECT_FALSE(IsHidden("srv/a.b/c"));
  EXPECT_FALSE(IsHidden("srv/../c"));
  EXPECT_TRUE(IsTemporary("dev/shm/x"));
  EXPECT_FALSE(IsTemporary("srv/tmp/x"));
  EXPECT_TRUE(IsGoBuild("tmp/go-build1/b001/x"));
  EXPECT_TRUE(IsGoBuild("tmp/go-build271/b42/exe/main"));
  EXPECT_FALSE(IsGoBuild("tmp/go-build/b001/x"));
  EXPECT_FALSE(IsGoBuild("tmp/go-build1/x"));
  EXPECT_FALSE(IsGoBuild("tmp/go-build1/b001"));
  EXPECT_FALSE(IsGoBuild("srv/tmp/go-build1/b001/x"));
}

TEST(PlacesTest, NamesOfOtherKinds) {
  EXPECT_EQ(DisguiseOf("var/www/logo.jpg"), "jpg");
  EXPECT_EQ(DisguiseOf("var/log/app.log"), "log");
  EXPECT_EQ(DisguiseOf("usr/bin/.log"), "");
  EXPECT_EQ(DisguiseOf("usr/bin/tool"), "");
  EXPECT_EQ(DisguiseOf("usr/lib/x.so"), "");
  EXPECT_TRUE(IsTool("usr/bin/curl"));
  EXPECT_FALSE(IsTool("srv/curl"));
  EXPECT_TRUE(IsLibraryName("tmp/libsnappy-1.1.so"));
  EXPECT_TRUE(IsLibraryName("tmp/snappy-1.1.10-5f2a-libsnappyjava.so"));
  EXPECT_TRUE(IsLibraryName("tmp/jna-3506402/jna1234567890.tmp"));
  EXPECT_TRUE(IsLibraryName("tmp/libnetty_transport_native_epoll_x86_641.so"));
  EXPECT_FALSE(IsLibraryName("tmp/jna"));
  EXPECT_TRUE(IsLibraryName("usr/lib/libc.so.6"));
  EXPECT_FALSE(IsLibraryName("tmp/solid"));
  EXPECT_TRUE(IsArchiveName("tmp/a.tar.gz"));
}

TEST(RulesTest, AreOfOneForm) {
  for (const Rule& rule : Rules()) {
    EXPECT_TRUE(rule.id.starts_with("drift.")) << rule.id;
    EXPECT_THAT(rule.tags, testing::HasSubstr("attack.t1")) << rule.id;
    EXPECT_TRUE(rule.about.ends_with('.')) << rule.id;
    EXPECT_EQ(std::ranges::count(Rules(), rule.id, &Rule::id), 1) << rule.id;
    EXPECT_EQ(&RuleOf(rule.id), &rule);
  }
}

TEST(RulesTest, AreDocumented) {
  std::ifstream file(std::string(EKSHUME_SOURCE_DIR) + "/docs/detect.md");
  const std::string page((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  for (const Rule& rule : Rules()) {
    const std::string row = "| `" + std::string(rule.id) + "` | " + std::string(rule.title) +
                            " | " + std::string(rule.level) + " |";
    EXPECT_THAT(page, testing::HasSubstr(row));
  }
}

}  // namespace
}  // namespace ekshume::detect::drift
