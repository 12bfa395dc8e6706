// SPDX-License-Identifier: Apache-2.0
#include "runtime/containerd/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/limits.h"
#include "runtime/bolt/database.h"
#include "runtime/bolt/format.h"
#include "runtime/containerd/snapshots.h"
#include "runtime/containerd/snapshotter.h"
#include "runtime/memory_tree.h"

namespace ekshume::runtime::containerd {
namespace {

const std::string kData = std::string(EKSHUME_SOURCE_DIR) + "/tests/data/runtime/";
constexpr std::string_view kMeta = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
constexpr std::string_view kWebshop =
    "505ea3fb5f6c6b29fcbf9af0cd36f7626a23e9f5c2b4b91443a23248257ff0ca";
constexpr std::string_view kRecon =
    "fb12ce8930cead1efb96115714d50ba5675c23989d12906bf8b020180aedbef8";
constexpr std::string_view kSandbox =
    "1fd6a2622f70409a1a07688a23ab289b8866f16553100c6d5874609728cf2ea3";
constexpr std::string_view kSnapshots =
    "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/";

class ContainerdTest : public testing::Test {
 protected:
  void Load(const std::string& name) { ASSERT_TRUE(tree_.AddTarZst(kData + name)); }

  void Read() {
    inventory_ = {};
    ASSERT_TRUE(ReadStore(Store(), NodeFilesystems{{&tree_}}, inventory_, diagnostics_));
  }
  Location Store() const { return {&tree_, "var/lib/containerd"}; }

  const Container& Find(std::string_view id) const {
    const auto found = std::ranges::find(inventory_.containers, id, &Container::id);
    static const Container kNone;
    EXPECT_NE(found, inventory_.containers.end()) << id;
    return found == inventory_.containers.end() ? kNone : *found;
  }

