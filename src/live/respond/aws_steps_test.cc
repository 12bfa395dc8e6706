// SPDX-License-Identifier: Apache-2.0
#include "live/respond/aws_steps.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>

#include "base/hex.h"
#include "live/aws/credential_source.h"
#include "live/respond/runner.h"

namespace ekshume::live::respond {
namespace {

using testing::HasSubstr;

constexpr const char* kTrust =
    R"({"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow"}],"Version":"2012-10-17"})";

// A small AWS: inline policies of a role, its trust policy, an access entry with its policies, a
// security group and the groups of an interface. It can lose a change, or the answer to one, as
// when we are killed before or after the call.
class SmallAws final : public http::Transport {
 public:
  struct State {
    std::map<std::string, std::string> policies;
    std::string trust = kTrust;
    bool has_entry = true;
    std::map<std::string, Json> entry_policies;
    std::string group;  // the id of the group "quarantine", or ""
    std::string interface_group = "sg-old";
    int made = 0;
    int changes = 0;
    int lose_request_of = -1;
    int lose_answer_of = -1;

    bool operator==(const State& other) const {
      return policies == other.policies && trust == other.trust && has_entry == other.has_entry &&
             entry_policies == other.entry_policies && group.empty() == other.group.empty() &&
             interface_group == other.interface_group;
    }
  };
  explicit SmallAws(State& state) : state_(state) {}

  Result<http::Answer> Send(const http::Request& request) override {
    const bool is_eks = request.url.find("//eks.") != std::string::npos;
    const bool changes = is_eks ? request.method != "GET"
                                : request.body.find("Action=Get") == std::string::npos &&
                                      request.body.find("Action=Describe") == std::string::npos;
    if (changes && state_.changes == state_.lose_request_of) return Lost();
    http::Answer answer = is_eks ? Eks(request) : Query(request);
    if (changes && state_.changes++ == state_.lose_answer_of) return Lost();
    return answer;
  }

 private:
  static Error Lost() { return Fail(ErrorCode::kIo, "the connection was lost"); }
  static http::Answer Xml(const std::string& inner, int status = 200) {
    return {.status = status, .headers = {}, .body = "<R>" + inner + "</R>"};
  }
  static http::Answer NoSuch(const char* code, int status) {
    return Xml(fmt::format("<Errors><Error><Code>{}</Code></Error></Errors>", code), status);
  }

  http::Answer Query(const http::Request& request) {
    std::map<std::string, std::string> form;
    std::string_view rest = request.body;
    while (!rest.empty()) {
      const std::string_view one = rest.substr(0, rest.find('&'));
      rest.remove_prefix(std::min(rest.size(), one.size() + 1));
      const size_t equals = one.find('=');
      form[DecodeForm(one.substr(0, equals))] = DecodeForm(one.substr(equals + 1));
    }
    const std::string action = form["Action"];
    const std::string policy = form["PolicyName"];
    if (action == "PutRolePolicy") {
      state_.policies[policy] = form["PolicyDocument"];
    } else if (action == "DeleteRolePolicy") {
      if (state_.policies.erase(policy) == 0) return NoSuch("NoSuchEntity", 404);
    } else if (action == "GetRolePolicy") {
      if (!state_.policies.contains(policy)) return NoSuch("NoSuchEntity", 404);
      return Xml(fmt::format("<PolicyDocument>{}</PolicyDocument>", state_.policies[policy]));
    } else if (action == "GetRole") {
      return Xml(fmt::format("<Role><AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument></Role>",
                             state_.trust));
    } else if (action == "UpdateAssumeRolePolicy") {
      state_.trust = form["PolicyDocument"];
    } else if (action == "CreateSecurityGroup") {
      if (!state_.group.empty()) return NoSuch("InvalidGroup.Duplicate", 400);
      state_.group = fmt::format("sg-{}", ++state_.made);
    } else if (action == "DeleteSecurityGroup") {
      if (state_.interface_group == form["GroupId"]) return NoSuch("DependencyViolation", 400);
      state_.group.clear();
    } else if (action == "DescribeSecurityGroups") {
      if (state_.group.empty()) return Xml("<securityGroupInfo/>");
      return Xml(
          fmt::format("<securityGroupInfo><item><groupId>{}</groupId><groupDescription>d"
                      "</groupDescription></item></securityGroupInfo>",
                      state_.group));
    } else if (action == "ModifyNetworkInterfaceAttribute") {
      state_.interface_group = form["SecurityGroupId.1"];
    } else if (action == "DescribeNetworkInterfaces") {
      return Xml(
          fmt::format("<networkInterfaceSet><item><networkInterfaceId>eni-1"
                      "</networkInterfaceId><groupSet><item><groupId>{}</groupId></item>"
                      "</groupSet></item></networkInterfaceSet>",
                      state_.interface_group));
    } else {
      return NoSuch("InvalidAction", 400);
    }
    return Xml("");
  }

