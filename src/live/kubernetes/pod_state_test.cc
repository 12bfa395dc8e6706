// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/pod_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "live/http/testing_transport.h"

namespace ekshume::live::kubernetes {
namespace {

using testing::HasSubstr;

// Saves the state of one pod from an API server that is played.
class PodStateTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "/state-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
    auto transport = std::make_unique<http::TestTransport>();
    transport_ = transport.get();
    transport_->respond = [this](const http::Request& request) -> Result<http::Answer> {
      const std::string url = request.url.substr(std::string("https://api.test").size());
      const auto found = answers_.find(url);
      if (found == answers_.end()) {
        return http::Answer{.status = 404, .headers = {}, .body = "{}"};
      }
      if (request.sink && found->second.status == 200) {
        EKSHUME_TRY(request.sink(ByteView::Of(found->second.body)));
      }
      return found->second;
    };
    client_ = std::make_unique<Client>(Access{.source = "test", .server = "https://api.test"},
                                       Surroundings{}, nullptr, std::move(transport), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void Set(const std::string& url, const std::string& body, int status = 200) {
    answers_[url] = {.status = status, .headers = {}, .body = body};
  }

  // The record of the acquisition.
  Json Save(const Json& pod) {
    AcquisitionOptions options;
    options.output_directory = root_ + "/out";
    const auto acquisition = Acquisition::Begin(options, diagnostics_);
    EXPECT_TRUE(acquisition);
    SavePodState(pod, *client_, **acquisition);
    return Json::parse((*acquisition)->Record());
  }

  Json Saved(const std::string& name) const { return Json::parse(Text(name), nullptr, false); }
  std::string Text(const std::string& name) const {
    std::ifstream file(root_ + "/out/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string root_;
  std::map<std::string, http::Answer> answers_;
  http::TestTransport* transport_ = nullptr;
  std::unique_ptr<Client> client_;
  DiagnosticSink diagnostics_;
};

TEST_F(PodStateTest, SavesOwnersBindingsEventsAndLogs) {
  const Json pod = Json::parse(R"({"metadata":{"name":"web","namespace":"shop",
      "ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-1"}]},
    "spec":{"nodeName":"node-1","serviceAccountName":"buyer","containers":[{"name":"app"}],
            "initContainers":[{"name":"init"}]},
    "status":{"containerStatuses":[{"name":"app","restartCount":2}]}})");
  Set("/apis/apps/v1/namespaces/shop/replicasets/web-1",
      R"({"metadata":{"ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"web"}]}})");
  Set("/apis/apps/v1/namespaces/shop/deployments/web", R"({"metadata":{}})");
  Set("/api/v1/nodes/node-1", R"({"kind":"Node"})");
  Set("/api/v1/namespaces/shop/serviceaccounts/buyer", R"({"kind":"ServiceAccount"})");
  Set("/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings?limit=500", R"({"items":[
      {"n":1,"subjects":[{"kind":"ServiceAccount","name":"buyer","namespace":"shop"}]},
      {"n":2,"subjects":[{"kind":"ServiceAccount","name":"buyer","namespace":"other"}]},
      {"n":3,"subjects":[{"kind":"Group","name":"system:serviceaccounts:shop"}]}]})");
  Set("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings?limit=500", R"({"items":[
      {"n":4,"subjects":[{"kind":"User","name":"system:serviceaccount:shop:buyer"}]},
      {"n":5,"subjects":[{"kind":"Group","name":"system:masters"}]}]})");
  Set("/api/v1/namespaces/shop/events?limit=500&fieldSelector="
      "involvedObject.kind%3DPod%2CinvolvedObject.name%3Dweb",
      R"({"items":[{"reason":"Started"}]})");
  const std::string log = "/api/v1/namespaces/shop/pods/web/log?container=";
  Set(log + "app&timestamps=true&previous=false", "now\n");
  Set(log + "app&timestamps=true&previous=true", "before\n");
  Set(log + "init&timestamps=true&previous=false", "began\n");
  const Json record = Save(pod);
  EXPECT_TRUE(record["failures"].empty()) << record["failures"];
  EXPECT_EQ(Saved("state/pod.json"), pod);
  EXPECT_TRUE(std::filesystem::exists(root_ + "/out/state/owner-2.json"));
  EXPECT_FALSE(std::filesystem::exists(root_ + "/out/state/owner-3.json"));
  EXPECT_EQ(Saved("state/node.json")["kind"], "Node");
  const Json bindings = Saved("state/rolebindings.json")["items"];
  ASSERT_EQ(bindings.size(), 2U);
  EXPECT_EQ(bindings[0]["n"], 1);
  EXPECT_EQ(bindings[1]["n"], 3);
  const Json cluster = Saved("state/clusterrolebindings.json")["items"];
  ASSERT_EQ(cluster.size(), 1U);
  EXPECT_EQ(cluster[0]["n"], 4);
  EXPECT_EQ(Saved("state/events.json")["items"][0]["reason"], "Started");
  EXPECT_EQ(Text("logs/app.current.log"), "now\n");
  EXPECT_EQ(Text("logs/app.previous.log"), "before\n");
  EXPECT_EQ(Text("logs/init.current.log"), "began\n");
}

TEST_F(PodStateTest, NamesWhatIsNotAllowedAndGoesOn) {
  const Json pod = Json::parse(R"({"metadata":{"name":"web","namespace":"shop"},
    "spec":{"nodeName":"node-1","containers":[{"name":"app"},{"name":"../../etc"}]},"status":{}})");
  Set("/api/v1/nodes/node-1",
      R"({"message":"nodes \"node-1\" is forbidden: User \"ir\" cannot get resource"})", 403);
  Set("/api/v1/namespaces/shop/serviceaccounts/default", R"({"kind":"ServiceAccount"})");
  const Json record = Save(pod);
  EXPECT_EQ(Saved("state/serviceaccount.json")["kind"], "ServiceAccount");
  std::string denied;
  std::string failed;
  for (const Json& failure : record["failures"]) {
    if (failure["missing_permission"].is_string()) denied += failure["missing_permission"];
    failed += failure["what"].get<std::string>() + " ";
  }
  EXPECT_EQ(denied, "get nodes");
  // A container whose name leads elsewhere is no file.
  EXPECT_THAT(failed, HasSubstr("logs/../../etc.current.log"));
  EXPECT_FALSE(std::filesystem::exists(root_ + "/etc.current.log"));
}

TEST_F(PodStateTest, FollowsOwnersThatOwnEachOtherOnlySoFar) {
  const Json pod = Json::parse(R"({"metadata":{"name":"web","namespace":"shop",
      "ownerReferences":[{"apiVersion":"x.test/v1","kind":"Ring","name":"r"}]},
    "spec":{},"status":{}})");
  Set("/apis/x.test/v1/namespaces/shop/rings/r",
      R"({"metadata":{"ownerReferences":[{"apiVersion":"x.test/v1","kind":"Ring","name":"r"}]}})");
  Save(pod);
  EXPECT_TRUE(std::filesystem::exists(root_ + "/out/state/owner-16.json"));
  EXPECT_FALSE(std::filesystem::exists(root_ + "/out/state/owner-17.json"));
}

}  // namespace
}  // namespace ekshume::live::kubernetes