  MemoryTree tree_;
  Inventory inventory_;
  DiagnosticSink diagnostics_;
};

TEST_F(ContainerdTest, KnowsItsOwnRoot) {
  Load("node-k8s.tar.zst");
  EXPECT_TRUE(kFormat.sniff(Store()));
  EXPECT_FALSE(kFormat.sniff({&tree_, "var/lib"}));
  EXPECT_FALSE(kFormat.sniff({&tree_, "var/lib/kubelet"}));
  EXPECT_FALSE(kFormat.sniff({&tree_, "nowhere"}));
}

// What `ctr containers info` and the API server said of the same node; see the truth files.
TEST_F(ContainerdTest, ReadsAContainerOfTheCriPlugin) {
  Load("node-k8s.tar.zst");
  Read();
  EXPECT_EQ(inventory_.containers.size(), 8U);
  const Container& webshop = Find(kWebshop);
  EXPECT_EQ(webshop.name, "webshop");
  EXPECT_EQ(webshop.runtime_namespace, "k8s.io");
  EXPECT_EQ(webshop.image, "123456789012.dkr.ecr.us-east-1.amazonaws.com/acme/webshop:1.4.2");
  EXPECT_EQ(webshop.image_digest,
            "sha256:47ded4a6db15037c4ba24a70ebc4c340db366e9001e631ca666996a628aff972");
  ASSERT_TRUE(webshop.pod);
  EXPECT_EQ(webshop.pod->name, "webshop-588f958f47-hbzmh");
  EXPECT_EQ(webshop.pod->namespace_name, "shop");
  EXPECT_EQ(webshop.pod->uid, "b425c733-eff6-4f9e-aff7-0febc1222d84");
  EXPECT_EQ(webshop.pod->container, "webshop");
  EXPECT_EQ(webshop.sandbox, kSandbox);
  EXPECT_EQ(webshop.state, ContainerState::kRunning);
  EXPECT_EQ(webshop.pid, 22430);
  EXPECT_EQ(webshop.started, (Timestamp{1795556421, 252179817}));
  EXPECT_FALSE(webshop.finished);
  EXPECT_FALSE(webshop.exit_code);
  EXPECT_EQ(webshop.snapshotter, "overlayfs");
  ASSERT_TRUE(webshop.layers.upper);
  EXPECT_EQ(webshop.layers.upper->path, std::string(kSnapshots) + "9/fs");
  std::vector<std::string> lower;
  for (const Location& layer : webshop.layers.lower) lower.push_back(layer.path);
  EXPECT_THAT(lower, testing::ElementsAre(
                         std::string(kSnapshots) + "5/fs", std::string(kSnapshots) + "4/fs",
                         std::string(kSnapshots) + "3/fs", std::string(kSnapshots) + "2/fs",
                         std::string(kSnapshots) + "1/fs"));
  EXPECT_THAT(webshop.arguments, testing::ElementsAre("/srv/webshop/run.sh"));
  EXPECT_THAT(webshop.environment, testing::Contains("SHOP_ENV=production"));
  EXPECT_EQ(webshop.mounts.size(), 14U);
  EXPECT_EQ(webshop.capabilities.size(), 14U);
  EXPECT_FALSE(webshop.privileged);
  EXPECT_FALSE(webshop.host_pid);
  EXPECT_EQ(webshop.restart_count, 0);
  EXPECT_EQ(webshop.labels.size(), 5U);
}

TEST_F(ContainerdTest, TellsStatesApart) {
  Load("node-k8s.tar.zst");
  Read();
  const Container& recon = Find(kRecon);
  EXPECT_EQ(recon.state, ContainerState::kExited);
  EXPECT_EQ(recon.exit_code, 0);
  EXPECT_EQ(recon.reason, "Completed");
  EXPECT_EQ(recon.finished, (Timestamp{1795556432, 256478514}));
  EXPECT_FALSE(recon.pid);
  const Container& sandbox = Find(kSandbox);
  EXPECT_EQ(sandbox.kind, ContainerKind::kSandbox);
  EXPECT_EQ(sandbox.state, ContainerState::kRunning);
  EXPECT_EQ(sandbox.ip_address, "10.0.1.130");
  EXPECT_EQ(sandbox.labels.at("app"), "webshop");
  // Its task was deleted.
  EXPECT_EQ(Find("37e9392854e1b494b7d3ba0bc8ff04d6e195925724a9b5f86a03eecb38810ab8").state,
            ContainerState::kExited);
}

TEST_F(ContainerdTest, SeesTheHostNamespaces) {
  Load("node-k8s.tar.zst");
  Read();
  const Container& checker =
      Find("376ed2ebfa27458f9a50be12b561b9d325c5275bb0a1179e74993f9e017c2ec8");
  EXPECT_TRUE(checker.host_pid);
  EXPECT_TRUE(checker.host_network);
  EXPECT_FALSE(checker.host_ipc);
  EXPECT_THAT(checker.capabilities, testing::Contains("CAP_SYS_ADMIN"));
  EXPECT_FALSE(checker.privileged);
}

TEST_F(ContainerdTest, ReadsImages) {
  Load("node-k8s.tar.zst");
  Read();
  ASSERT_EQ(inventory_.images.size(), 3U);
  const Image& image = inventory_.images[0];
  EXPECT_EQ(image.id, "sha256:5666730cdd486dc0f75fec7db48be1c8b981108b993dc9fa834b0ea9b54ad32a");
  EXPECT_THAT(image.references,
              testing::ElementsAre(
                  "123456789012.dkr.ecr.us-east-1.amazonaws.com/acme/webshop:1.4.2", image.id));
  EXPECT_EQ(image.platform, "linux/amd64");
  EXPECT_EQ(image.size_bytes, 91144355U);  // 86.9 MiB
  EXPECT_EQ(image.layers.lower.size(), 5U);
  EXPECT_TRUE(image.layer_blobs_present);
  EXPECT_THAT(image.entrypoint, testing::ElementsAre("/srv/webshop/run.sh"));
}

TEST_F(ContainerdTest, ReadsVersion4WithDiscardedBlobs) {
  Load("containerd2.tar.zst");
  Read();
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kRuntimeFeatureNewer), 0U);
  EXPECT_FALSE(diagnostics_.HasLoss());
  const auto running =
      std::ranges::count(inventory_.containers, ContainerState::kRunning, &Container::state);
  EXPECT_EQ(running, 5);
  for (const Container& container : inventory_.containers) {
    EXPECT_TRUE(container.layers.upper) << container.id;
    EXPECT_TRUE(container.layers.missing.empty()) << container.id;
  }
}

TEST_F(ContainerdTest, ReadsCopiesOfTheNativeSnapshotter) {
  Load("native.tar.zst");
  Read();
  for (const Container& container : inventory_.containers) {
    EXPECT_EQ(container.snapshotter, "native");
    EXPECT_TRUE(container.native_root) << container.id;
    EXPECT_FALSE(container.layers.upper);
    EXPECT_EQ(container.layers.lower.size(), 1U);  // what it was copied from
  }
  for (const Image& image : inventory_.images) EXPECT_EQ(image.layers.lower.size(), 1U);
}

TEST_F(ContainerdTest, SaysWhichSnapshotIsMissing) {
  Load("node-k8s.tar.zst");
  tree_.Remove(std::string(kSnapshots) + "3");
  Read();
  const Container& webshop = Find(kWebshop);
  EXPECT_EQ(webshop.layers.lower.size(), 4U);
  EXPECT_THAT(webshop.layers.missing, testing::SizeIs(1));
  EXPECT_GT(diagnostics_.Count(DiagnosticCode::kRuntimeSnapshotMissing), 0U);
}

