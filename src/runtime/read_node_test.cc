// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/limits.h"
#include "runtime/discover.h"
#include "runtime/format.h"
#include "runtime/location.h"
#include "runtime/memory_tree.h"
#include "runtime/well_known.h"

namespace ekshume::runtime {
namespace {

const std::string kData = std::string(EKSHUME_SOURCE_DIR) + "/tests/data/runtime/";
const std::string kStopped(64, '1');
const std::string kLazy(64, '2');
const std::string kMapper(64, '3');
const std::string kSnapshotter = "io.containerd.snapshotter.v1.overlayfs";
const std::string kMetaDb = "io.containerd.metadata.v1.bolt/meta.db";

std::string Database(const std::string& name) {
  return ReadZst(kData + "synthetic/" + name + ".db.zst");
}

const Container* Find(const Inventory& inventory, const std::string& id) {
  const auto found = std::ranges::find(inventory.containers, id, &Container::id);
  return found == inventory.containers.end() ? nullptr : &*found;
}

std::vector<std::string> Paths(const std::vector<FoundStore>& stores) {
  std::vector<std::string> paths;
  for (const FoundStore& store : stores) {
    paths.push_back(std::string(store.format->name) + " " + store.location.path);
  }
  return paths;
}

class ReadNodeTest : public testing::Test {
 protected:
  Inventory Read() { return ReadNode(NodeFilesystems{{&root_, &data_}}, diagnostics_); }

  MemoryTree root_;
  MemoryTree data_;
  DiagnosticSink diagnostics_;
};

TEST_F(ReadNodeTest, JoinsPodsOfContainerd) {
  ASSERT_TRUE(root_.AddTarZst(kData + "node-k8s.tar.zst"));
  const Inventory inventory = Read();
  EXPECT_EQ(inventory.node.node_name, "ip-10-0-1-23.ec2.internal");
  EXPECT_EQ(inventory.node.region, "us-east-1");
  EXPECT_EQ(inventory.containers.size(), 8U);
  EXPECT_TRUE(std::ranges::is_sorted(inventory.containers, {}, &Container::id));
  ASSERT_EQ(inventory.pods.size(), 4U);
  const Pod& checker = inventory.pods[0];
  EXPECT_EQ(checker.name, "node-health-checker");
  EXPECT_TRUE(checker.host_network);
  EXPECT_TRUE(checker.host_pid);
  EXPECT_EQ(checker.service_account, "default");
  const Pod& recon = inventory.pods[2];
  EXPECT_EQ(recon.name, "recon");
  EXPECT_EQ(recon.recovered, "");
  const Pod& webshop = inventory.pods[3];
  EXPECT_EQ(webshop.uid, "b425c733-eff6-4f9e-aff7-0febc1222d84");
  EXPECT_EQ(webshop.service_account, "webshop");
  EXPECT_EQ(webshop.ip_address, "10.0.1.130");
  EXPECT_EQ(webshop.labels, (Labels{{"app", "webshop"}, {"pod-template-hash", "588f958f47"}}));
  EXPECT_EQ(webshop.volumes.size(), 3U);
  EXPECT_THAT(
      webshop.containers,
      testing::ElementsAre("505ea3fb5f6c6b29fcbf9af0cd36f7626a23e9f5c2b4b91443a23248257ff0ca"));
  EXPECT_THAT(webshop.log_directories, testing::SizeIs(1));
  EXPECT_FALSE(diagnostics_.HasLoss());
}

TEST_F(ReadNodeTest, JoinsPodsOfDockerByLabels) {
  ASSERT_TRUE(root_.AddTarZst(kData + "node-docker.tar.zst"));
  const Inventory inventory = Read();
  EXPECT_EQ(inventory.containers.size(), 6U);
  ASSERT_EQ(inventory.pods.size(), 3U);
  EXPECT_EQ(inventory.pods[2].name, "webshop-6d4cf56db6-x7k2p");
  EXPECT_EQ(inventory.pods[2].sandbox,
            "00bdf8cb4de38877d3be62f9fcdc716d1a746d1a23e0cf38505748831fd96270");
  EXPECT_TRUE(inventory.pods[0].host_pid);  // debug-toolbox
}

TEST_F(ReadNodeTest, AddsTheEcsAgentsTasks) {
  ASSERT_TRUE(root_.AddTarZst(kData + "node-docker.tar.zst"));
  root_.AddFile("var/lib/ecs/data/agent.db", Database("agent"));
  const Inventory inventory = Read();
  const Container* web =
      Find(inventory, "6f91804bf7239b84c75531715f19c742c743f0e6c0e1537cde31a775df1dcabd");
  ASSERT_TRUE(web != nullptr && web->ecs);
  EXPECT_EQ(web->ecs->cluster, "shop");
  EXPECT_EQ(web->ecs->task_arn,
            "arn:aws:ecs:us-east-1:123456789012:task/shop/0123456789abcdef0123456789abcdef");
  EXPECT_EQ(web->ecs->task_family, "web");
  EXPECT_EQ(web->ecs->container, "web");
  const Container* log = Find(inventory, std::string(64, '5'));
  ASSERT_TRUE(log != nullptr);
  EXPECT_EQ(log->recovered, "ECS agent");
  EXPECT_EQ(log->exit_code, 137);
  EXPECT_EQ(log->state, ContainerState::kExited);
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kRuntimeRecordDamaged), 1U);
}

