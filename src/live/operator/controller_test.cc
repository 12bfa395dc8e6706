// SPDX-License-Identifier: Apache-2.0
#include "live/operator/controller.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "live/http/testing_transport.h"

namespace ekshume::live::operators {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Timestamp kNoon{1795780800, 0};  // 2026-11-27T12:00:00Z

// The API server's part: objects with versions, conflicts, merge patches of status.
class Api {
 public:
  Result<http::Answer> Serve(const http::Request& request) {
    const size_t query = request.url.find('?');
    const std::string path = request.url.substr(0, query).substr(request.url.find("/apis"));
    if (request.url.find("watch=1") != std::string::npos) return Watch(request);
    if (request.method == "PATCH") return Patch(path, request);
    if (path.ends_with("/podcheckpoints")) {
      ++lists;
      Json list = {{"metadata", {{"resourceVersion", std::to_string(version)}}},
                   {"items", Json::array()}};
      for (const auto& [name, object] : objects) list["items"].push_back(object);
      return http::Answer{200, {}, list.dump()};
    }
    const auto found = objects.find(path.substr(path.rfind('/') + 1));
    if (found == objects.end()) return http::Answer{404, {}, "{}"};
    return http::Answer{200, {}, found->second.dump()};
  }
  Result<http::Answer> Watch(const http::Request& request) {
    watched.push_back(request.url);
    if (on_watch) on_watch();
    if (!watch_body.empty()) {
      const std::string body = watch_body;
      watch_body.clear();
      EKSHUME_TRY(request.sink(ByteView::Of(body)));
    }
    return http::Answer{200, {}, ""};
  }
  Result<http::Answer> Patch(const std::string& path, const http::Request& request) {
    const std::string whole = path.substr(0, path.rfind("/status"));
    Json& object = objects[whole.substr(whole.rfind('/') + 1)];
    const Json patch = Json::parse(request.body);
    patches.push_back(patch["status"]);
    if (before_patch) before_patch();
    if (patch["metadata"]["resourceVersion"] != object["metadata"]["resourceVersion"]) {
      return http::Answer{409, {}, R"({"message":"the object has been modified"})"};
    }
    object.merge_patch(patch);
    object["metadata"]["resourceVersion"] = std::to_string(++version);
    return http::Answer{200, {}, object.dump()};
  }
  void Add(const std::string& name, const std::string& pod, Json status = Json::object()) {
    objects[name] = {{"metadata",
                      {{"name", name},
                       {"namespace", "ekshume"},
                       {"uid", "u-" + name},
                       {"resourceVersion", std::to_string(++version)}}},
                     {"spec", {{"pod", pod}, {"namespace", "shop"}}},
                     {"status", std::move(status)}};
  }

  std::map<std::string, Json> objects;
  std::vector<Json> patches;
  std::vector<std::string> watched;
  std::function<void()> on_watch;
  std::function<void()> before_patch;
  std::string watch_body;
  int version = 10;
  int lists = 0;
};

class ControllerTest : public testing::Test {
 protected:
  ControllerTest() {
    options_.in_namespace = "ekshume";
    options_.identity = "me";
    options_.destinations = {"s3://evidence/ir"};
    options_.once = true;
    options_.say = [this](const std::string& line) { said_ += line + "\n"; };
    options_.now = [] { return kNoon; };
    options_.acquire = [this](const Checkpoint& checkpoint,
                              const aws::S3Place& place) -> Result<End> {
      acquired_.push_back(fmt::format("{} to {}/{}", checkpoint.pod, place.bucket, place.key));
      return End{.succeeded = true,
                 .reason = "Acquired",
                 .message = "acquired",
                 .location = "s3://evidence/x",
                 .sha256 = "00"};
    };
  }
  std::unique_ptr<kubernetes::Client> MakeClient() {
    auto transport = std::make_unique<http::TestTransport>();
    transport->respond = [this](const http::Request& request) { return api_.Serve(request); };
    return std::make_unique<kubernetes::Client>(
        kubernetes::Access{.source = "test", .server = "https://api.test"},
        kubernetes::Surroundings{}, nullptr, std::move(transport), &progress_);
  }
  Result<void> RunIt() {
    const auto client = MakeClient();
    return RunController(options_, *client, MakeClient(), progress_);
  }

