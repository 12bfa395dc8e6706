// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/acquire_pod.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "collection/writer.h"
#include "live/http/testing_transport.h"

namespace ekshume::live::kubernetes {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr char kContainerId[] = "c0ffee";

// A whole collection as a collector would stream it.
std::string SmallCollection() {
  class Text : public collection::ByteSink {
   public:
    Result<void> Write(ByteView bytes) override {
      text += bytes.AsText();
      return {};
    }
    std::string text;
  };
  Text sink;
  collection::WriterOptions options;
  options.stream_id[0] = 0xab;
  const auto writer = collection::Writer::Start(sink, options);
  EXPECT_TRUE((*writer)->AddText("collection.json", "{}"));
  EXPECT_TRUE((*writer)->AddText("deleted/7/exe", std::string(1000, 'x')));
  EXPECT_TRUE((*writer)->Finish(false));
  return sink.text;
}

// Plays a cluster: an API server's answers and the commands that run in its containers.
class AcquirePodTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "/pod-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
    request_.in_namespace = "shop";
    request_.pod = "web";
    request_.image = "image.test/busybox";
    request_.collecting.collector = root_ + "/collector";
    std::ofstream(request_.collecting.collector) << "a program";
    pod_ = Json::parse(R"({"metadata":{"name":"web","namespace":"shop","uid":"u-1","labels":{}},
      "spec":{"nodeName":"node-1","containers":[{"name":"app"}]},
      "status":{"phase":"Running",
                "containerStatuses":[{"name":"app","containerID":"containerd://c0ffee"}]}})");
    auto transport = std::make_unique<http::TestTransport>();
    transport_ = transport.get();
    transport_->respond = [this](const http::Request& request) { return Answer(request); };
    client_ = std::make_unique<Client>(Access{.source = "test", .server = "https://api.test"},
                                       Surroundings{}, nullptr, std::move(transport), nullptr);
    client_->SetExec([this](const Access&, const std::string&, const ExecRequest& request,
                            const Progress* progress) { return Run(request, progress); });
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  static http::Answer Json200(const Json& json) {
    return {.status = 200, .headers = {}, .body = json.dump()};
  }

  Result<http::Answer> Answer(const http::Request& request) {
    const std::string path = request.url.substr(std::string("https://api.test").size());
    calls_.push_back(request.method + " " + path.substr(0, path.find('?')));
    const std::string& call = calls_.back();
    for (const auto& [part, answer] : answers_) {
      if (call.find(part) != std::string::npos) return answer;
    }
    if (call.ends_with("/selfsubjectaccessreviews")) {
      const Json asked = Json::parse(request.body)["spec"]["resourceAttributes"];
      std::string resource = asked["resource"];
      if (asked["subresource"] != "") resource += "/" + asked["subresource"].get<std::string>();
      const std::string permission = asked["verb"].get<std::string>() + " " + resource + " " +
                                     asked["namespace"].get<std::string>();
      return Json200({{"status", {{"allowed", !denied_.contains(permission)}}}});
    }
    if (call == "GET /api/v1/namespaces/shop/pods/web") return Json200(pod_);
    if (call.find("/ephemeralcontainers") != std::string::npos) {
      const Json body = Json::parse(request.body);
      const Json& at = body.contains("spec") ? body["spec"] : body;
      if (body.contains("spec") != takes_pods_) return Json200(Json::object());
      pod_["status"]["ephemeralContainerStatuses"] = {
          {{"name", at["ephemeralContainers"][0]["name"]}, {"state", ephemeral_state_}}};
      return Json200(body);
    }
    if (request.method == "POST" && call.ends_with("/pods")) return Json200(Json::object());
    if (call.find("/ekshume/pods/collect-") != std::string::npos) return Json200(our_pod_);
    if (request.method == "GET" && call.find("/log") == std::string::npos) {
      return Json200({{"items", Json::array()}});
    }
    return Json200(Json::object());
  }

  Result<ExecOutcome> Run(const ExecRequest& request, const Progress* progress) {
    std::string command;
    for (const std::string& word : request.command) command += word + " ";
    commands_.push_back(request.path + " " + request.container + " " + command);
    if (progress != nullptr && progress->cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
    if (exec_error_) return *exec_error_;
    const auto print = [&](const std::string& text) { return request.output(ByteView::Of(text)); };
    if (command.find("/dev/shm /run") != std::string::npos) {
      EKSHUME_TRY(print("/dev/shm/.ekshume\n"));
    } else if (command.find("--memory") != std::string::npos) {
      if (cancel_in_stream_) {
        EKSHUME_TRY(print(stream_.substr(0, stream_.size() / 2)));
        progress_.Cancel();
        return Fail(ErrorCode::kCancelled, "stopped");
      }
      EKSHUME_TRY(print(stream_));
    }
    return ExecOutcome{.protocol = "v5.channel.k8s.io", .exit_code = 0, .errors = ""};
  }

  Result<void> Acquire(const std::string& name = "out") {
    AcquisitionOptions options;
    options.output_directory = root_ + "/" + name;
    options.kind = "pod";
    auto acquisition = Acquisition::Begin(options, diagnostics_);
    EXPECT_TRUE(acquisition);
    const Result<void> done =
        AcquirePod(request_, *client_, **acquisition, diagnostics_, progress_);
    EXPECT_TRUE((*acquisition)->Finish());
    record_ = Json::parse((*acquisition)->Record());
    return done;
  }

  // The bodies of all patches so far.
  std::vector<std::string> Patches() const {
    std::vector<std::string> bodies;
    for (const http::Request& request : transport_->requests) {
      if (request.method == "PATCH") bodies.push_back(request.body);
    }
    return bodies;
  }

  bool WasAcquired(const std::string& name) const {
    return std::filesystem::exists(root_ + "/out/" + name);
  }

  std::string root_;
  PodRequest request_;
  Json pod_;
  Json our_pod_ = {{"status", {{"phase", "Running"}}}};
  Json ephemeral_state_ = {{"running", Json::object()}};
  bool takes_pods_ = true;
  bool cancel_in_stream_ = false;
  std::map<std::string, http::Answer> answers_;  // for calls that hold the key
  std::set<std::string> denied_;                 // "create pods/exec ekshume"
  std::optional<Error> exec_error_;
  std::string stream_ = SmallCollection();
  http::TestTransport* transport_ = nullptr;
  std::unique_ptr<Client> client_;
  DiagnosticSink diagnostics_;
  Progress progress_;
  std::vector<std::string> calls_;
  std::vector<std::string> commands_;
  Json record_;
};

