// SPDX-License-Identifier: Apache-2.0
#include "artifact/kubelet_leftovers/reader.h"

#include <gmock/gmock.h>

#include "artifact/kubelet_leftovers/certificate.h"
#include "artifact/test_support.h"

namespace ekshume::artifact::kubelet_leftovers {
namespace {

using namespace artifact::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The certificate of the node of the demonstration, which was made for it and opens nothing.
const std::string kCertificate =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIDeTCCAmGgAwIBAgIUEQFzE6Z6b29i8OX2xBDhWanMWQYwDQYJKoZIhvcNAQEL\n"
    "BQAwFTETMBEGA1UEAwwKa3ViZXJuZXRlczAeFw0yNjExMjQyMTM5NTNaFw0zNjEx\n"
    "MjEyMTM5NTNaMEcxFTATBgNVBAoMDHN5c3RlbTpub2RlczEuMCwGA1UEAwwlc3lz\n"
    "dGVtOm5vZGU6aXAtMTAtMC0xLTIzLmVjMi5pbnRlcm5hbDCCASIwDQYJKoZIhvcN\n"
    "AQEBBQADggEPADCCAQoCggEBAM9qbaSuxbCX4zOgd3h5zavco1McjexSV+GXI6hd\n"
    "i/UNj4KePih/Dls48zUK11C/cts3txkk2gcrf0Mbbt1rGhzuYtO7hq5di+bIHsWx\n"
    "s6P/dNMZw2HmJ+c+mEupsrm6P7u8ENzDKrYbjJWCG+rXoMB8Blny8da1YScZvFHK\n"
    "VP4ecuAXW5PUlD+IR6mn0HBt8r2mSMhcAAQ1OduZO0MW4QLfgu4LJzUl4FPYfKdH\n"
    "dX0wYejoDmXAN/4zCUK/uBKFiqRexzc8JJb3rZ9CLd2gcWfWyZ+zcwdLpBgHEm/A\n"
    "KGdmd1ufvyJbJBpZrwpGz4ndPKUzonGiRaWLJyS7NIUQBk0CAwEAAaOBjjCBizAq\n"
    "BgNVHREEIzAhghlpcC0xMC0wLTEtMjMuZWMyLmludGVybmFshwR/AAABMB0GA1Ud\n"
    "JQQWMBQGCCsGAQUFBwMBBggrBgEFBQcDAjAdBgNVHQ4EFgQU/3vRWDiOTg/QkC+1\n"
    "yTYFKOOv2PwwHwYDVR0jBBgwFoAU2QXzWn0p2nZb8l4Zjj3bqcQQmEEwDQYJKoZI\n"
    "hvcNAQELBQADggEBAH1U9fT7N01JEloBxE4oQSTYJWyjkphF2WrMH4E2GPyLH+Kt\n"
    "m9RQae5h+NJPTQmlwFGw9gsJN6V/xlhHO74B9qX3FGqAx+lgbR5+tV9zM6Q+UHdV\n"
    "eOaVF8YojFMYpFYPMsVn3dd7LSFmkcvAFDjdUKbQNmYeZQgSyHSLkseeLk6QntZB\n"
    "G65FqZaKEENlcfGzwVNxoiov6Qe8hVizWa9TG7jueGo5F82IyHzo9Am3gU+PzYTz\n"
    "/pOSvzHUjyp5ZsOMQ+F+dmK210ZTU/39UarHdDe+Qu1S3rNM9uWECpqz+vUHzq78\n"
    "y7JCbe8MjyB5NKBErLZiQM4xRl0DqQMpjPyB75Y=\n"
    "-----END CERTIFICATE-----\n";

// As libcni of containerd 1.6 wrote it, shortened.
const std::string kResult =
    R"({"kind":"cniCacheV1","containerId":"1fd6a2622f70409a1a07688a23ab289b8866f16553100c6d5874609728cf2ea3",)"
    R"("ifName":"eth0","networkName":"aws-cni","cniArgs":[["K8S_POD_UID","b425c733"],)"
    R"(["IgnoreUnknown","1"],["K8S_POD_NAMESPACE","shop"],["K8S_POD_NAME","webshop-588f"]],)"
    R"("result":{"ips":[{"address":"10.0.1.130/26","version":"4"}]}})";

TEST(ParseCertificatesTest, AgreesWithOpenssl) {
  const auto certificates = ParseCertificates("noise\n" + kCertificate + kCertificate);
  ASSERT_EQ(certificates.size(), 2U);
  const Certificate& certificate = certificates[0];
  EXPECT_EQ(certificate.subject, "CN=system:node:ip-10-0-1-23.ec2.internal,O=system:nodes");
  EXPECT_EQ(certificate.common_name, "system:node:ip-10-0-1-23.ec2.internal");
  EXPECT_EQ(certificate.issuer, "CN=kubernetes");
  EXPECT_EQ(certificate.fingerprint,
            "X509SHA256=3e766f4165b1785358893b7268d943ce6cb4c16c70f20b9c7a58e6c9e7e52598");
  EXPECT_EQ(certificate.not_before, ParseTimestamp("2026-11-24T21:39:53Z"));
  EXPECT_EQ(certificate.not_after, ParseTimestamp("2036-11-21T21:39:53Z"));
  EXPECT_THAT(ParseCertificates("-----BEGIN CERTIFICATE-----\nMIID\n"), IsEmpty());
}

TEST(KubeletLeftoversTest, TellsWhichPodHadWhichAddress) {
  Tree tree;
  const std::string id(64, 'a');
  tree.AddFileAt("var/lib/cni/results/aws-cni-1fd6-eth0", kResult, 1700000000);
  tree.AddFileAt("var/lib/cni/networks/aws-cni/10.0.1.130", id + "\r\neth0", 1700000001);
  tree.AddFile("var/lib/cni/networks/aws-cni/last_reserved_ip.0", "10.0.1.132");
  tree.AddFile("var/lib/cni/networks/aws-cni/lock", "");
  tree.AddFile("var/lib/cni/results/cni-loopback-1fd6-lo",
               R"({"ifName":"lo","result":{"ips":[{"address":"127.0.0.1/8"}]}})");
  Collected collected;
  Read(KubeletLeftoversFormat(), HostView(tree), collected);
  EXPECT_THAT(
      collected.Column(Text::kMessage),
      ElementsAre("Pod shop/webshop-588f got the address 10.0.1.130 on network aws-cni (eth0)",
                  "Address 10.0.1.130 of network aws-cni was given to sandbox aaaaaaaaaaaa"));
  const Row& row = collected.rows[0];
  EXPECT_EQ(row.event.time, (Timestamp{1700000000, 0}));
  EXPECT_EQ(row.event[Text::kAction], "assigned");
  EXPECT_EQ(row.event[Text::kObjectKind], "pod address");
  EXPECT_EQ(row.event[Text::kObjectName], "10.0.1.130");
  EXPECT_EQ(row.event[Text::kPod], "webshop-588f");
  EXPECT_EQ(row.event[Text::kNamespace], "shop");
  EXPECT_EQ(row.event[Text::kPodUid], "b425c733");
  EXPECT_EQ(row.event[Text::kContainerId].substr(0, 8), "1fd6a262");
  EXPECT_EQ(row.event.raw, kResult);
  EXPECT_EQ(collected.rows[1].event[Text::kContainerId], id);
  EXPECT_THAT(collected.diagnostics.Sorted(), IsEmpty());
}

TEST(KubeletLeftoversTest, ConfigurationCertificatesAndStaticPods) {
  Tree tree;
  tree.AddFile("etc/kubernetes/kubelet/kubelet-config.json",
               R"({"authentication":{"anonymous":{"enabled":true}},"authorization":)"
               R"({"mode":"AlwaysAllow"},"readOnlyPort":10255})");
  tree.AddFile("var/lib/kubelet/pki/kubelet-client-current.pem", kCertificate);
  tree.AddFile("etc/kubernetes/manifests/x.yaml",
               "metadata:\n  name: miner\n  namespace: kube-system\nspec:\n  containers:\n"
               "  - image: evil.example/x:1\n");
  tree.AddFile("var/lib/kubelet/cpu_manager_state",
               R"({"policyName":"static","entries":{"uid-1":{"web":"2-3"}}})");
  tree.AddFile("var/lib/kubelet/checkpoints/checkpoint-web_shop-web-2026.tar", "x");
  tree.AddFile("var/lib/kubelet/pods/uid-2/volumes/kubernetes.io~csi/pv/vol_data.json",
               R"({"driverName":"ebs.csi.aws.com","volumeHandle":"vol-0123"})");
  Collected collected;
  Read(KubeletLeftoversFormat(), HostView(tree), collected);
  EXPECT_THAT(
      collected.Column(Text::kMessage),
      ElementsAre("Kubelet configuration, anonymous access true, authorization AlwaysAllow, "
                  "read-only port 10255",
                  "Certificate of CN=system:node:ip-10-0-1-23.ec2.internal,O=system:nodes by "
                  "CN=kubernetes, valid until 2036-11-21T21:39:53.000000000Z",
                  "Static pod miner (evil.example/x:1)",
                  "Container web of pod uid-1 had resources of its own (cpu_manager_state)",
                  "Volume vol-0123 of driver ebs.csi.aws.com was used",
                  "Checkpoint of a container: "
                  "/var/lib/kubelet/checkpoints/checkpoint-web_shop-web-2026.tar"));
  EXPECT_EQ(collected.rows[0].event[Text::kTags], "anonymous");
  const Event& certificate = collected.rows[1].event;
  EXPECT_EQ(certificate.time, ParseTimestamp("2026-11-24T21:39:53Z"));
  EXPECT_EQ(certificate[Text::kUserName], "system:node:ip-10-0-1-23.ec2.internal");
  EXPECT_THAT(certificate[Text::kCredentialId], HasSubstr("X509SHA256=3e766f41"));
  EXPECT_EQ(collected.rows[2].event[Text::kNamespace], "kube-system");
  EXPECT_EQ(collected.rows[4].event[Text::kPodUid], "uid-2");
  EXPECT_EQ(collected.rows[5].event[Number::kSize], 1);
  EXPECT_THAT(collected.diagnostics.Sorted(), IsEmpty());
}

TEST(KubeletLeftoversTest, ReportsDamage) {
  Tree tree;
  tree.AddFile("var/lib/cni/results/x", "{");
  tree.AddFile("var/lib/cni/networks/n/10.0.0.1", "no id");
  tree.AddFile("etc/kubernetes/manifests/x.yaml", "a: [");
  Collected collected;
  Read(KubeletLeftoversFormat(), HostView(tree), collected);
  EXPECT_THAT(collected.rows, IsEmpty());
  EXPECT_EQ(collected.diagnostics.Count(DiagnosticCode::kArtifactDamaged), 3U);
}

TEST(KubeletLeftoversTest, EveryDamage) {
  ReadEveryDamage(KubeletLeftoversFormat(), "var/lib/cni/results/x", kResult);
  for (size_t i = 0; i < kCertificate.size(); ++i) {
    EXPECT_LE(ParseCertificates(std::string_view(kCertificate).substr(0, i)).size(), 1U);
    std::string copy = kCertificate;
    copy[i] = static_cast<char>(copy[i] ^ 1);
    EXPECT_LE(ParseCertificates(copy).size(), 1U);
  }
  ReadEveryDamage(KubeletLeftoversFormat(), "var/lib/kubelet/cpu_manager_state",
                  R"({"entries":{"uid-1":{"web":"2-3"}}})");
}

}  // namespace
}  // namespace ekshume::artifact::kubelet_leftovers