  Api api_;
  Progress progress_;
  ControllerOptions options_;
  std::vector<std::string> acquired_;
  std::string said_;
};

TEST_F(ControllerTest, AcquiresWhatWaitsAndSaysSo) {
  api_.Add("one", "web");
  api_.Add("done", "old", {{"phase", "Succeeded"}});
  api_.Add("of-kube-forensics", "old", {{"completionTime", "2026-01-01T00:00:00Z"}});
  ASSERT_TRUE(RunIt());
  EXPECT_THAT(acquired_, ElementsAre("web to evidence/ir/forensics/1795780800_shop_web"));
  const Json& status = api_.objects["one"]["status"];
  EXPECT_EQ(status["phase"], "Succeeded");
  EXPECT_EQ(status["succeeded"], 1);
  EXPECT_EQ(status["active"], 0);
  EXPECT_EQ(status["startTime"], "2026-11-27T12:00:00Z");
  EXPECT_EQ(status["completionTime"], "2026-11-27T12:00:00Z");
  EXPECT_EQ(status["location"], "s3://evidence/x");
  EXPECT_EQ(status["conditions"][0]["type"], "Complete");
  EXPECT_EQ(status["conditions"][0]["reason"], "Acquired");
  // Again, after a restart: nothing is left to do.
  ASSERT_TRUE(RunIt());
  EXPECT_EQ(acquired_.size(), 1U);
}

TEST_F(ControllerTest, LeavesWhatAnotherOperatorHas) {
  api_.Add("theirs", "web",
           {{"phase", "Running"}, {"holder", "other"}, {"renewTime", "2026-11-27T11:59:10Z"}});
  api_.Add("same-pod", "web");
  ASSERT_TRUE(RunIt());
  EXPECT_TRUE(acquired_.empty());
  EXPECT_TRUE(api_.patches.empty());
}

TEST_F(ControllerTest, TakesOverFromAnOperatorThatIsGone) {
  api_.Add("stale", "web",
           {{"phase", "Running"},
            {"holder", "other"},
            {"renewTime", "2026-11-27T11:58:00Z"},
            {"attempts", 1}});
  api_.Add("ours", "db",
           {{"phase", "Running"},
            {"holder", "me"},
            {"renewTime", "2026-11-27T11:59:59Z"},
            {"attempts", 1}});
  ASSERT_TRUE(RunIt());
  EXPECT_EQ(acquired_.size(), 2U);
  EXPECT_EQ(api_.objects["stale"]["status"]["attempts"], 2);
  EXPECT_EQ(api_.objects["stale"]["status"]["holder"], "me");
  api_.Add("hopeless", "web",
           {{"phase", "Running"}, {"holder", "other"}, {"attempts", kMostAttempts}});
  ASSERT_TRUE(RunIt());
  EXPECT_EQ(acquired_.size(), 2U);
  EXPECT_EQ(api_.objects["hopeless"]["status"]["conditions"][0]["reason"], "Interrupted");
}

TEST_F(ControllerTest, LosesARaceWithoutHarm) {
  api_.Add("one", "web");
  api_.before_patch = [this] {
    api_.before_patch = nullptr;  // the other one is faster once
    api_.Add("one", "web",
             {{"phase", "Running"}, {"holder", "other"}, {"renewTime", "2026-11-27T12:00:00Z"}});
  };
  ASSERT_TRUE(RunIt());
  EXPECT_TRUE(acquired_.empty());
  EXPECT_EQ(api_.objects["one"]["status"]["holder"], "other");
}

TEST_F(ControllerTest, TellsTheEndAlsoWhenTheObjectHasChangedMeanwhile) {
  api_.Add("one", "web");
  const auto acquire = options_.acquire;
  options_.acquire = [&](const Checkpoint& checkpoint, const aws::S3Place& place) {
    api_.objects["one"]["metadata"]["labels"]["x"] = "y";
    api_.objects["one"]["metadata"]["resourceVersion"] = std::to_string(++api_.version);
    return acquire(checkpoint, place);
  };
  ASSERT_TRUE(RunIt());
  EXPECT_EQ(api_.objects["one"]["status"]["phase"], "Succeeded");
}

TEST_F(ControllerTest, SaysWhatIsWrongWithAnObject) {
  api_.Add("one", "web");
  api_.objects["one"]["spec"]["destination"] = "s3://elsewhere/x";
  ASSERT_TRUE(RunIt());
  const Json& status = api_.objects["one"]["status"];
  EXPECT_EQ(status["phase"], "Failed");
  EXPECT_EQ(status["failed"], 1);
  EXPECT_EQ(status["conditions"][0]["type"], "Failed");
  EXPECT_EQ(status["conditions"][0]["reason"], "Invalid");
  EXPECT_TRUE(acquired_.empty());
}

TEST_F(ControllerTest, GivesBackWhatItHasBegunWhenItIsStopped) {
  api_.Add("one", "web");
  options_.acquire = [](const Checkpoint&, const aws::S3Place&) -> Result<End> {
    return Fail(ErrorCode::kCancelled, "stopped");
  };
  EXPECT_EQ(RunIt().error().code, ErrorCode::kCancelled);
  const Json& status = api_.objects["one"]["status"];
  EXPECT_EQ(status["phase"], "Pending");
  EXPECT_FALSE(status.contains("holder"));
  EXPECT_EQ(status["attempts"], 0);
}

TEST_F(ControllerTest, WatchesFromTheListAndListsAgainWhenThatIsTooOld) {
  options_.once = false;
  int watches = 0;
  api_.on_watch = [&] {
    if (++watches == 1) {
      api_.watch_body =
          "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"11\"}}}\n"
          "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410}}\n";
    } else if (watches == 2) {
      api_.Add("one", "web");
      api_.watch_body = Json{{"type", "ADDED"}, {"object", api_.objects["one"]}}.dump() + "\n";
    } else {
      progress_.Cancel();
    }
  };
  EXPECT_EQ(RunIt().error().code, ErrorCode::kCancelled);
  EXPECT_THAT(api_.watched.at(0), HasSubstr("resourceVersion=10"));
  EXPECT_EQ(acquired_.size(), 1U);
  EXPECT_GE(api_.lists, 4);
}

TEST(Checkpoint, GoesOnlyWhereTheOperatorMay) {
  Checkpoint checkpoint;
  checkpoint.pod = "web";
  checkpoint.pod_namespace = "shop";
  checkpoint.subpath = "case-1";
  checkpoint.cluster_name = "prod";
  checkpoint.memory = "none";
  const auto place = [&](std::string destination) {
    checkpoint.destination = std::move(destination);
    const auto found = PlaceOf(checkpoint, {"s3://evidence/ir/", "s3://other"}, kNoon);
    return found ? fmt::format("{}/{}", found->bucket, found->key) : found.error().message;
  };
  EXPECT_EQ(place(""), "evidence/ir/case-1/prod/1795780800_shop_web");
  EXPECT_EQ(place("s3://evidence/ir/sub"), "evidence/ir/sub/case-1/prod/1795780800_shop_web");
  EXPECT_EQ(place("s3://other"), "other/case-1/prod/1795780800_shop_web");
  EXPECT_THAT(place("s3://evidence/irx"), HasSubstr("may not write to"));
  EXPECT_THAT(place("s3://evidence"), HasSubstr("may not write to"));
  EXPECT_THAT(place("s3://evidence/ir/../x"), HasSubstr("no . and .."));
  EXPECT_THAT(place("https://x"), HasSubstr("is no s3://"));
  checkpoint.memory = "most";
  EXPECT_THAT(place(""), HasSubstr("spec.memory"));
}

TEST(Checkpoint, KeepsMessagesShort) {
  End end;
  end.message = std::string(5000, 'x');
  EXPECT_LT(EndedStatus(end, kNoon)["conditions"][0]["message"].get<std::string>().size(), 1100U);
}

}  // namespace
}  // namespace ekshume::live::operators