TEST_F(AcquirePodTest, TakesTheNodeFirstAndDeletesItsPod) {
  ASSERT_TRUE(Acquire());
  EXPECT_EQ(record_["method"], "collector in a privileged pod on the node, over exec");
  EXPECT_EQ(record_["method_reason"], "the most complete way, and allowed");
  EXPECT_EQ(record_["notes"]["channel"], "node");
  EXPECT_THAT(record_["notes"]["checked"].get<std::string>(), HasSubstr("1 parts, 3 members"));
  EXPECT_TRUE(WasAcquired("collection/part-1.ekc"));
  EXPECT_TRUE(WasAcquired("state/pod.json"));
  EXPECT_THAT(calls_, Contains(testing::StartsWith("DELETE /api/v1/namespaces/ekshume/pods/")));
  EXPECT_THAT(commands_, Contains(HasSubstr("--root /host --pod-uid u-1 --memory none")));
}

TEST_F(AcquirePodTest, GoesOnWhenPermissionsAreMissing) {
  denied_ = {"create pods ekshume", "patch pods/ephemeralcontainers shop"};
  ASSERT_TRUE(Acquire());
  EXPECT_EQ(record_["notes"]["channel"], "exec");
  EXPECT_EQ(record_["method_reason"],
            "not by node: the permission to create pods in namespace ekshume is missing; not by "
            "ephemeral: the permission to patch pods/ephemeralcontainers in namespace shop is "
            "missing");
  EXPECT_THAT(record_["failures"], IsEmpty());
  EXPECT_THAT(calls_, Not(Contains(testing::StartsWith("DELETE"))));
  // What was brought into the container is ended and taken away.
  EXPECT_THAT(commands_.back(), HasSubstr("rm -f /dev/shm/.ekshume-"));
}

