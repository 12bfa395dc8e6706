// SPDX-License-Identifier: Apache-2.0
#include "live/respond/runner.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "live/respond/change.h"

namespace ekshume::live::respond {
namespace {

using testing::HasSubstr;

// An API server that keeps objects by path, counts versions, and can lose its voice: `fail_after`
// changes it does what it is told and gives no answer, as when we are killed between the call and
// the journal.
class Server final : public http::Transport {
 public:
  struct State {
    std::map<std::string, Json> objects;
    int version = 10;
    int changes = 0;
    int lose_answer_of = -1;   // the number of a change
    int lose_request_of = -1;  // the number of a change that never arrives
  };
  explicit Server(State& state) : state_(state) {}

  Result<http::Answer> Send(const http::Request& request) override {
    std::string path = request.url.substr(std::string_view("https://api.test").size());
    const bool dry_run = path.find("dryRun=All") != std::string::npos ||
                         request.body.find("\"dryRun\"") != std::string::npos;
    path = path.substr(0, path.find('?'));
    const auto found = state_.objects.find(path);
    if (request.method == "GET") {
      if (found == state_.objects.end())
        return http::Answer{.status = 404, .headers = {}, .body = "{}"};
      return http::Answer{.status = 200, .headers = {}, .body = found->second.dump()};
    }
    if (!dry_run && state_.changes == state_.lose_request_of) return Lost();
    const http::Answer answer = Change(request, path, dry_run);
    if (!dry_run && state_.changes++ == state_.lose_answer_of) return Lost();
    return answer;
  }

 private:
  static Error Lost() { return Fail(ErrorCode::kIo, "the connection was lost"); }

  http::Answer Change(const http::Request& request, const std::string& path, bool dry_run) {
    const auto answer = [](int status, const Json& body) {
      return http::Answer{.status = status, .headers = {}, .body = body.dump()};
    };
    const auto found = state_.objects.find(path);
    if (request.method == "POST") {
      Json object = Json::parse(request.body);
      const std::string place = path + "/" + object["metadata"]["name"].get<std::string>();
      if (state_.objects.contains(place)) return answer(409, {{"message", "already exists"}});
      object["metadata"]["uid"] = fmt::format("uid-{}", ++state_.version);
      object["metadata"]["resourceVersion"] = fmt::format("{}", state_.version);
      if (!dry_run) state_.objects[place] = object;
      return answer(201, object);
    }
    if (found == state_.objects.end()) return answer(404, Json::object());
    const Json body = Json::parse(request.body);
    if (request.method == "DELETE") {
      if (body["preconditions"]["uid"] != found->second["metadata"]["uid"]) {
        return answer(409, {{"message", "uid"}});
      }
      if (!body.contains("dryRun")) state_.objects.erase(found);
      return answer(200, Json::object());
    }
    Json object = found->second;
    if (body["metadata"]["resourceVersion"] != object["metadata"]["resourceVersion"]) {
      return answer(409, {{"message", "the object has been modified"}});
    }
    object.merge_patch(body);
    object["metadata"]["resourceVersion"] = fmt::format("{}", ++state_.version);
    if (!dry_run) found->second = object;
    return answer(200, object);
  }

  State& state_;
};

constexpr const char* kPod = "/api/v1/namespaces/shop/pods/web";
constexpr const char* kBinding = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/b";
constexpr const char* kPolicies = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies";

class RunnerTest : public testing::Test {
 protected:
  RunnerTest() : folder_(testing::TempDir() + "respond-" + Name()) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    state_.objects[kPod] = Json::parse(
        R"({"kind":"Pod","metadata":{"name":"web","namespace":"shop","uid":"u-pod","resourceVersion":"3","labels":{"app":"web"}},"spec":{}})");
    state_.objects[kBinding] = Json::parse(
        R"({"kind":"ClusterRoleBinding","metadata":{"name":"b","uid":"u-b","resourceVersion":"4"},"subjects":[{"kind":"User","name":"mallory"}]})");
    plan_.id = "p";
    plan_.by = "alice";
    Add("mark", StepKind::kPatch, kPod, R"({"metadata":{"labels":{"q":"1"}}})");
    Add("detach", StepKind::kPatch, kPod, R"({"metadata":{"labels":{"app":null}}})");
    Add("policy", StepKind::kCreate, kPolicies,
        R"({"kind":"NetworkPolicy","metadata":{"name":"deny"}})");
    Add("binding", StepKind::kDelete, kBinding, "");
    before_ = Visible();
  }
  ~RunnerTest() override { std::filesystem::remove_all(folder_); }