  http::Answer Eks(const http::Request& request) {
    const auto answer = [](int status, const Json& body) {
      return http::Answer{.status = status, .headers = {}, .body = body.dump()};
    };
    const Json gone = {{"__type", "ResourceNotFoundException"}};
    const std::string& url = request.url;
    const bool is_policy = url.find("/access-policies") != std::string::npos;
    if (!state_.has_entry && (request.method != "POST" || is_policy)) return answer(404, gone);
    if (is_policy && request.method == "GET") {
      Json list = Json::array();
      for (const auto& [arn, scope] : state_.entry_policies) {
        list.push_back({{"policyArn", arn}, {"accessScope", scope}});
      }
      return answer(200, {{"associatedAccessPolicies", list}});
    }
    if (is_policy && request.method == "POST") {
      const Json body = Json::parse(request.body);
      state_.entry_policies[body["policyArn"]] = body["accessScope"];
    } else if (is_policy) {
      state_.entry_policies.erase(url.substr(url.rfind('/') + 1));
    } else if (request.method == "GET") {
      return answer(200, {{"accessEntry", {{"type", "STANDARD"}, {"username", "u"}}}});
    } else if (request.method == "DELETE") {
      state_.has_entry = false;
      state_.entry_policies.clear();
    } else {
      state_.has_entry = true;
    }
    return answer(200, Json::object());
  }

  State& state_;
};

class AwsStepsTest : public testing::Test {
 protected:
  AwsStepsTest() : folder_(testing::TempDir() + "aws-steps-" + Name()) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    const Json scope = Json::parse(R"({"type":"cluster"})");
    state_.entry_policies = {{"p1", scope}, {"p2", scope}};
    before_ = state_;
    plan_.id = "p";
    plan_.by = "alice";
    plan_.account = "123456789012";
    Add("revoke", "role-policy", {{"RoleName", "r"}, {"PolicyName", "revoke"}},
        Json::parse(R"({"document":{"Statement":[{"When":"${now}","Who":"${aws:username}"}]}})"));
    Add("trust", "role-trust", {{"RoleName", "r"}},
        Json::parse(R"({"document":{"Statement":[{"Effect":"Deny"}]}})"));
    Add("entry", "access-entry", {{"clusterName", "c"}, {"principalArn", "a"}}, nullptr);
    Add("make-group", "security-group", {{"GroupName", "quarantine"}, {"VpcId", "vpc-1"}},
        {{"description", "d"}});
    Add("isolate", "network-interface-groups", {{"NetworkInterfaceId", "eni-1"}},
        {{"groups", {"${make-group.id}"}}});
  }
  ~AwsStepsTest() override { std::filesystem::remove_all(folder_); }

  static std::string Name() {
    return testing::UnitTest::GetInstance()->current_test_info()->name();
  }
  void Add(std::string id, std::string resource, Json parameters, Json wanted) {
    Step step;
    step.id = std::move(id);
    step.kind = StepKind::kAws;
    step.object = step.id;
    step.aws.resource = std::move(resource);
    step.aws.region = "eu-central-1";
    step.aws.parameters = std::move(parameters);
    step.aws.wanted = std::move(wanted);
    plan_.steps.push_back(std::move(step));
  }
  // A process: opens the journal, does `work`, ends.
  void Run(const std::function<void(Runner&)>& work, bool force = false) {
    aws::FixedCredentials credentials({.access_key_id = "AKIDEXAMPLE", .secret_access_key = "s"});
    SmallAws transport(state_);
    aws::ClientSettings settings;
    settings.region = "eu-central-1";
    settings.wait = [&](std::chrono::milliseconds) { ++waits_; };
    const aws::Client client(transport, credentials, settings);
    const auto journal = Journal::Open(folder_, "p");
    ASSERT_TRUE(journal) << journal.error().message;
    Runner runner(plan_, nullptr, **journal, {"carol", "", force}, {}, &client);
    work(runner);
  }
  std::string ApplyAll() {
    std::string error;
    Run([&](Runner& runner) {
      for (const Step& step : plan_.steps) {
        const auto applied = runner.Apply(step);
        if (applied) continue;
        error = applied.error().message;
        return;
      }
    });
    return error;
  }
  std::string UndoAll(bool force = false) {
    std::string error;
    Run(
        [&](Runner& runner) {
          for (size_t i = plan_.steps.size(); i > 0; --i) {
            const auto undone = runner.Undo(plan_.steps[i - 1]);
            if (undone) continue;
            error = undone.error().message;
            return;
          }
        },
        force);
    return error;
  }
  // As far as the moment in the policy, which differs from run to run.
  SmallAws::State Timeless() const {
    SmallAws::State state = state_;
    if (state.policies.contains("revoke")) state.policies["revoke"] = "some time";
    return state;
  }