TEST_F(ReadNodeTest, TakesDocker29sLayersFromContainerd) {
  root_.AddFile("var/lib/docker/engine-id", "x");
  root_.AddFile("var/lib/docker/containers/" + kStopped + "/config.v2.json",
                R"({"Name":"/web","Driver":"overlayfs","Created":"2026-01-01T00:00:00Z",
                    "ImageManifest":{"digest":"sha256:m"},"Image":"sha256:m",
                    "State":{"FinishedAt":"2026-01-02T00:00:00Z","ExitCode":1}})");
  root_.AddFile("var/lib/containerd/" + kMetaDb, Database("moby-meta"));
  root_.AddFile("var/lib/containerd/" + kSnapshotter + "/metadata.db", Database("moby-metadata"));
  for (const std::string_view id : {"1", "2", "3"}) {
    root_.AddDirectory("var/lib/containerd/" + kSnapshotter + "/snapshots/" + std::string(id) +
                       "/fs");
  }
  const Inventory inventory = Read();
  ASSERT_EQ(inventory.containers.size(), 1U);
  const Container& web = inventory.containers[0];
  EXPECT_EQ(web.runtime, "docker");
  EXPECT_EQ(web.name, "web");
  EXPECT_EQ(web.recovered, "");
  EXPECT_EQ(web.image_digest, "sha256:m");
  ASSERT_TRUE(web.layers.upper);
  EXPECT_TRUE(web.layers.upper->path.ends_with("snapshots/3/fs"));
  EXPECT_EQ(web.layers.lower.size(), 2U);
  EXPECT_EQ(web.layers.init_layer_count, 1U);
  EXPECT_FALSE(diagnostics_.HasLoss());
}

TEST_F(ReadNodeTest, FindsProxySnapshotterOnAnotherFilesystem) {
  root_.AddFile("var/lib/containerd/" + kMetaDb, Database("soci-meta"));
  data_.AddFile("soci-snapshotter-grpc/snapshotter/metadata.db", Database("soci-metadata"));
  data_.AddDirectory("soci-snapshotter-grpc/snapshotter/snapshots/1/fs");
  data_.AddDirectory("soci-snapshotter-grpc/snapshotter/snapshots/2/fs");
  const Inventory inventory = Read();
  const Container* lazy = Find(inventory, kLazy);
  ASSERT_TRUE(lazy != nullptr && lazy->layers.upper);
  EXPECT_EQ(lazy->layers.upper->filesystem, &data_);
  EXPECT_THAT(lazy->layers.missing, testing::SizeIs(1));
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kRuntimeLazySnapshot), 1U);
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kRuntimeFeatureNewer), 1U);
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kRuntimeUnsupportedSnapshotter), 1U);
  ASSERT_TRUE(Find(inventory, kMapper) != nullptr);
  EXPECT_EQ(Find(inventory, kMapper)->snapshotter, "devmapper");
  // With files in it the layer is there after all.
  data_.AddFile("soci-snapshotter-grpc/snapshotter/snapshots/1/fs/file", "");
  EXPECT_THAT(Find(Read(), kLazy)->layers.missing, testing::IsEmpty());
}

TEST_F(ReadNodeTest, GivesTheSameAnswerTwice) {
  ASSERT_TRUE(root_.AddTarZst(kData + "containerd2.tar.zst"));
  const auto describe = [](const Inventory& inventory) {
    std::string text;
    for (const auto& container : inventory.containers) text += container.id + container.name;
    for (const auto& image : inventory.images) text += image.id + image.digest;
    for (const auto& pod : inventory.pods) text += pod.uid + pod.name;
    for (const auto& snapshot : inventory.snapshots) text += snapshot.key + snapshot.owner;
    return text;
  };
  EXPECT_EQ(describe(Read()), describe(Read()));
}

