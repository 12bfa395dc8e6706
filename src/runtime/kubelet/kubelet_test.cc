// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/kubelet/configuration.h"
#include "runtime/kubelet/identity.h"
#include "runtime/kubelet/logs.h"
#include "runtime/kubelet/manifests.h"
#include "runtime/kubelet/store.h"
#include "runtime/memory_tree.h"

namespace ekshume::runtime::kubelet {
namespace {

const std::string kUid = "b425c733-eff6-4f9e-aff7-0febc1222d84";
const std::string kId(64, 'a');

class KubeletTest : public testing::Test {
 protected:
  NodeFilesystems Node() const { return {{&tree_}}; }

  MemoryTree tree_;
  Inventory inventory_;
  DiagnosticSink diagnostics_;
};

TEST_F(KubeletTest, ReadsPodFolders) {
  const std::string pod = "var/lib/kubelet/pods/" + kUid;
  tree_.AddDirectory("var/lib/kubelet/pki");
  tree_.AddFile(pod + "/etc-hosts",
                "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost\n"
                "fe00::0\tip6-localnet\n10.0.1.131\tdb-0.db.shop.svc.cluster.local\tdb-0\n"
                "\n# Entries added by HostAliases.\n1.2.3.4\tevil\n");
  tree_.AddDirectory(pod + "/volumes/kubernetes.io~secret/token");
  tree_.AddDirectory(pod + "/volumes/kubernetes.io~empty-dir/cache");
  tree_.AddDirectory(pod + "/containers/redis");
  EXPECT_TRUE(kFormat.sniff({&tree_, "var/lib/kubelet"}));
  EXPECT_FALSE(kFormat.sniff({&tree_, "var/lib"}));
  ASSERT_TRUE(ReadStore({&tree_, "var/lib/kubelet"}, Node(), inventory_, diagnostics_));
  ASSERT_EQ(inventory_.pods.size(), 1U);
  const Pod& read = inventory_.pods[0];
  EXPECT_EQ(read.uid, kUid);
  EXPECT_EQ(read.ip_address, "10.0.1.131");
  EXPECT_EQ(read.hostname, "db-0");
  EXPECT_EQ(read.recovered, "pod folder");
  ASSERT_EQ(read.volumes.size(), 2U);
  EXPECT_EQ(read.volumes[0].name, "cache");
  EXPECT_FALSE(read.volumes[0].in_memory);
  EXPECT_TRUE(read.volumes[1].in_memory);
  // Nothing else knows this container.
  ASSERT_EQ(inventory_.containers.size(), 1U);
  EXPECT_EQ(inventory_.containers[0].id, kUid + "/redis");
  EXPECT_EQ(inventory_.containers[0].recovered, "pod folder");
}

TEST_F(KubeletTest, KnowsPodsOfTheHostNetwork) {
  tree_.AddFile("k/pods/" + kUid + "/etc-hosts",
                "# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n");
  ASSERT_TRUE(ReadStore({&tree_, "k"}, Node(), inventory_, diagnostics_));
  EXPECT_TRUE(inventory_.pods.at(0).host_network);
}

TEST_F(KubeletTest, RecoversContainersFromLogs) {
  const std::string pod = "/var/log/pods/shop_web-1_" + kUid;
  tree_.AddFile(pod + "/web/3.log", "");
  tree_.AddFile(pod + "/web/2.log.20261124-000000.gz", "");
  tree_.AddFile(pod + "/sidecar/0.log", "");
  tree_.AddSymlink("var/log/containers/web-1_shop_web-" + kId + ".log", pod + "/web/3.log");
  tree_.AddSymlink("var/log/containers/garbage", "nowhere");
  ReadPodLogs(Node(), inventory_, diagnostics_);
  ASSERT_EQ(inventory_.pods.size(), 1U);
  EXPECT_EQ(inventory_.pods[0].name, "web-1");
  EXPECT_EQ(inventory_.pods[0].namespace_name, "shop");
  EXPECT_EQ(inventory_.pods[0].uid, kUid);
  ASSERT_EQ(inventory_.containers.size(), 2U);
  EXPECT_EQ(inventory_.containers[0].id, kId);
  EXPECT_EQ(inventory_.containers[0].restart_count, 3);
  EXPECT_EQ(inventory_.containers[0].recovered, "log directory");
  EXPECT_EQ(inventory_.containers[1].id, kUid + "/sidecar");
  EXPECT_EQ(inventory_.containers[1].log_path, pod + "/sidecar");
}

TEST_F(KubeletTest, AddsNothingThatIsKnown) {
  const std::string pod = "/var/log/pods/shop_web-1_" + kUid;
  tree_.AddFile(pod + "/web/0.log", "");
  tree_.AddSymlink("var/log/containers/web-1_shop_web-" + kId + ".log", pod + "/web/0.log");
  inventory_.containers.push_back({.id = kId, .pod = PodReference{"web-1", "shop", kUid, "web"}});
  ReadPodLogs(Node(), inventory_, diagnostics_);
  EXPECT_EQ(inventory_.containers.size(), 1U);
}

TEST_F(KubeletTest, ReadsStaticPods) {
  tree_.AddFile("etc/kubernetes/manifests/proxy.yaml",
                "apiVersion: v1\nkind: Pod\nmetadata:\n  name: proxy\n  namespace: kube-system\n"
                "spec:\n  hostNetwork: true\n  serviceAccountName: proxy-sa\n");
  tree_.AddFile("etc/kubernetes/manifests/broken.yaml", "a: [");
  tree_.AddFile("etc/kubernetes/manifests/.hidden", "kind: Pod\nmetadata: {name: hidden}\n");
  tree_.AddFile("etc/kubernetes/kubelet/config.json", R"({"staticPodPath":"/opt/static"})");
  tree_.AddFile("opt/static/other.yaml", "kind: Pod\nmetadata: {name: other}\n");
  inventory_.node.node_name = "node-1";
  inventory_.pods.push_back({.name = "proxy-node-1", .namespace_name = "kube-system"});
  ReadStaticPods(Node(), inventory_, diagnostics_);
  ASSERT_EQ(inventory_.pods.size(), 2U);
  EXPECT_TRUE(inventory_.pods[0].is_static);
  EXPECT_TRUE(inventory_.pods[0].host_network);
  EXPECT_EQ(inventory_.pods[0].service_account, "proxy-sa");
  EXPECT_EQ(inventory_.pods[1].name, "other");
  EXPECT_EQ(inventory_.pods[1].namespace_name, "default");
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kRuntimeRecordDamaged), 1U);
}