TEST_F(AcquirePodTest, GoesOnWhenAChannelFailsAndCleansUp) {
  our_pod_ = {{"status", {{"phase", "Failed"}}}};
  ASSERT_TRUE(Acquire());
  EXPECT_EQ(record_["notes"]["channel"], "ephemeral");
  ASSERT_EQ(record_["failures"].size(), 1U);
  EXPECT_EQ(record_["failures"][0]["what"], "by node");
  EXPECT_THAT(record_["notes"]["not_by_node"].get<std::string>(), HasSubstr("does not run"));
  EXPECT_THAT(calls_, Contains(testing::StartsWith("DELETE /api/v1/namespaces/ekshume/pods/")));
  EXPECT_THAT(record_["notes"]["left_in_pod"].get<std::string>(), HasSubstr("stays in the pod"));
  EXPECT_THAT(commands_.back(), HasSubstr("kill $(cat /tmp/.ekshume-pid)"));
  EXPECT_TRUE(diagnostics_.HasLoss());
}

TEST_F(AcquirePodTest, StaysWithTheChannelThatIsAskedFor) {
  our_pod_ = {{"status", {{"phase", "Failed"}}}};
  request_.via = "node";
  const auto done = Acquire();
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("only the pod's objects and logs were acquired"));
  EXPECT_THAT(commands_, IsEmpty());
  request_.via = "exec";
  denied_ = {"get pods/exec shop"};
  EXPECT_EQ(MissingPermission(Acquire("other").error()), "get pods/exec in namespace shop");
}

TEST_F(AcquirePodTest, PutsAnEphemeralContainerInBothForms) {
  request_.via = "ephemeral";
  ASSERT_TRUE(Acquire());
  Json sent = Json::parse(Patches().back());
  EXPECT_EQ(sent["spec"]["ephemeralContainers"][0]["targetContainerName"], "app");
  EXPECT_THAT(commands_, Contains(HasSubstr(std::string("--container ") + kContainerId)));
  // Before 1.22 the subresource is of a kind of its own.
  takes_pods_ = false;
  answers_["GET /version"] = Json200({{"major", "1"}, {"minor", "20+"}});
  ASSERT_TRUE(Acquire("old"));
  EXPECT_EQ(Patches().size(), 2U);
  sent = Json::parse(Patches().back());
  EXPECT_EQ(sent["ephemeralContainers"][0]["image"], "image.test/busybox");
  // A server that does not say its version shows by its answer what it takes.
  answers_["GET /version"] = Json200(Json::object());
  ASSERT_TRUE(Acquire("silent"));
  EXPECT_EQ(Patches().size(), 4U);
}

TEST_F(AcquirePodTest, NamesWhyAnEphemeralContainerDoesNotRun) {
  request_.via = "ephemeral";
  ephemeral_state_ = {{"terminated", {{"reason", "Error"}, {"message", "no such image"}}}};
  EXPECT_THAT(Acquire().error().message, HasSubstr("does not run: Error: no such image"));
  answers_["/ephemeralcontainers"] = {.status = 404, .headers = {}, .body = "{}"};
  EXPECT_THAT(Acquire("gone").error().message, HasSubstr("has no ephemeral containers"));
}