TEST_F(ReadNodeTest, FindsStoresWhereverTheyLie) {
  root_.AddFile("var/lib/containerd/" + kMetaDb, "");
  root_.AddFile("var/lib/rancher/k3s/agent/containerd/" + kMetaDb, "");
  root_.AddFile("srv/odd/place/c/" + kMetaDb, "");
  root_.AddSymlink("opt/containerd", "/var/lib/containerd");  // the same again
  root_.AddFile("etc/containerd/config.toml", "version = 2\nroot = \"/big/disk/ctr\"\n");
  data_.AddFile("ctr/" + kMetaDb, "");  // what is mounted at /big/disk
  data_.AddDirectory("kubelet/pods");
  data_.AddDirectory("kubelet/pki");
  const auto stores = DiscoverStores(NodeFilesystems{{&root_, &data_}}, diagnostics_);
  EXPECT_THAT(Paths(stores),
              testing::ElementsAre("containerd srv/odd/place/c", "containerd var/lib/containerd",
                                   "containerd var/lib/rancher/k3s/agent/containerd",
                                   "containerd ctr", "kubelet kubelet"));
  EXPECT_TRUE(diagnostics_.Sorted().empty());
}

TEST_F(ReadNodeTest, FindsAVolumeThatIsTheStore) {
  data_.AddFile(kMetaDb, "");
  const auto stores = DiscoverStores(NodeFilesystems{{&root_, &data_}}, diagnostics_);
  EXPECT_THAT(Paths(stores), testing::ElementsAre("containerd "));
}

TEST_F(ReadNodeTest, SearchesWithinItsLimit) {
  for (size_t i = 0; i <= limits::kMaxSearchedDirectories; ++i) {
    root_.AddDirectory("home/" + std::to_string(i));
  }
  root_.AddFile("var/lib/containerd/" + kMetaDb, "");
  const auto stores = DiscoverStores(NodeFilesystems{{&root_}}, diagnostics_);
  EXPECT_THAT(Paths(stores), testing::ElementsAre("containerd var/lib/containerd"));
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kRuntimeSearchLimited), 1U);
}

TEST_F(ReadNodeTest, SearchesOnlySoDeep) {
  std::string path;
  for (int depth = 1; depth < limits::kMaxSearchDepth; ++depth) {
    path += "d" + std::to_string(depth) + "/";
  }
  root_.AddFile(path + "found/" + kMetaDb, "");
  const auto stores = DiscoverStores(NodeFilesystems{{&root_}}, diagnostics_);
  EXPECT_THAT(Paths(stores), testing::ElementsAre("containerd " + path + "found"));
  EXPECT_TRUE(diagnostics_.Sorted().empty());
  root_.AddFile(path + "deeper/not-found/" + kMetaDb, "");
  root_.AddFile(path + "deepest/not-found/" + kMetaDb, "");
  EXPECT_EQ(DiscoverStores(NodeFilesystems{{&root_}}, diagnostics_).size(), 1U);
  const auto reported = diagnostics_.Sorted();
  ASSERT_EQ(reported.size(), 1U) << "once a filesystem";
  EXPECT_EQ(reported[0].code, DiagnosticCode::kRuntimeSearchLimited);
  EXPECT_EQ(reported[0].evidence, "/" + path + "deeper");
  EXPECT_EQ(reported[0].detail, "kMaxSearchDepth");
}

TEST_F(ReadNodeTest, StoresAreBounded) {
  for (size_t i = 0; i < limits::kMaxStoresPerNode; ++i) {
    data_.AddFile("srv/" + std::to_string(i) + "/" + kMetaDb, "");
  }
  EXPECT_EQ(DiscoverStores(NodeFilesystems{{&data_}}, diagnostics_).size(),
            limits::kMaxStoresPerNode);
  EXPECT_TRUE(diagnostics_.Sorted().empty());
  data_.AddFile("srv/one-more/" + kMetaDb, "");
  EXPECT_EQ(DiscoverStores(NodeFilesystems{{&data_}}, diagnostics_).size(),
            limits::kMaxStoresPerNode);
  const auto reported = diagnostics_.Sorted();
  ASSERT_EQ(reported.size(), 1U);
  EXPECT_EQ(reported[0].code, DiagnosticCode::kRuntimeStoreUnreadable);
  EXPECT_EQ(reported[0].evidence, "/srv/one-more");
  EXPECT_TRUE(reported[0].detail.starts_with("kMaxStoresPerNode"));
}

