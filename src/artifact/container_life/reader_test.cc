// SPDX-License-Identifier: Apache-2.0
#include "artifact/container_life/reader.h"

#include <gmock/gmock.h>

#include "artifact/test_support.h"
#include "runtime/format.h"

namespace ekshume::artifact::container_life {
namespace {

using namespace artifact::testing;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The events of an inventory.
struct Lives : Collected {
  explicit Lives(const runtime::Inventory& inventory) {
    Tree tree;
    View view = HostView(tree);
    view.inventory = &inventory;
    Read(ContainerLifeFormat(), view, *this);
  }
};

TEST(ContainerLifeTest, TellsALife) {
  runtime::Container container;
  container.id = std::string(64, 'a');
  container.name = "web";
  container.image = "nginx:1.25";
  container.pod = runtime::PodReference{"web-1", "shop", "uid-1", "web"};
  container.created = Timestamp{100, 0};
  container.started = Timestamp{101, 500000000};
  container.finished = Timestamp{103, 0};
  container.exit_code = 137;
  container.reason = "OOMKilled";
  container.arguments = {"sh", "-c", "sleep 1"};
  container.privileged = true;
  container.host_pid = true;
  container.mounts = {{"/", "/host", "bind", {}}};
  container.store.path = "var/lib/containerd";
  runtime::Inventory inventory;
  inventory.containers = {container};
  const Lives collected(inventory);
  EXPECT_THAT(collected.Column(Text::kMessage),
              ElementsAre("Container web of pod shop/web-1 (nginx:1.25) was created",
                          "Container web of pod shop/web-1 (nginx:1.25) started",
                          "Container web of pod shop/web-1 (nginx:1.25) ended with exit code 137 "
                          "(OOMKilled)"));
  const Row& end = collected.rows[2];
  EXPECT_EQ(end.event.time, (Timestamp{103, 0}));
  EXPECT_EQ(end.event[Text::kTimeKind], "End Time");
  EXPECT_EQ(end.event[Text::kAction], "finished");
  EXPECT_EQ(end.event[Text::kObjectKind], "container");
  EXPECT_EQ(end.event[Text::kPod], "web-1");
  EXPECT_EQ(end.event[Text::kNamespace], "shop");
  EXPECT_EQ(end.event[Text::kPodUid], "uid-1");
  EXPECT_EQ(end.event[Text::kContainer], "web");
  EXPECT_EQ(end.event[Text::kContainerId], container.id);
  EXPECT_EQ(end.event[Text::kImage], "nginx:1.25");
  EXPECT_EQ(end.event[Text::kCommandLine], "sh -c 'sleep 1'");
  EXPECT_EQ(end.event[Text::kTags], "privileged host_pid");
  EXPECT_EQ(end.event[Text::kOutcome], "failure");
  EXPECT_EQ(end.event[Text::kError], "OOMKilled");
  EXPECT_EQ(end.event[Number::kStatusCode], 137);
  EXPECT_EQ(end.event[Number::kDurationNs], 1500000000);
  EXPECT_THAT(end.event.raw, HasSubstr("\"mounts\":[\"/:/host\"]"));
  EXPECT_EQ(end.path, "/var/lib/containerd");
  EXPECT_EQ(end.offset, 2U);
}

TEST(ContainerLifeTest, WhatHasNoTimeIsStillTold) {
  runtime::Container container;
  container.id = std::string(64, 'b');
  container.recovered = "log directory";
  runtime::Image image;
  image.id = "sha256:1";
  image.references = {"docker.io/library/x:1"};
  runtime::Inventory inventory;
  inventory.containers = {container};
  inventory.images = {image};
  const Lives collected(inventory);
  EXPECT_THAT(collected.Column(Text::kMessage),
              ElementsAre("Container bbbbbbbbbbbb existed (known from: log directory)",
                          "Image docker.io/library/x:1 came onto the node"));
  EXPECT_THAT(collected.Column(Text::kTags), ElementsAre("recovered untimed", "untimed"));
}

TEST(ContainerLifeTest, SnapshotsOfRemovedContainers) {
  runtime::Snapshot orphan;
  orphan.key = "abc";
  orphan.kind = "active";
  orphan.created = Timestamp{7, 0};
  runtime::Snapshot owned = orphan;
  owned.owner = "container";
  runtime::Inventory inventory;
  inventory.snapshots = {orphan, owned};
  EXPECT_THAT(Lives(inventory).Column(Text::kObjectKind), ElementsAre("snapshot"));
}

TEST(ContainerLifeTest, ReadsARealNode) {
  runtime::MemoryTree node;
  ASSERT_TRUE(
      node.AddTarZst(std::string(EKSHUME_SOURCE_DIR) + "/tests/data/runtime/node-k8s.tar.zst"));
  DiagnosticSink diagnostics;
  const runtime::Inventory inventory =
      runtime::ReadNode(runtime::NodeFilesystems{{&node}}, diagnostics);
  ASSERT_EQ(inventory.containers.size(), 8U);
  const Lives collected(inventory);
  size_t created = 0;
  for (const Row& row : collected.rows) {
    if (!row.event[Text::kContainerId].empty() && row.event[Text::kAction] == "created") ++created;
  }
  EXPECT_EQ(created, 8U);
  EXPECT_THAT(collected.Column(Text::kPod), Contains("node-health-checker"));
  EXPECT_THAT(collected.diagnostics.Sorted(), IsEmpty());
}

TEST(ContainerLifeTest, HasNothingToSayWithoutStores) {
  Tree tree;
  Collected collected;
  Read(ContainerLifeFormat(), HostView(tree), collected);
  EXPECT_THAT(collected.rows, IsEmpty());
  EXPECT_TRUE(ContainerLifeFormat().host_only());
}

}  // namespace
}  // namespace ekshume::artifact::container_life