TEST_F(AcquirePodTest, DoesWithoutACapabilityThatAdmissionRefuses) {
  request_.via = "ephemeral";
  int tries = 0;
  const auto usual = transport_->respond;
  transport_->respond = [&](const http::Request& sent) -> Result<http::Answer> {
    if (sent.method == "PATCH" && ++tries == 1) {
      return http::Answer{
          .status = 403,
          .headers = {},
          .body =
              R"({"message":"violates PodSecurity \"baseline\": must not add \"SYS_PTRACE\""})"};
    }
    return usual(sent);
  };
  ASSERT_TRUE(Acquire());
  EXPECT_EQ(tries, 2);
  EXPECT_EQ(record_["notes"]["ephemeral_without"], "SYS_PTRACE, which admission refuses");
}

TEST_F(AcquirePodTest, DoesWithoutASecurityContextThatOldServersRefuse) {
  request_.via = "ephemeral";
  int tries = 0;
  const auto usual = transport_->respond;
  transport_->respond = [&](const http::Request& sent) -> Result<http::Answer> {
    if (sent.body.find("securityContext") == std::string::npos) return usual(sent);
    ++tries;
    return http::Answer{
        .status = 422,
        .headers = {},
        .body = R"({"message":"spec.ephemeralContainers[0].securityContext: Forbidden"})"};
  };
  ASSERT_TRUE(Acquire());
  EXPECT_EQ(tries, 1);
  EXPECT_EQ(record_["notes"]["ephemeral_without"], "a security context, which is refused");
}

