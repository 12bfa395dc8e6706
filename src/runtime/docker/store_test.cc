// SPDX-License-Identifier: Apache-2.0
#include "runtime/docker/store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/limits.h"
#include "runtime/docker/layers.h"
#include "runtime/memory_tree.h"

namespace ekshume::runtime::docker {
namespace {

const std::string kData = std::string(EKSHUME_SOURCE_DIR) + "/tests/data/runtime/";
const std::string kRoot = "var/lib/docker";
const std::string kWebshop = "6f91804bf7239b84c75531715f19c742c743f0e6c0e1537cde31a775df1dcabd";
const std::string kToolbox = "9839d461c5a99dacb2c4e593afcc69a64b9afb8179c8737ad65a826eab385b2d";
const std::string kSandbox = "00bdf8cb4de38877d3be62f9fcdc716d1a746d1a23e0cf38505748831fd96270";
const std::string kWebshopMount =
    "b2d73471aedf4232165d50e657ad56e2a2538e0446afe348e8479589507b8930";

class DockerTest : public testing::Test {
 protected:
  DockerTest() { EXPECT_TRUE(tree_.AddTarZst(kData + "node-docker.tar.zst")); }

  void Read() {
    inventory_ = {};
    ASSERT_TRUE(ReadStore(Store(), NodeFilesystems{{&tree_}}, inventory_, diagnostics_));
  }
  Location Store() const { return {&tree_, kRoot}; }
  const Container& Find(const std::string& id) const {
    const auto found = std::ranges::find(inventory_.containers, id, &Container::id);
    static const Container kNone;
    EXPECT_NE(found, inventory_.containers.end()) << id;
    return found == inventory_.containers.end() ? kNone : *found;
  }

