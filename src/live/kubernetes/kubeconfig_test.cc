// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/kubeconfig.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "live/wire/json.h"

namespace ekshume::live::kubernetes {
namespace {

using testing::HasSubstr;

constexpr std::string_view kConfig = R"(
apiVersion: v1
kind: Config
current-context: prod
clusters:
- name: eks
  cluster: {server: "https://10.0.0.1:6443/", certificate-authority-data: Q0E=, tls-server-name: api.example}
- name: open
  cluster: {server: "https://[::1]:8443", insecure-skip-tls-verify: true}
users:
- name: files
  user: {client-certificate: pki/me.crt, client-key: /keys/me.key}
- name: token
  user: {token: abc, tokenFile: token.txt}
- name: plugin
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      command: aws
      args: [eks, get-token, "--cluster-name", prod]
      env: [{name: AWS_PROFILE, value: ir}]
      provideClusterInfo: true
- name: old
  user: {exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: aws}}
contexts:
- {name: prod, context: {cluster: eks, user: files, namespace: shop}}
- {name: by-token, context: {cluster: open, user: token}}
- {name: by-plugin, context: {cluster: eks, user: plugin}}
- {name: by-old, context: {cluster: eks, user: old}}
- {name: lost, context: {cluster: nowhere, user: files}}
)";

class KubeconfigTest : public testing::Test {
 protected:
  KubeconfigTest() {
    surroundings_.variable = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables_.find(name);
      if (found == variables_.end()) return std::nullopt;
      return found->second;
    };
    surroundings_.read_file = [this](const std::string& path) -> Result<std::string> {
      const auto found = files_.find(path);
      if (found == files_.end()) return Fail(ErrorCode::kNotFound, "no such file: " + path);
      return found->second;
    };
  }
  Result<Access> Find(const std::string& context = "") {
    return FindAccess({.context = context}, surroundings_);
  }

  std::map<std::string, std::string> variables_{{"HOME", "/home/ir"}};
  std::map<std::string, std::string> files_{{"/home/ir/.kube/config", std::string(kConfig)},
                                            {"/home/ir/.kube/pki/me.crt", "CERT"},
                                            {"/keys/me.key", "KEY"}};
  Surroundings surroundings_;
};

TEST_F(KubeconfigTest, ReadsTheCurrentContextWithItsFiles) {
  const auto access = Find();
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->server, "https://10.0.0.1:6443");
  EXPECT_EQ(access->source, "kubeconfig context prod");
  EXPECT_EQ(access->default_namespace, "shop");
  EXPECT_EQ(access->ca_pem, "CA");
  EXPECT_EQ(access->tls_server_name, "api.example");
  EXPECT_EQ(access->certificate_pem, "CERT");
  EXPECT_EQ(access->key_pem, "KEY");
  EXPECT_FALSE(access->insecure);
}

TEST_F(KubeconfigTest, ReadsTokensAndPlugins) {
  const auto token = Find("by-token");
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_TRUE(token->insecure);
  EXPECT_EQ(token->token, "abc");
  EXPECT_EQ(token->token_file, "/home/ir/.kube/token.txt");
  EXPECT_EQ(token->default_namespace, "default");

  const auto plugin = Find("by-plugin");
  ASSERT_TRUE(plugin && plugin->plugin);
  std::vector<std::string> ran;
  std::map<std::string, std::string> environment;
  const RunProgram run = [&](const auto& arguments, const auto& variables) -> Result<std::string> {
    ran = arguments;
    environment.insert(variables.begin(), variables.end());
    return R"({"kind":"ExecCredential","status":{"token":"t","expirationTimestamp":"2026-11-27T12:00:00Z"}})";
  };
  const auto credential = AskPlugin(*plugin, run);
  ASSERT_TRUE(credential) << credential.error().message;
  EXPECT_EQ(credential->token, "t");
  EXPECT_EQ(credential->expires->seconds, 1795780800);
  EXPECT_THAT(ran, testing::ElementsAre("aws", "eks", "get-token", "--cluster-name", "prod"));
  EXPECT_EQ(environment["AWS_PROFILE"], "ir");
  const auto info = wire::ParseJson(environment["KUBERNETES_EXEC_INFO"], "info");
  ASSERT_TRUE(info);
  EXPECT_EQ((*info)["apiVersion"], "client.authentication.k8s.io/v1beta1");
  EXPECT_EQ((*info)["spec"]["cluster"]["certificate-authority-data"], "Q0E=");

  EXPECT_FALSE(AskPlugin(*plugin, [](const auto&, const auto&) -> Result<std::string> {
    return R"({"kind":"ExecCredential","status":{}})";
  }));
}

TEST_F(KubeconfigTest, NamesWhatIsMissing) {
  EXPECT_THAT(Find("none").error().message, HasSubstr("no context 'none'"));
  EXPECT_THAT(Find("lost").error().message, HasSubstr("no cluster 'nowhere'"));
  EXPECT_THAT(Find("by-old").error().message, HasSubstr("v1alpha1"));
  files_.erase("/keys/me.key");
  EXPECT_THAT(Find().error().message, HasSubstr("/keys/me.key"));
  files_["/home/ir/.kube/config"] = "a: [";
  EXPECT_THAT(Find().error().message, HasSubstr("no kubeconfig"));
}

TEST_F(KubeconfigTest, JoinsSeveralFiles) {
  files_["/a/config"] =
      "current-context: here\ncontexts: [{name: here, context: {cluster: eks, user: token}}]";
  files_["/b/config"] = kConfig;
  variables_["KUBECONFIG"] = "/a/config:/missing:/b/config";
  const auto access = Find();
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->source, "kubeconfig context here");
  EXPECT_EQ(access->token_file, "/b/token.txt");
}

TEST_F(KubeconfigTest, FallsBackToTheServiceAccountOfThePod) {
  files_.erase("/home/ir/.kube/config");
  EXPECT_EQ(Find().error().code, ErrorCode::kNotFound);
  variables_["KUBERNETES_SERVICE_HOST"] = "fd00::1";
  variables_["KUBERNETES_SERVICE_PORT"] = "443";
  files_["/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"] = "CA";
  files_["/var/run/secrets/kubernetes.io/serviceaccount/namespace"] = "ir";
  const auto access = Find();
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->server, "https://[fd00::1]:443");
  EXPECT_EQ(access->token_file, "/var/run/secrets/kubernetes.io/serviceaccount/token");
  EXPECT_EQ(access->default_namespace, "ir");
}

TEST(RunProgram, PassesArgumentsAndTheEnvironmentWithoutAShell) {
  const auto text =
      RunProgramOfProcess({"sh", "-c", "echo \"$0 $NAME\"", "$(a)"}, {{"NAME", "b;c"}});
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text, "$(a) b;c\n");
  EXPECT_THAT(RunProgramOfProcess({"sh", "-c", "exit 3"}, {}).error().message,
              HasSubstr("status 3"));
  EXPECT_FALSE(RunProgramOfProcess({"/does/not/exist"}, {}));
}

}  // namespace
}  // namespace ekshume::live::kubernetes