  static std::string Name() {
    return testing::UnitTest::GetInstance()->current_test_info()->name();
  }
  void Add(std::string id, StepKind kind, const std::string& path, const std::string& body) {
    Step step;
    step.id = std::move(id);
    step.kind = kind;
    step.path = path;
    step.object = path;
    if (!body.empty()) step.body = Json::parse(body);
    if (kind != StepKind::kCreate) {
      step.uid = state_.objects[path]["metadata"]["uid"].get<std::string>();
      step.fingerprint = Fingerprint(state_.objects[path]);
    }
    plan_.steps.push_back(std::move(step));
  }
  // What of the objects is not the server's own bookkeeping.
  std::map<std::string, Json> Visible() const {
    std::map<std::string, Json> visible;
    for (const auto& [path, object] : state_.objects) visible[path] = AsCreated(object);
    return visible;
  }
  // A process: opens the journal, does `work`, ends.
  void Run(const std::function<void(Runner&)>& work, RunnerOptions options = {"carol", "", false}) {
    kubernetes::Client client({.source = "test", .server = "https://api.test"}, {}, nullptr,
                              std::make_unique<Server>(state_), nullptr);
    const auto journal = Journal::Open(folder_, "p");
    ASSERT_TRUE(journal) << journal.error().message;
    Runner runner(plan_, client, **journal, std::move(options), {});
    work(runner);
  }
  std::string ApplyAll() {
    std::string error;
    Run([&](Runner& runner) {
      for (const Step& step : plan_.steps) {
        const auto applied = runner.Apply(step);
        if (!applied) {
          error = applied.error().message;
          return;
        }
      }
    });
    return error;
  }
  std::string UndoAll(RunnerOptions options = {"carol", "", false}) {
    std::string error;
    Run(
        [&](Runner& runner) {
          for (size_t i = plan_.steps.size(); i > 0; --i) {
            const auto undone = runner.Undo(plan_.steps[i - 1]);
            if (!undone) {
              error = undone.error().message;
              return;
            }
          }
        },
        std::move(options));
    return error;
  }