  const std::string folder_;
  SmallAws::State state_;
  SmallAws::State before_;
  Plan plan_;
  int waits_ = 0;
};

TEST_F(AwsStepsTest, AppliesAndUndoes) {
  EXPECT_EQ(ApplyAll(), "");
  const Json document = Json::parse(state_.policies.at("revoke"));
  EXPECT_THAT(document["Statement"][0]["When"].get<std::string>(),
              testing::MatchesRegex("20[0-9-]+T[0-9:]+Z"));
  EXPECT_EQ(document["Statement"][0]["Who"], "${aws:username}");
  EXPECT_FALSE(state_.has_entry);
  EXPECT_EQ(state_.interface_group, state_.group);
  const int changes = state_.changes;
  EXPECT_EQ(ApplyAll(), "");
  EXPECT_EQ(state_.changes, changes);
  EXPECT_EQ(UndoAll(), "");
  EXPECT_EQ(state_, before_);
  EXPECT_EQ(Json::parse(state_.trust), Json::parse(kTrust));
  EXPECT_EQ(UndoAll(), "");
  EXPECT_EQ(state_, before_);
}

// Whatever request or answer is lost, the same command again ends in the same state, and each
// change is made once.
TEST_F(AwsStepsTest, GoesOnAfterACrashAtEveryCall) {
  ASSERT_EQ(ApplyAll(), "");
  const int calls = state_.changes;
  const SmallAws::State after = Timeless();
  ASSERT_EQ(UndoAll(), "");
  const int all_calls = state_.changes;
  ASSERT_GT(all_calls, 2 * calls);  // giving an entry back takes three
  for (int lost = 0; lost < all_calls; ++lost) {
    for (const bool request : {false, true}) {
      SCOPED_TRACE(fmt::format("{} {}", lost, request));
      std::filesystem::remove_all(folder_ + "/respond");
      state_ = before_;
      (request ? state_.lose_request_of : state_.lose_answer_of) = lost;
      std::string error = ApplyAll();
      EXPECT_EQ(error.empty(), lost >= calls);
      if (!error.empty()) {
        EXPECT_THAT(error, HasSubstr("lost"));
        state_.lose_request_of = state_.lose_answer_of = -1;
        EXPECT_EQ(ApplyAll(), "");
      }
      EXPECT_EQ(state_.changes, calls);
      EXPECT_EQ(Timeless(), after);
      error = UndoAll();
      state_.lose_request_of = state_.lose_answer_of = -1;
      if (!error.empty()) {
        EXPECT_THAT(error, HasSubstr("lost"));
        EXPECT_EQ(UndoAll(), "");
      }
      EXPECT_EQ(state_.changes, all_calls);
      EXPECT_EQ(state_, before_);
    }
  }
}

// A journal that ends at any of its records: the process was killed before the next was written.
TEST_F(AwsStepsTest, GoesOnFromEveryRecordOfTheJournal) {
  ASSERT_EQ(ApplyAll(), "");
  const SmallAws::State after = Timeless();
  const auto records = Journal::Read(folder_ + "/respond/p.jsonl");
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 2 * plan_.steps.size());
  for (size_t kept = 0; kept <= records->size(); ++kept) {
    SCOPED_TRACE(kept);
    std::filesystem::remove_all(folder_ + "/respond");
    state_ = before_;
    // The calls of the steps that were begun were made, but for the last one's when it was not.
    const size_t steps = (kept + 1) / 2;
    Run([&](Runner& runner) {
      for (size_t i = 0; i < steps; ++i) ASSERT_TRUE(runner.Apply(plan_.steps[i]));
    });
    const int made = state_.changes;
    if (kept % 2 == 1) {
      // Without the last record.
      const std::string path = folder_ + "/respond/p.jsonl";
      std::filesystem::resize_file(path, std::filesystem::file_size(path) - 10);
    }
    EXPECT_EQ(ApplyAll(), "");
    EXPECT_EQ(Timeless(), after);
    EXPECT_GE(state_.changes, made);
    EXPECT_EQ(UndoAll(), "");
    EXPECT_EQ(state_, before_);
  }
}

TEST_F(AwsStepsTest, StopsAtWhatOthersChangedSince) {
  plan_.steps[1].fingerprint = StateFingerprint({{"document", Json::parse(kTrust)}});
  state_.trust = R"({"Version":"2012-10-17","Statement":[]})";
  EXPECT_THAT(ApplyAll(), HasSubstr("trust was changed by others since the plan was made"));
  EXPECT_EQ(state_.changes, 1);  // the step before it
  state_.trust = kTrust;
  EXPECT_EQ(ApplyAll(), "");
}