TEST_F(ContainerdTest, SnapshotsAreBounded) {
  Load("node-k8s.tar.zst");
  const Location overlayfs = {&tree_, "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs"};
  const auto count_records = [&](size_t most) {
    return Snapshotter::Read("overlayfs", overlayfs, diagnostics_, most)->records().size();
  };
  const auto database = bolt::Database::Open(
      std::make_unique<MemoryTree::MemoryFile>(tree_.Content(kMeta)), "meta.db", diagnostics_);
  ASSERT_TRUE(database);
  const auto v1 = (*database)->root().Child("v1");
  // Those of meta.db alone: the snapshotter's own are not there.
  MemoryTree empty;
  const auto count_named = [&](size_t most) {
    Inventory inventory;
    ReadSnapshots(v1, {&empty, "var/lib/containerd"}, NodeFilesystems{{&empty}}, inventory,
                  diagnostics_, most);
    return inventory.snapshots.size();
  };
  const size_t records = count_records(limits::kMaxSnapshots);
  const size_t named = count_named(limits::kMaxSnapshots);
  ASSERT_GT(records, 5U);
  ASSERT_GT(named, 5U);
  EXPECT_TRUE(diagnostics_.Sorted().empty());
  EXPECT_EQ(count_records(records - 1), records - 1);
  EXPECT_EQ(count_named(named - 2), named - 2);
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kRuntimeLimit), 2U);
  for (const Diagnostic& each : diagnostics_.Sorted()) {
    EXPECT_TRUE(each.detail.starts_with("kMaxSnapshots")) << each.detail;
  }
}

TEST_F(ContainerdTest, NotesABlobThatIsNotWhatItsNameSays) {
  Load("node-k8s.tar.zst");
  std::string& config = tree_.Content(
      "var/lib/containerd/io.containerd.content.v1.content/blobs/sha256/"
      "5666730cdd486dc0f75fec7db48be1c8b981108b993dc9fa834b0ea9b54ad32a");
  config += " ";
  Read();
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kRuntimeBlobMismatch), 1U);
  EXPECT_EQ(inventory_.images.size(), 3U);
}

TEST_F(ContainerdTest, RecoversASnapshotWithoutAContainer) {
  Load("node-k8s.tar.zst");
  tree_.AddDirectory(std::string(kSnapshots) + "99/fs");
  Read();
  const Container& recovered = Find("overlayfs-99");
  EXPECT_EQ(recovered.recovered, "snapshot");
  EXPECT_EQ(recovered.layers.upper->path, std::string(kSnapshots) + "99/fs");
}

TEST_F(ContainerdTest, RecoversWithoutMetadata) {
  Load("node-k8s.tar.zst");
  tree_.Remove(kMeta);
  Read();
  // Sandboxes and containers have folders of the CRI plugin, and their status.
  const Container& recon = Find(kRecon);
  EXPECT_EQ(recon.recovered, "runtime folder");
  EXPECT_EQ(recon.state, ContainerState::kExited);
  // The writable snapshots are listed by the snapshotter.
  const auto snapshots =
      std::ranges::count(inventory_.containers, std::string("snapshot"), &Container::recovered);
  EXPECT_EQ(snapshots, 8);
}

// A commit that deletes containers leaves their old pages: here the page that lists them is emptied
// by hand.
TEST_F(ContainerdTest, RecoversContainersFromStalePages) {
  Load("node-k8s.tar.zst");
  std::string& meta = tree_.Content(kMeta);
  uint64_t page = 0;
  {
    const auto database = bolt::Database::Open(std::make_unique<MemoryTree::MemoryFile>(meta),
                                               "meta.db", diagnostics_);
    ASSERT_TRUE(database);
    page = (*database)->root().Descend({"v1", "k8s.io", "containers"})->root_page();
  }
  ASSERT_GT(page, 1U);
  const size_t count = page * 4096 + offsetof(bolt::PageHeader, count);
  meta[count] = meta[count + 1] = 0;
  Read();
  const Container& webshop = Find(kWebshop);
  EXPECT_EQ(webshop.recovered, "database page");
  EXPECT_EQ(webshop.name, "webshop");
  EXPECT_EQ(webshop.pod->uid, "b425c733-eff6-4f9e-aff7-0febc1222d84");
  EXPECT_EQ(webshop.pid, 22430);
  ASSERT_TRUE(webshop.layers.upper);
  EXPECT_EQ(webshop.layers.upper->path, std::string(kSnapshots) + "9/fs");
  EXPECT_EQ(webshop.layers.lower.size(), 5U);
  const auto recovered = std::ranges::count(inventory_.containers, std::string("database page"),
                                            &Container::recovered);
  EXPECT_EQ(recovered, 8);
  EXPECT_FALSE(diagnostics_.HasLoss());
}

TEST_F(ContainerdTest, SurvivesDamagedRecords) {
  Load("node-k8s.tar.zst");
  std::string& meta = tree_.Content(kMeta);
  const std::string whole = meta;
  // Byte flips spread over the file; the bolt reader's own test does every byte of a small one.
  for (size_t at = 0; at < whole.size(); at += 997) {
    meta[at] = static_cast<char>(meta[at] ^ 0x55);
    DiagnosticSink diagnostics;
    Inventory inventory;
    EXPECT_TRUE(ReadStore(Store(), NodeFilesystems{{&tree_}}, inventory, diagnostics));
    EXPECT_LT(inventory.containers.size(), 100U);
    meta[at] = whole[at];
  }
}

}  // namespace
}  // namespace ekshume::runtime::containerd