TEST_F(ReadNodeTest, SaysWhichFileIsTooLargeToBeRead) {
  const auto padded = [](std::string text, size_t bytes) {
    text.resize(bytes, '\n');
    return text;
  };
  root_.AddFile("etc/hostname", padded("node-1", limits::kMaxSmallFileBytes));
  root_.AddFile("etc/machine-id", padded("0123", limits::kMaxSmallFileBytes + 1));
  root_.AddFile("etc/containerd/config.toml", padded("", limits::kMaxSmallFileBytes + 1));
  root_.AddFile("var/lib/kubelet/kubeconfig", padded("", limits::kMaxYamlBytes + 1));
  const Inventory inventory = Read();
  EXPECT_EQ(inventory.node.hostname, "node-1");
  EXPECT_EQ(inventory.node.machine_id, "");
  std::vector<std::string> reported;
  for (const Diagnostic& each : diagnostics_.Sorted()) {
    EXPECT_EQ(each.code, DiagnosticCode::kRuntimeLimit);
    reported.push_back(each.evidence + " " + each.detail.substr(0, each.detail.find(':')));
  }
  EXPECT_THAT(reported, testing::ElementsAre("/etc/containerd/config.toml kMaxSmallFileBytes",
                                             "/etc/machine-id kMaxSmallFileBytes",
                                             "/var/lib/kubelet/kubeconfig kMaxYamlBytes"));
}

// As if the stores that were read before had held as many as are kept.
TEST_F(ReadNodeTest, ContainersAreBounded) {
  ASSERT_TRUE(root_.AddTarZst(kData + "node-docker.tar.zst"));
  ASSERT_TRUE(data_.AddTarZst(kData + "node-k8s.tar.zst"));
  root_.AddFile("var/lib/ecs/data/agent.db", Database("agent"));
  const NodeFilesystems node{{&root_, &data_}};
  Inventory inventory;
  inventory.containers.resize(limits::kMaxContainers);
  inventory.pods.resize(limits::kMaxContainers);
  std::set<std::string> reported;  // formats
  for (const FoundStore& store : DiscoverStores(node, diagnostics_)) {
    const std::string name(store.format->name);
    DiagnosticSink diagnostics;
    ASSERT_TRUE(store.format->read(store.location, node, inventory, diagnostics)) << name;
    EXPECT_EQ(inventory.containers.size(), limits::kMaxContainers) << name;
    EXPECT_EQ(inventory.pods.size(), limits::kMaxContainers) << name;
    for (const Diagnostic& each : diagnostics.Sorted()) {
      if (each.code == DiagnosticCode::kRuntimeStoreUnreadable &&
          each.detail.starts_with("kMaxContainers")) {
        reported.insert(name);
      }
    }
  }
  EXPECT_THAT(reported, testing::ElementsAre("containerd", "docker", "ecs-agent", "kubelet"));
}

TEST_F(ReadNodeTest, ReportsAStoreItCannotRead) {
  root_.AddFile("var/lib/containerd/" + kMetaDb, "not a database");
  EXPECT_TRUE(Read().containers.empty());
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kRuntimeStoreUnreadable), 1U);
}

TEST_F(ReadNodeTest, ReadsAnEmptyNode) {
  const Inventory inventory = Read();
  EXPECT_TRUE(inventory.containers.empty());
  EXPECT_TRUE(inventory.pods.empty());
  EXPECT_TRUE(diagnostics_.Sorted().empty());
}

TEST(WellKnownTest, ReadsTomlAndFlags) {
  const auto values = TomlTexts(
      "version = 2\nroot = \"/a\" # comment\n# root = \"/b\"\n"
      "[plugins.\"io.containerd.snapshotter.v1.overlayfs\"]\n  root_path = '/c'\nbroken = \"x\n");
  ASSERT_EQ(values.size(), 2U);
  EXPECT_EQ(values[0].path, "/a");
  EXPECT_EQ(values[1].section, "plugins.\"io.containerd.snapshotter.v1.overlayfs\"");
  EXPECT_EQ(values[1].path, "/c");
  EXPECT_EQ(FlagValue("ExecStart=/k --root-dir=/x --v=2", "--root-dir"), "/x");
  EXPECT_EQ(FlagValue("k --root-dir /x \\\n", "--root-dir"), "/x");
  EXPECT_EQ(FlagValue("k --root-directory=/y", "--root-dir"), "");
}

}  // namespace
}  // namespace ekshume::runtime