// A policy of an access entry is a part of the entry's state.
TEST_F(AwsStepsTest, OwnStepsOnAPartAreNoChangeByOthers) {
  const Json scope = Json::parse(R"({"type":"cluster"})");
  const Json which = {{"clusterName", "c"}, {"principalArn", "a"}};
  Json policy = which;
  policy["policyArn"] = "p1";
  plan_.steps.clear();
  Add("take-policy", "access-policy", policy, nullptr);
  Add("entry", "access-entry", which, nullptr);
  plan_.steps[0].fingerprint = StateFingerprint({{"accessScope", scope}});
  plan_.steps[1].aws.state = {
      {"type", "STANDARD"},
      {"username", "u"},
      {"policies", Json::array({{{"policyArn", "p1"}, {"accessScope", scope}},
                                {{"policyArn", "p2"}, {"accessScope", scope}}})}};
  plan_.steps[1].fingerprint = StateFingerprint(plan_.steps[1].aws.state);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(ApplyAll(), "");
    EXPECT_FALSE(state_.has_entry);
    EXPECT_EQ(UndoAll(), "");
    EXPECT_EQ(state_, before_);
  }
  Run([&](Runner& runner) { EXPECT_TRUE(runner.Apply(plan_.steps[0])); });
  state_.entry_policies["p3"] = scope;
  EXPECT_THAT(ApplyAll(), HasSubstr("entry was changed by others"));
  EXPECT_TRUE(state_.has_entry);
}

TEST_F(AwsStepsTest, UndoSaysWhatOthersChanged) {
  ASSERT_EQ(ApplyAll(), "");
  state_.policies["revoke"] = R"({"Statement":[]})";
  EXPECT_THAT(UndoAll(), HasSubstr("/document/Statement"));
  EXPECT_TRUE(state_.policies.contains("revoke"));
  EXPECT_EQ(UndoAll(true), "");
  EXPECT_EQ(state_, before_);
}

TEST_F(AwsStepsTest, WhatIsSoAlreadyIsLeftAlone) {
  state_.has_entry = false;
  state_.entry_policies.clear();
  before_ = state_;
  ASSERT_EQ(ApplyAll(), "");
  ASSERT_EQ(UndoAll(), "");
  EXPECT_EQ(state_, before_);
}

TEST_F(AwsStepsTest, NeedsWhatAnEarlierStepMakes) {
  Run([&](Runner& runner) {
    const auto applied = runner.Apply(*plan_.Find("isolate"));
    ASSERT_FALSE(applied);
    EXPECT_THAT(applied.error().message, HasSubstr("make-group"));
    const auto checked = runner.DryRun(*plan_.Find("isolate"));
    ASSERT_TRUE(checked);
    EXPECT_THAT(*checked, HasSubstr("make-group"));
  });
  EXPECT_EQ(state_.changes, 0);
}

TEST_F(AwsStepsTest, SurvivesThePlansFile) {
  plan_.steps[0].aws.state = Json();
  plan_.steps[0].aws.calls = {"iam:PutRolePolicy"};
  const auto read = ReadPlan(WritePlan(plan_));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(Digest(*read), Digest(plan_));
  EXPECT_EQ(read->account, plan_.account);
  EXPECT_EQ(read->steps[0].aws.calls, plan_.steps[0].aws.calls);
  EXPECT_TRUE(read->steps[2].aws.wanted.is_null());
  plan_.steps[0].aws.wanted["document"]["Statement"][0]["Who"] = "others";
  EXPECT_NE(Digest(*read), Digest(plan_));
}

TEST(AwsChangeTest, StatesOnTheWay) {
  const Json a = Json::parse(R"({"type":"S","policies":["p","q"]})");
  EXPECT_TRUE(IsBetween(Json::parse(R"({"type":"S","policies":["p"]})"), Json(), a));
  EXPECT_TRUE(IsBetween(Json(), Json(), a));
  EXPECT_FALSE(IsBetween(Json::parse(R"({"type":"S","policies":["x"]})"), Json(), a));
  EXPECT_FALSE(IsBetween(Json::parse(R"({"type":"T","policies":["p"]})"), Json(), a));
}

TEST(AwsChangeTest, ComparesTextsAndLeavesOutNames) {
  EXPECT_TRUE(IsSameState(Json::parse(R"({"a":true,"b":1,"@id":"x"})"),
                          Json::parse(R"({"a":"true","b":"1","@id":"y"})")));
  EXPECT_FALSE(IsSameState(Json(), Json::object()));
  const Json before = Json::parse(R"({"a":"1","b":"2"})");
  EXPECT_EQ(StateBefore(Json::parse(R"({"a":"9","b":"3"})"), before, Json::parse(R"({"a":"9"})")),
            Json::parse(R"({"a":"1","b":"3"})"));
}

}  // namespace
}  // namespace ekshume::live::respond