  const std::string folder_;
  Server::State state_;
  Plan plan_;
  std::map<std::string, Json> before_;
};

TEST_F(RunnerTest, AppliesAndUndoes) {
  EXPECT_EQ(ApplyAll(), "");
  EXPECT_EQ(state_.objects[kPod]["metadata"]["labels"], Json::parse(R"({"q":"1"})"));
  EXPECT_TRUE(state_.objects.contains(std::string(kPolicies) + "/deny"));
  EXPECT_FALSE(state_.objects.contains(kBinding));
  const int changes = state_.changes;
  EXPECT_EQ(ApplyAll(), "");  // again: nothing is done twice
  EXPECT_EQ(state_.changes, changes);
  EXPECT_EQ(UndoAll(), "");
  EXPECT_EQ(Visible(), before_);
  EXPECT_EQ(UndoAll(), "");
  EXPECT_EQ(Visible(), before_);
}

// Whatever request or answer is lost, the same command again ends in the same state.
TEST_F(RunnerTest, GoesOnAfterACrashAtEveryCall) {
  const Server::State start = state_;
  ASSERT_EQ(ApplyAll(), "");
  const int calls = state_.changes;
  const auto after = Visible();
  ASSERT_EQ(UndoAll(), "");
  const int all_calls = state_.changes;
  ASSERT_GE(all_calls, 2 * calls);
  for (int lost = 0; lost < all_calls; ++lost) {
    for (const bool request : {false, true}) {
      std::filesystem::remove_all(folder_ + "/respond");
      state_ = start;
      (request ? state_.lose_request_of : state_.lose_answer_of) = lost;
      std::string error = ApplyAll();
      EXPECT_EQ(error.empty(), lost >= calls) << lost;
      state_.lose_request_of = state_.lose_answer_of = -1;
      if (!error.empty()) {
        EXPECT_THAT(error, HasSubstr("lost"));
        EXPECT_EQ(ApplyAll(), "") << lost;
      } else {
        (request ? state_.lose_request_of : state_.lose_answer_of) = lost;
      }
      EXPECT_EQ(Visible(), after) << lost;
      error = UndoAll();
      state_.lose_request_of = state_.lose_answer_of = -1;
      if (!error.empty()) {
        EXPECT_EQ(UndoAll(), "") << lost;
      }
      EXPECT_EQ(Visible(), before_) << lost << request;
    }
  }
}

TEST_F(RunnerTest, StopsAtWhatOthersChangedSince) {
  state_.objects[kPod]["metadata"]["labels"]["x"] = "y";
  EXPECT_THAT(ApplyAll(), HasSubstr("was changed by others since the plan was made"));
  EXPECT_EQ(state_.changes, 0);
  state_.objects[kPod]["metadata"]["labels"].erase("x");
  state_.objects[kPod]["metadata"]["uid"] = "u-other";
  EXPECT_THAT(ApplyAll(), HasSubstr("another object"));
  state_.objects.erase(kPod);
  EXPECT_THAT(ApplyAll(), HasSubstr("is gone"));
  EXPECT_EQ(state_.changes, 0);
}

TEST_F(RunnerTest, UndoSaysWhatOthersChanged) {
  ASSERT_EQ(ApplyAll(), "");
  state_.objects[kPod]["metadata"]["labels"]["app"] = "theirs";
  EXPECT_THAT(UndoAll(), HasSubstr("/metadata/labels/app"));
  EXPECT_EQ(state_.objects[kPod]["metadata"]["labels"]["app"], "theirs");
  EXPECT_EQ(UndoAll({"carol", "", true}), "");
  EXPECT_EQ(state_.objects[kPod]["metadata"]["labels"], Json::parse(R"({"app":"web"})"));
}

TEST_F(RunnerTest, WhatIsSoAlreadyIsLeftAlone) {
  state_.objects[kPod]["metadata"]["labels"]["q"] = "1";
  plan_.steps[0].fingerprint = plan_.steps[1].fingerprint = Fingerprint(state_.objects[kPod]);
  before_ = Visible();
  ASSERT_EQ(ApplyAll(), "");
  ASSERT_EQ(UndoAll(), "");
  EXPECT_EQ(Visible(), before_);  // the label that was there stays
}

TEST_F(RunnerTest, ADryRunChangesNothing) {
  Run([&](Runner& runner) {
    for (const Step& step : plan_.steps) {
      const auto checked = runner.DryRun(step);
      EXPECT_TRUE(checked) << checked.error().message;
    }
  });
  EXPECT_EQ(Visible(), before_);
  EXPECT_EQ(state_.changes, 0);
}

TEST_F(RunnerTest, NeedsItsApproval) {
  plan_.steps[0].needs_approval = true;
  EXPECT_THAT(ApplyAll(), HasSubstr("needs an approval"));
  plan_.approvals.push_back({"bob", "", Digest(plan_)});
  EXPECT_EQ(ApplyAll(), "");
}

TEST_F(RunnerTest, TheJournalIsLockedAndChained) {
  ASSERT_EQ(ApplyAll(), "");
  Run([&](Runner&) {
    const auto second = Journal::Open(folder_, "p");
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message, HasSubstr("in use by another process"));
  });
  const std::string path = folder_ + "/respond/p.jsonl";
  // A last line that was cut off while it was written.
  std::ofstream(path, std::ios::app) << R"({"step":"mar)";
  EXPECT_EQ(UndoAll(), "");
  EXPECT_EQ(Visible(), before_);
  std::ifstream in(path);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  text.replace(text.find("carol"), 5, "david");
  std::ofstream(path, std::ios::trunc) << text;
  const auto changed = Journal::Open(folder_, "p");
  ASSERT_FALSE(changed);
  EXPECT_THAT(changed.error().message, HasSubstr("line 2 of"));
}

}  // namespace
}  // namespace ekshume::live::respond