  MemoryTree tree_;
  Inventory inventory_;
  DiagnosticSink diagnostics_;
};

TEST_F(DockerTest, KnowsItsOwnRoot) {
  EXPECT_TRUE(kFormat.sniff(Store()));
  EXPECT_FALSE(kFormat.sniff({&tree_, "var/lib"}));
  EXPECT_FALSE(kFormat.sniff({&tree_, "var/lib/docker/image"}));
  EXPECT_FALSE(kFormat.sniff({&tree_, "nowhere"}));
}

// What `docker inspect` said of the same container, and that it was killed at shutdown.
TEST_F(DockerTest, ReadsAContainer) {
  Read();
  EXPECT_EQ(inventory_.containers.size(), 6U);
  const Container& webshop = Find(kWebshop);
  EXPECT_EQ(webshop.name,
            "k8s_webshop_webshop-6d4cf56db6-x7k2p_shop_1e88dedf-df6d-4e09-91de-08bc7767f7b6_0");
  EXPECT_EQ(webshop.image, "123456789012.dkr.ecr.us-east-1.amazonaws.com/acme/webshop:1.4.2");
  EXPECT_EQ(webshop.image_digest,
            "sha256:5666730cdd486dc0f75fec7db48be1c8b981108b993dc9fa834b0ea9b54ad32a");
  ASSERT_TRUE(webshop.pod);
  EXPECT_EQ(webshop.pod->container, "webshop");
  EXPECT_EQ(webshop.pod->namespace_name, "shop");
  EXPECT_EQ(webshop.state, ContainerState::kExited);
  EXPECT_EQ(webshop.exit_code, 137);
  EXPECT_FALSE(webshop.pid);
  EXPECT_EQ(FormatTimestamp(*webshop.started), "2026-11-24T21:39:08.080318913Z");
  ASSERT_TRUE(webshop.layers.upper);
  EXPECT_EQ(webshop.layers.upper->path, kRoot + "/overlay2/" + kWebshopMount + "/diff");
  ASSERT_EQ(webshop.layers.lower.size(), 6U);
  EXPECT_EQ(webshop.layers.lower[0].path, kRoot + "/overlay2/" + kWebshopMount + "-init/diff");
  EXPECT_EQ(webshop.layers.init_layer_count, 1U);
  EXPECT_THAT(webshop.environment, testing::Contains("SHOP_ENV=production"));
  EXPECT_EQ(webshop.restart_count, 0);
  EXPECT_FALSE(diagnostics_.HasLoss());
}

TEST_F(DockerTest, SeesPrivilegesAndMounts) {
  Read();
  const Container& toolbox = Find(kToolbox);
  EXPECT_TRUE(toolbox.host_pid);
  EXPECT_FALSE(toolbox.privileged);
  EXPECT_THAT(toolbox.capabilities, testing::ElementsAre("CAP_SYS_ADMIN", "CAP_SYS_PTRACE"));
  ASSERT_EQ(toolbox.mounts.size(), 1U);
  EXPECT_EQ(toolbox.mounts[0].source, "/");
  EXPECT_EQ(toolbox.mounts[0].destination, "/host");
  EXPECT_EQ(Find(kSandbox).kind, ContainerKind::kSandbox);
}

TEST_F(DockerTest, ReadsImages) {
  Read();
  ASSERT_EQ(inventory_.images.size(), 3U);
  const Image& image = inventory_.images[0];
  EXPECT_EQ(image.id, "sha256:5666730cdd486dc0f75fec7db48be1c8b981108b993dc9fa834b0ea9b54ad32a");
  EXPECT_THAT(
      image.references,
      testing::ElementsAre("123456789012.dkr.ecr.us-east-1.amazonaws.com/acme/webshop:1.4.2"));
  EXPECT_EQ(image.size_bytes, 88394331U);
  EXPECT_EQ(image.layers.lower.size(), 5U);
  EXPECT_EQ(image.platform, "linux/amd64");
}

TEST_F(DockerTest, LayersAreBounded) {
  const LayerStore whole(Store(), "overlay2", diagnostics_, limits::kMaxSnapshots);
  const size_t all = whole.Snapshots().size();
  ASSERT_GT(all, 10U);
  EXPECT_TRUE(diagnostics_.Sorted().empty());
  const LayerStore cut(Store(), "overlay2", diagnostics_, all - 1);
  EXPECT_EQ(cut.Snapshots().size(), all - 1);
  const auto reported = diagnostics_.Sorted();
  ASSERT_EQ(reported.size(), 1U);
  EXPECT_EQ(reported[0].code, DiagnosticCode::kRuntimeLimit);
  EXPECT_TRUE(reported[0].detail.starts_with("kMaxSnapshots")) << reported[0].detail;
}

TEST_F(DockerTest, DoesWithoutTheLinks) {
  Read();
  const LayerChain before = Find(kWebshop).layers;
  tree_.Remove(kRoot + "/overlay2/l");
  Read();
  EXPECT_EQ(Find(kWebshop).layers.lower, before.lower);
}

TEST_F(DockerTest, SaysWhichLayerIsMissing) {
  Read();
  const std::string lost = Find(kWebshop).layers.lower[3].path;
  tree_.Remove(lost.substr(0, lost.rfind('/')));
  Read();
  EXPECT_EQ(Find(kWebshop).layers.lower.size(), 5U);
  EXPECT_EQ(Find(kWebshop).layers.missing.size(), 1U);
  EXPECT_GT(diagnostics_.Count(DiagnosticCode::kRuntimeSnapshotMissing), 0U);
}

TEST_F(DockerTest, RecoversAContainerThatWasDeletedHalfWay) {
  tree_.Remove(kRoot + "/containers/" + kWebshop + "/config.v2.json");
  Read();
  EXPECT_EQ(Find(kWebshop).recovered, "runtime folder");
  EXPECT_TRUE(Find(kWebshop).layers.upper);
  tree_.Remove(kRoot + "/containers/" + kWebshop);
  Read();
  EXPECT_EQ(Find(kWebshop).recovered, "snapshot");
  EXPECT_EQ(Find(kWebshop).layers.lower.size(), 6U);
  tree_.Remove(kRoot + "/image/overlay2/layerdb/mounts/" + kWebshop);
  Read();
  EXPECT_EQ(Find(kWebshopMount).recovered, "snapshot");
  EXPECT_EQ(Find(kWebshopMount).layers.init_layer_count, 1U);
}

TEST_F(DockerTest, ReportsADamagedRecordAndReadsTheOthers) {
  std::string& config = tree_.Content(kRoot + "/containers/" + kWebshop + "/config.v2.json");
  config.resize(config.size() / 2);
  Read();
  EXPECT_EQ(inventory_.containers.size(), 6U);
  EXPECT_EQ(Find(kWebshop).recovered, "runtime folder");
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kRuntimeRecordDamaged), 1U);
}

