// SPDX-License-Identifier: Apache-2.0
#include "artifact/mactime/reader.h"

#include <gmock/gmock.h>

#include "artifact/test_support.h"

namespace ekshume::artifact::mactime {
namespace {

using namespace artifact::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<const Row*> RowsOf(const Collected& collected, std::string_view path) {
  std::vector<const Row*> rows;
  for (const Row& row : collected.rows) {
    if (row.event[Text::kPath] == path) rows.push_back(&row);
  }
  return rows;
}

TEST(MactimeTest, FoldsEqualTimes) {
  Tree tree;
  tree.AddFile("etc/passwd", "root:x:0:0::/root:/bin/sh\n");
  tree.AddFileAs("etc/cron.d/.x", std::string(120, 'a'), [](fs::Stat& stat) {
    stat.modified = {1700000000, 5};
    stat.changed = {1700000000, 5};
    stat.accessed = {1700000100, 0};
    stat.created = Timestamp{1600000000, 0};
    stat.permissions = 04755;
    stat.inode = 77;
  });
  Collected collected;
  Read(MactimeFormat(), HostView(tree), collected);
  const auto rows = RowsOf(collected, "/etc/cron.d/.x");
  ASSERT_EQ(rows.size(), 3U);
  const Event& written = rows[0]->event;
  EXPECT_EQ(written.time, (Timestamp{1700000000, 5}));
  EXPECT_EQ(written[Text::kTimeKind], "Content Modification Time; Metadata Modification Time");
  EXPECT_EQ(written[Text::kSource], "file");
  EXPECT_EQ(written[Text::kAction], "modified");
  EXPECT_EQ(written[Text::kObjectKind], "file");
  EXPECT_EQ(written[Text::kUserName], "root");
  EXPECT_EQ(written[Text::kTags], "executable setuid hidden");
  EXPECT_EQ(written[Text::kMessage], "M.C. /etc/cron.d/.x (regular file, 120 bytes, root)");
  EXPECT_EQ(written[Number::kSize], 120);
  EXPECT_EQ(written.raw,
            "0|/etc/cron.d/.x|77|r/rrwsr-xr-x|0|0|120|1700000100.000000000|1700000000.000000005|"
            "1700000000.000000005|1600000000.000000000");
  EXPECT_EQ(rows[1]->event[Text::kAction], "accessed");
  EXPECT_EQ(rows[1]->event[Text::kMessage], ".A.. /etc/cron.d/.x (regular file, 120 bytes, root)");
  EXPECT_EQ(rows[2]->event[Text::kAction], "created");
  EXPECT_EQ(rows[2]->event[Text::kTimeKind], "Creation Time");
  EXPECT_EQ(rows[2]->offset, 2U);
  EXPECT_EQ(rows[2]->path, "/etc/cron.d/.x");
  EXPECT_THAT(collected.diagnostics.Sorted(), IsEmpty());
}

TEST(MactimeTest, TellsTypesAndOwners) {
  Tree tree;
  tree.AddSymlink("a", "/bin/sh");
  tree.ChangeStat("a", [](fs::Stat& stat) { stat.uid = 1000; });
  tree.AddDirectory("b");
  Collected collected;
  Read(MactimeFormat(), HostView(tree), collected);
  EXPECT_THAT(collected.Column(Text::kMessage),
              ElementsAre("MAC. / (directory, 0)", "MAC. /a -> /bin/sh (symbolic link, 1000)",
                          "MAC. /b (directory, 0)"));
  EXPECT_THAT(collected.Column(Text::kObjectKind),
              ElementsAre("directory", "symlink", "directory"));
}

TEST(MactimeTest, OfAContainerOnlyChanges) {
  Tree tree;
  tree.AddFile("bin/sh", "x");
  tree.AddFileAt("tmp/miner", "y", 1700000000);
  Collected collected;
  Read(MactimeFormat(), ContainerView(tree, {"/tmp/miner"}), collected);
  EXPECT_THAT(collected.Column(Text::kPath), ElementsAre("/tmp/miner", "/tmp/miner"));
  EXPECT_EQ(collected.rows[0].event.time, (Timestamp{1700000000, 0}));
}

TEST(MactimeTest, LeavesLayersToTheirContainers) {
  Tree tree;
  const std::string snapshots = "var/lib/containerd/snapshots/";
  for (const char* id : {"1", "2", "3"}) tree.AddFile(snapshots + id + "/fs/file", "x");
  runtime::Inventory inventory;
  const auto add = [&](const std::string& id, std::string kind, std::string owner) {
    runtime::Snapshot snapshot;
    snapshot.kind = std::move(kind);
    snapshot.owner = std::move(owner);
    snapshot.directory = {&tree, snapshots + id + "/fs"};
    inventory.snapshots.push_back(snapshot);
  };
  add("1", "committed", "");
  add("2", "active", "container");
  add("3", "active", "");  // its container is gone: no other view shows it
  View view = HostView(tree);
  view.inventory = &inventory;
  Collected collected;
  Read(MactimeFormat(), view, collected);
  EXPECT_EQ(RowsOf(collected, "/" + snapshots + "1/fs").size(), 1U);
  EXPECT_EQ(RowsOf(collected, "/" + snapshots + "1/fs/file").size(), 0U);
  EXPECT_EQ(RowsOf(collected, "/" + snapshots + "2/fs/file").size(), 0U);
  EXPECT_EQ(RowsOf(collected, "/" + snapshots + "3/fs/file").size(), 1U);
}

TEST(MactimeTest, ShowsWhatWasDeletedWhileOpen) {
  Tree tree;
  tree.AddFileAs("ghost", "1234", [](fs::Stat& stat) { stat.inode = 9; });
  tree.AddDeleted("ghost", "unlinked list");
  tree.Remove("ghost");
  Collected collected;
  Read(MactimeFormat(), HostView(tree), collected);
  ASSERT_EQ(collected.rows.size(), 2U);
  const Row& row = collected.rows[1];
  EXPECT_EQ(row.event[Text::kMessage],
            "MAC. inode 9 without a name (regular file, 4 bytes, 0, unlinked list)");
  EXPECT_EQ(row.event[Text::kTags], "deleted");
  EXPECT_EQ(row.path, "");
  EXPECT_EQ(row.offset, 36U);
}

}  // namespace
}  // namespace ekshume::artifact::mactime