TEST_F(KubeletTest, ReadsTheIdentityOfAnEksNode) {
  tree_.AddFile("etc/hostname", "ip-10-0-1-23.eu-west-1.compute.internal\n");
  tree_.AddFile("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
  tree_.AddFile("etc/os-release", "NAME=\"Amazon Linux\"\nPRETTY_NAME=\"Amazon Linux 2023\"\n");
  tree_.AddDirectory("usr/lib/modules/6.1.9-1.amzn2023");
  tree_.AddDirectory("usr/lib/modules/6.1.10-1.amzn2023");
  tree_.AddFile("etc/eks/containerd-version.txt", "1.7.27\n");
  tree_.AddFile("etc/eks/kubelet-version.txt", "v1.31.4-eks-aeac579\n");
  tree_.AddFile("var/lib/cloud/data/instance-id", "i-0123456789abcdef0\n");
  tree_.AddFile("etc/eks/kubelet/environment",
                "NODEADM_KUBELET_ARGS=--hostname-override=i-0123 "
                "--node-labels=role=web,eks.amazonaws.com/nodegroup=ng-1 --v=2\n");
  tree_.AddFile("var/lib/kubelet/kubeconfig", R"(
clusters:
- name: kubernetes
  cluster: {server: "https://ABCDEF.gr7.eu-west-1.eks.amazonaws.com"}
users:
- name: kubelet
  user:
    exec:
      command: aws
      args: [eks, get-token, --cluster-name, prod, --region, eu-west-1]
)");
  const NodeIdentity identity = ReadNodeIdentity(Node(), diagnostics_);
  EXPECT_EQ(identity.hostname, "ip-10-0-1-23.eu-west-1.compute.internal");
  EXPECT_EQ(identity.node_name, "i-0123");
  EXPECT_EQ(identity.cluster, "prod");
  EXPECT_EQ(identity.region, "eu-west-1");
  EXPECT_EQ(identity.api_server, "https://ABCDEF.gr7.eu-west-1.eks.amazonaws.com");
  EXPECT_EQ(identity.instance_id, "i-0123456789abcdef0");
  EXPECT_EQ(identity.operating_system, "Amazon Linux 2023");
  EXPECT_EQ(identity.kernel, "6.1.10-1.amzn2023");
  EXPECT_EQ(identity.container_runtime, "containerd 1.7.27");
  EXPECT_EQ(identity.kubelet_version, "v1.31.4-eks-aeac579");
  EXPECT_EQ(identity.labels, (Labels{{"role", "web"}, {"eks.amazonaws.com/nodegroup", "ng-1"}}));
}

TEST_F(KubeletTest, ReadsClusterFromUserData) {
  const std::string user_data = "var/lib/cloud/instances/i-07/user-data.txt";
  tree_.AddFile(user_data,
                "--B\nContent-Type: application/node.eks.aws\n\napiVersion: node.eks.aws/v1alpha1\n"
                "kind: NodeConfig\nspec:\n  cluster:\n    apiServerEndpoint: https://x\n"
                "    name: \"shop-prod\"\n--B--\n");
  EXPECT_EQ(ReadNodeIdentity(Node(), diagnostics_).cluster, "shop-prod");
  EXPECT_EQ(ReadNodeIdentity(Node(), diagnostics_).instance_id, "i-07");
  tree_.AddFile(user_data, "#!/bin/bash\n/etc/eks/bootstrap.sh 'old-cluster' --b64 x\n");
  EXPECT_EQ(ReadNodeIdentity(Node(), diagnostics_).cluster, "old-cluster");
}

TEST_F(KubeletTest, TakesTheNodesNameFromItsCertificate) {
  MemoryTree tree;
  ASSERT_TRUE(
      tree.AddTarZst(std::string(EKSHUME_SOURCE_DIR) + "/tests/data/runtime/node-k8s.tar.zst"));
  EXPECT_EQ(ReadConfiguration({{&tree}}, diagnostics_).node_name, "ip-10-0-1-23.ec2.internal");
}

TEST(RegionTest, ComesFromHostNames) {
  EXPECT_EQ(RegionOfHostName("ABC.gr7.us-east-1.eks.amazonaws.com:443"), "us-east-1");
  EXPECT_EQ(RegionOfHostName("ip-10-0-0-1.eu-west-1.compute.internal"), "eu-west-1");
  EXPECT_EQ(RegionOfHostName("ip-10-0-0-1.ec2.internal"), "us-east-1");
  EXPECT_EQ(RegionOfHostName("127.0.0.1:6443"), "");
  EXPECT_EQ(RegionOfHostName("a.compute.example"), "");
}

TEST_F(KubeletTest, SurvivesEveryTruncationAndByteFlipOfAKubeconfig) {
  const std::string whole =
      "clusters: [{cluster: {server: \"https://a.us-east-1.eks.x\"}}]\n"
      "users:\n- user:\n    client-certificate-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSQ==\n"
      "    exec: {args: [--cluster-name, c, --region, r], env: [{name: AWS_REGION, value: v}]}\n";
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {0, 0x01, 0x20, 0x80}) {
      std::string damaged = flip == 0 ? whole.substr(0, at) : whole;
      if (flip != 0) damaged[at] = static_cast<char>(damaged[at] ^ flip);
      tree_.AddFile("var/lib/kubelet/kubeconfig", damaged);
      tree_.AddFile("etc/kubernetes/manifests/a.yaml", damaged);
      DiagnosticSink diagnostics;
      Inventory inventory;
      inventory.node = ReadNodeIdentity(Node(), diagnostics);
      ReadStaticPods(Node(), inventory, diagnostics);
      ASSERT_TRUE(inventory.pods.empty());
    }
  }
}

}  // namespace
}  // namespace ekshume::runtime::kubelet
