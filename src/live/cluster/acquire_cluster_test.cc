// SPDX-License-Identifier: Apache-2.0
#include "live/cluster/acquire_cluster.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "live/http/testing_transport.h"

namespace ekshume::live::cluster {
namespace {

using kubernetes::Json;
using testing::HasSubstr;
using testing::Not;

class AcquireClusterTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "/cluster-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
    auto transport = std::make_unique<http::TestTransport>();
    transport_ = transport.get();
    client_ = std::make_unique<kubernetes::Client>(
        kubernetes::Access{.source = "test", .server = "https://api.test:6443"},
        kubernetes::Surroundings{}, nullptr, std::move(transport), nullptr);
    AcquisitionOptions options;
    options.output_directory = root_ + "/out";
    auto begun = Acquisition::Begin(options, diagnostics_);
    ASSERT_TRUE(begun) << begun.error().message;
    acquisition_ = *std::move(begun);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::string Read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(root_ + "/out/" + name).rdbuf();
    return text.str();
  }

  std::string root_;
  DiagnosticSink diagnostics_;
  Progress progress_;
  http::TestTransport* transport_ = nullptr;
  std::unique_ptr<kubernetes::Client> client_;
  std::unique_ptr<Acquisition> acquisition_;
};

TEST_F(AcquireClusterTest, SavesWhatDiscoveryNamesAndNamesWhatIsForbidden) {
  transport_->Add(200, R"({"gitVersion":"v1.30.1"})");
  transport_->Add(200, R"({"resources":[
      {"name":"pods","kind":"Pod","verbs":["get","list"]},
      {"name":"pods/log","kind":"Pod","verbs":["get"]},
      {"name":"bindings","kind":"Binding","verbs":["create"]},
      {"name":"secrets","kind":"Secret","verbs":["list"]}]})");
  transport_->Add(200, R"({"groups":[
      {"name":"apps","preferredVersion":{"version":"v1"}},
      {"name":"events.k8s.io","preferredVersion":{"version":"v1"}},
      {"name":"../x","preferredVersion":{"version":"v1"}}]})");
  transport_->Add(200,
                  R"({"resources":[{"name":"deployments","kind":"Deployment","verbs":["list"]}]})");
  transport_->Add(200, R"({"resources":[{"name":"../y","kind":"Y","verbs":["list"]},
      {"name":"z","kind":"Z","verbs":["list"]}]})");
  transport_->Add(200,
                  R"({"items":[{"metadata":{"name":"web","managedFields":[{"manager":"m"}]}}]})");
  transport_->Add(200, R"({"items":[{"metadata":{"name":"db","annotations":
      {"kubectl.kubernetes.io/last-applied-configuration":"{\"data\":\"cGFzcw==\"}"}},
      "data":{"password":"cGFzcw=="}}]})");
  transport_->Add(403, R"({"message":"User \"ir\" cannot list resource \"deployments\""})");
  transport_->Add(200, R"({"items":[{"metadata":{"name":"one"}}]})");
  ASSERT_TRUE(AcquireCluster(*client_, *acquisition_, progress_));
  ASSERT_TRUE(acquisition_->Finish());

  const Json pod = Json::parse(Read("objects/core/pods.jsonl"), nullptr, false);
  EXPECT_EQ(pod["kind"], "Pod");
  EXPECT_EQ(pod["apiVersion"], "v1");
  EXPECT_EQ(pod["metadata"]["managedFields"][0]["manager"], "m");
  const std::string secrets = Read("objects/core/secrets.jsonl");
  EXPECT_THAT(secrets, HasSubstr("\"name\":\"db\""));
  EXPECT_THAT(secrets, HasSubstr("last-applied-configuration"));
  EXPECT_THAT(secrets, Not(HasSubstr("cGFzcw")));
  bool asked_for_metadata = false;
  for (const http::Request& request : transport_->requests) {
    if (!request.url.contains("/api/v1/secrets")) continue;
    for (const auto& [header, value] : request.headers) {
      asked_for_metadata |= header == "Accept" && value.contains("as=PartialObjectMetadataList");
    }
  }
  EXPECT_TRUE(asked_for_metadata);
  EXPECT_EQ(Read("version.json"), "{\"gitVersion\":\"v1.30.1\"}\n");

  const Json record = Json::parse(Read("acquisition.json"), nullptr, false);
  ASSERT_EQ(record["failures"].size(), 1U);
  EXPECT_EQ(record["failures"][0]["missing_permission"], "list deployments of apps");
  // Names of a server that lies lead nowhere.
  for (const Json& file : record["files"]) {
    EXPECT_THAT(file["name"].get<std::string>(), Not(HasSubstr("../")));
  }
  EXPECT_TRUE(std::filesystem::exists(root_ + "/out/objects/_.._x/z.jsonl"));
}

TEST_F(AcquireClusterTest, KeepsOnlyNamesOfASecretsAnnotations) {
  const Json kept =
      WithoutValues(Json::parse(R"({"data":{"a":"b"},"stringData":{"a":"b"},"metadata":{"name":"n",
          "labels":{"app":"web"},"annotations":{"x":"secret"}}})"));
  EXPECT_EQ(kept.dump(),
            R"({"metadata":{"annotations":{"x":""},"labels":{"app":"web"},"name":"n"}})");
}

TEST_F(AcquireClusterTest, FailsWithoutDiscovery) {
  transport_->Add(200, "{}");
  transport_->Add(401, "{}");
  EXPECT_FALSE(AcquireCluster(*client_, *acquisition_, progress_));
}

}  // namespace
}  // namespace ekshume::live::cluster