TEST_F(DockerTest, NamesADriverItDoesNotRead) {
  MemoryTree tree;
  tree.AddDirectory("d/image/devicemapper");
  tree.AddFile("d/containers/" + kWebshop + "/config.v2.json",
               R"({"Driver":"devicemapper","State":{}})");
  Inventory inventory;
  ASSERT_TRUE(ReadStore({&tree, "d"}, NodeFilesystems{{&tree}}, inventory, diagnostics_));
  ASSERT_EQ(inventory.containers.size(), 1U);
  EXPECT_EQ(inventory.containers[0].state, ContainerState::kCreated);
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kRuntimeUnsupportedSnapshotter), 1U);
}

TEST_F(DockerTest, ReadsCopiesOfTheVfsDriver) {
  MemoryTree tree;
  const std::string image = std::string(64, 'a');
  const std::string layer = std::string(64, 'b');
  tree.AddFile("d/containers/" + kWebshop + "/config.v2.json",
               R"({"Driver":"vfs","State":{"Running":true,"Pid":7}})");
  tree.AddFile("d/image/vfs/layerdb/mounts/" + kWebshop + "/mount-id", "m1");
  tree.AddFile("d/image/vfs/layerdb/mounts/" + kWebshop + "/init-id", "m1-init");
  tree.AddFile("d/image/vfs/imagedb/content/sha256/" + image,
               R"({"rootfs":{"diff_ids":["sha256:)" + layer + R"("]}})");
  tree.AddFile("d/image/vfs/layerdb/sha256/" + layer + "/cache-id", "c1");
  for (const std::string_view id : {"m1", "m1-init", "c1"}) {
    tree.AddDirectory("d/vfs/dir/" + std::string(id));
  }
  Inventory inventory;
  ASSERT_TRUE(ReadStore({&tree, "d"}, NodeFilesystems{{&tree}}, inventory, diagnostics_));
  ASSERT_EQ(inventory.containers.size(), 1U);
  EXPECT_EQ(inventory.containers[0].state, ContainerState::kRunning);
  EXPECT_EQ(inventory.containers[0].native_root->path, "d/vfs/dir/m1");
  ASSERT_EQ(inventory.images.size(), 1U);
  EXPECT_EQ(inventory.images[0].layers.lower[0].path, "d/vfs/dir/c1");
  EXPECT_FALSE(diagnostics_.HasLoss());
}

TEST_F(DockerTest, LinksLeadNowhereElse) {
  tree_.AddFile(kRoot + "/overlay2/" + kWebshopMount + "/lower", "l/EVIL:l/../../../etc");
  tree_.AddSymlink(kRoot + "/overlay2/l/EVIL", "../../../../etc/diff");
  Read();
  EXPECT_TRUE(Find(kWebshop).layers.lower.empty());
  EXPECT_EQ(Find(kWebshop).layers.missing.size(), 2U);
}

TEST_F(DockerTest, SurvivesEveryTruncationAndByteFlipOfARecord) {
  for (const std::string_view file : {"config.v2.json", "hostconfig.json"}) {
    std::string& content = tree_.Content(fmt::format("{}/containers/{}/{}", kRoot, kToolbox, file));
    const std::string whole = content;
    MemoryTree tree;
    tree.AddDirectory("d/image");
    tree.AddFile("d/containers/" + kToolbox + "/config.v2.json", "{}");
    for (size_t at = 0; at < whole.size(); ++at) {
      for (const int flip : {0, 0x01, 0x20, 0x80}) {
        std::string damaged = flip == 0 ? whole.substr(0, at) : whole;
        if (flip != 0) damaged[at] = static_cast<char>(damaged[at] ^ flip);
        tree.AddFile(fmt::format("d/containers/{}/{}", kToolbox, file), damaged);
        DiagnosticSink diagnostics;
        Inventory inventory;
        ASSERT_TRUE(ReadStore({&tree, "d"}, NodeFilesystems{{&tree}}, inventory, diagnostics));
        ASSERT_EQ(inventory.containers.size(), 1U);
      }
    }
  }
}

}  // namespace
}  // namespace ekshume::runtime::docker