TEST_F(AcquirePodTest, KeepsWhatCameWhenItIsStoppedAndGoesOn) {
  cancel_in_stream_ = true;
  EXPECT_EQ(Acquire().error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(WasAcquired("collection/part-1.ekc"));
  EXPECT_THAT(calls_.back(), testing::StartsWith("DELETE /api/v1/namespaces/ekshume/pods/"));
  EXPECT_EQ(record_["notes"].contains("not_by_node"), false);
  Progress again;
  cancel_in_stream_ = false;
  request_.resume = root_ + "/out";
  AcquisitionOptions options;
  options.output_directory = root_ + "/again";
  options.kind = "pod";
  const auto acquisition = Acquisition::Begin(options, diagnostics_);
  const auto done = AcquirePod(request_, *client_, **acquisition, diagnostics_, again);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(std::filesystem::exists(root_ + "/again/collection/part-1.ekc"));
  EXPECT_TRUE(std::filesystem::exists(root_ + "/again/collection/part-2.ekc"));
  EXPECT_THAT(commands_, Contains(HasSubstr("--skip - --resumes ab00")));
}

TEST_F(AcquirePodTest, GoesOnOnlyWithWhatIsOfThisPod) {
  ASSERT_TRUE(Acquire());
  request_.resume = root_ + "/out";
  pod_["metadata"]["uid"] = "u-2";
  EXPECT_THAT(Acquire("other").error().message, HasSubstr("is of another pod"));
  pod_["metadata"]["uid"] = "u-1";
  std::ofstream(root_ + "/out/collection/part-1.ekc", std::ios::app) << "more";
  EXPECT_THAT(Acquire("changed").error().message, HasSubstr("not the SHA-256 of its record"));
  request_.resume = root_;
  EXPECT_EQ(Acquire("none").error().code, ErrorCode::kInvalidArgument);
}

TEST_F(AcquirePodTest, SaysWhichContainersAChannelLeavesOut) {
  pod_["spec"]["containers"].push_back({{"name", "sidecar"}});
  request_.via = "exec";
  ASSERT_TRUE(Acquire());
  ASSERT_EQ(record_["failures"].size(), 1U);
  EXPECT_EQ(record_["failures"][0]["what"], "1 other containers of the pod");
  request_.container = "sidecar";
  ASSERT_TRUE(Acquire("one"));
  EXPECT_TRUE(record_["failures"].empty());
  request_.container = "";
  request_.via = "node";
  ASSERT_TRUE(Acquire("node"));
  EXPECT_TRUE(record_["failures"].empty());
}

TEST_F(AcquirePodTest, WarnsOfFargate) {
  pod_["spec"]["nodeName"] = "fargate-ip-10-0-0-1.ec2.internal";
  ASSERT_TRUE(Acquire());
  EXPECT_EQ(record_["notes"]["channel"], "ephemeral");
  EXPECT_THAT(record_["method_reason"].get<std::string>(), HasSubstr("beside one on Fargate"));
  EXPECT_THAT(record_["notes"]["warning"].get<std::string>(), HasSubstr("It was acquired"));
  exec_error_ = Fail(ErrorCode::kUnsupported, "no shell");
  EXPECT_FALSE(Acquire("other"));
  EXPECT_THAT(record_["notes"]["warning"].get<std::string>(), HasSubstr("do not delete it yet"));
}

TEST_F(AcquirePodTest, DoesNotUseANodeThatIsNotReady) {
  answers_["GET /api/v1/nodes/node-1"] = Json200(
      {{"status",
        {{"conditions",
          {{{"type", "Ready"}, {"status", "Unknown"}, {"message", "kubelet is silent"}}}}}}});
  ASSERT_TRUE(Acquire());
  EXPECT_THAT(record_["notes"]["not_by_node"].get<std::string>(),
              HasSubstr("node-1 is not ready: kubelet is silent"));
}

TEST_F(AcquirePodTest, SaysWhatACheckpointNeeds) {
  request_.via = "checkpoint";
  answers_["/proxy/checkpoint/shop/web/app"] = {.status = 404, .headers = {}, .body = "404"};
  EXPECT_THAT(Acquire().error().message, HasSubstr("needs Kubernetes 1.30"));
  answers_["/proxy/checkpoint/shop/web/app"] = {
      .status = 500, .headers = {}, .body = R"({"message":"criu binary not found in path"})"};
  EXPECT_THAT(Acquire("two").error().message, HasSubstr("the program criu on the node"));
  answers_["/proxy/checkpoint/shop/web/app"] = Json200({{"items", {"/etc/../shadow; rm"}}});
  EXPECT_THAT(Acquire("three").error().message, HasSubstr("answers with no checkpoint"));
  denied_ = {"create nodes/proxy "};
  EXPECT_EQ(MissingPermission(Acquire("four").error()), "create nodes/proxy");
}

TEST_F(AcquirePodTest, FetchesACheckpointAndComparesIt) {
  request_.via = "checkpoint";
  answers_["/proxy/checkpoint/shop/web/app"] =
      Json200({{"items", {"/var/lib/kubelet/checkpoints/checkpoint-web_shop-app-1.tar"}}});
  std::string said;
  client_->SetExec([&](const Access&, const std::string&, const ExecRequest& request,
                       const Progress*) -> Result<ExecOutcome> {
    const bool reads = request.command[0] == "cat";
    const bool asks = request.command.back().find("sha256sum") != std::string::npos;
    if (reads) EKSHUME_TRY(request.output(ByteView::Of("abc")));
    if (asks) EKSHUME_TRY(request.output(ByteView::Of(said)));
    commands_.push_back(request.command.back());
    return ExecOutcome{};
  });
  said = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  -\n3\n";
  ASSERT_TRUE(Acquire());
  EXPECT_TRUE(WasAcquired("checkpoint/app.tar"));
  EXPECT_THAT(commands_.back(), HasSubstr("rm -f /proc/1/root/var/lib/kubelet/checkpoints/"));
  said = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  -\n4\n";
  EXPECT_THAT(Acquire("short").error().message, HasSubstr("is not what the node has"));
}

TEST_F(AcquirePodTest, AcquiresAPodThatDoesNotRunByTheNodeOnly) {
  pod_["status"]["phase"] = "Succeeded";
  denied_ = {"create pods ekshume"};
  EXPECT_THAT(Acquire().error().message, HasSubstr("the pod does not run (Succeeded)"));
}

}  // namespace
}  // namespace ekshume::live::kubernetes
