// SPDX-License-Identifier: Apache-2.0
#include "log/runtime_log/reader.h"

#include "log/test_row.h"
#include "log/test_support.h"

namespace ekshume::log::runtime_log {
namespace {

using namespace ekshume::log::testing;

// Of a laboratory node's containerd 1.6 and of another's dockerd 20.10.
constexpr std::string_view kSandbox =
    R"(time="2026-11-24T21:40:21.065611830Z" level=info msg="RunPodSandbox for &PodSandboxMetadata{Name:webshop-588f958f47-hbzmh,Uid:b425c733-eff6-4f9e-aff7-0febc1222d84,Namespace:shop,Attempt:0,} returns sandbox id \"1fd6a2622f70409a1a07688a23ab289b8866f16553100c6d5874609728cf2ea3\"")";
constexpr std::string_view kCreate =
    R"(time="2026-11-24T21:40:21.098184530Z" level=info msg="CreateContainer within sandbox \"1fd6a2622f70409a1a07688a23ab289b8866f16553100c6d5874609728cf2ea3\" for &ContainerMetadata{Name:webshop,Attempt:0,} returns container id \"505ea3fb5f6c6b29fcbf9af0cd36f7626a23e9f5c2b4b91443a23248257ff0ca\"")";
constexpr std::string_view kStart =
    R"(time="2026-11-24T21:40:21.255922843Z" level=info msg="StartContainer for \"505ea3fb5f6c6b29fcbf9af0cd36f7626a23e9f5c2b4b91443a23248257ff0ca\" returns successfully")";
constexpr std::string_view kMoby =
    R"(time="2026-11-24T21:39:28.012609275Z" level=info msg="ignoring event" container=737d5840bd1334180bc092d9932b046b42b52c944e29e7070554d6a5f34ab0fd module=libcontainerd namespace=moby topic=/tasks/delete type="*events.TaskDelete")";

Event ParseOne(std::string_view record) {
  Parsed parsed;
  Parse(RuntimeLogFormat(), record, parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kEvents) << record;
  EXPECT_EQ(parsed.events.size(), 1U) << record;
  EXPECT_TRUE(parsed.diagnostics.Sorted().empty());
  return parsed.events.empty() ? Event() : parsed.events.front();
}

// A line of containerd with this msg.
Event ParseMessage(const std::string& msg, const std::string& fields = "") {
  std::string escaped;
  for (const char c : msg) {
    if (c == '"') escaped += '\\';
    escaped += c;
  }
  return ParseOne(R"(time="2024-01-01T01:00:00Z" level=info msg=")" + escaped + '"' + fields);
}

TEST(RuntimeLog, ReadsASandbox) {
  EXPECT_EQ(Row(ParseOne(kSandbox)), R"(time=2026-11-24T21:40:21.065611830Z
time_kind=Event Time
namespace=shop
pod=webshop-588f958f47-hbzmh
pod_uid=b425c733-eff6-4f9e-aff7-0febc1222d84
container_id=1fd6a2622f70409a1a07688a23ab289b8866f16553100c6d5874609728cf2ea3
action=RunPodSandbox
object_kind=sandboxes
object_name=webshop-588f958f47-hbzmh
outcome=success
severity=info
message=RunPodSandbox for &PodSandboxMetadata{Name:webshop-588f958f47-hbzmh,Uid:b425c733-eff6-4f9e-aff7-0febc1222d84,Namespace:shop,Attempt:0,} returns sandbox id "1fd6a2622f70409a1a07688a23ab289b8866f16553100c6d5874609728cf2ea3"
)");
}

TEST(RuntimeLog, ReadsTheCreationOfAContainer) {
  EXPECT_EQ(Row(ParseOne(kCreate)), R"(time=2026-11-24T21:40:21.098184530Z
time_kind=Event Time
container=webshop
container_id=505ea3fb5f6c6b29fcbf9af0cd36f7626a23e9f5c2b4b91443a23248257ff0ca
action=CreateContainer
object_kind=containers
object_name=webshop
outcome=success
severity=info
message=CreateContainer within sandbox "1fd6a2622f70409a1a07688a23ab289b8866f16553100c6d5874609728cf2ea3" for &ContainerMetadata{Name:webshop,Attempt:0,} returns container id "505ea3fb5f6c6b29fcbf9af0cd36f7626a23e9f5c2b4b91443a23248257ff0ca"
tags=sandbox=1fd6a2622f70409a1a07688a23ab289b8866f16553100c6d5874609728cf2ea3
)");
}

TEST(RuntimeLog, ReadsTheStartOfAContainer) {
  EXPECT_EQ(Row(ParseOne(kStart)), R"(time=2026-11-24T21:40:21.255922843Z
time_kind=Event Time
container_id=505ea3fb5f6c6b29fcbf9af0cd36f7626a23e9f5c2b4b91443a23248257ff0ca
action=StartContainer
object_kind=containers
object_name=505ea3fb5f6c6b29fcbf9af0cd36f7626a23e9f5c2b4b91443a23248257ff0ca
outcome=success
severity=info
message=StartContainer for "505ea3fb5f6c6b29fcbf9af0cd36f7626a23e9f5c2b4b91443a23248257ff0ca" returns successfully
)");
}

TEST(RuntimeLog, ReadsDockersFields) {
  EXPECT_EQ(Row(ParseOne(kMoby)), R"(time=2026-11-24T21:39:28.012609275Z
time_kind=Event Time
container_id=737d5840bd1334180bc092d9932b046b42b52c944e29e7070554d6a5f34ab0fd
action=/tasks/delete
severity=info
message=ignoring event: /tasks/delete
)");
}

TEST(RuntimeLog, ReadsExecsExitsAndImages) {
  const std::string id(64, 'b');
  const Event exec = ParseMessage(
      "Exec for \"" + id + "\" with command [sh -c cat /etc/shadow], tty true and stdin true");
  EXPECT_EQ(exec[Text::kAction], "Exec");
  EXPECT_EQ(exec[Text::kContainerId], id);
  EXPECT_EQ(exec[Text::kCommandLine], "sh -c cat /etc/shadow");
  const Event exit = ParseMessage("TaskExit event in podsandbox handler container_id:\"" + id +
                                  "\" id:\"" + id + "\" pid:123 exit_status:137 exited_at:{}");
  EXPECT_EQ(exit[Text::kAction], "TaskExit");
  EXPECT_EQ(exit[Number::kStatusCode], 137);
  EXPECT_EQ(exit[Number::kPid], 123);
  const Event pull =
      ParseMessage("PullImage \"registry.test/a:1\" returns image reference \"sha256:" + id + "\"");
  EXPECT_EQ(pull[Text::kImage], "registry.test/a:1");
  EXPECT_EQ(pull[Text::kContainerId], "");
  EXPECT_EQ(pull[Text::kOutcome], "success");
  EXPECT_EQ(ParseMessage("ImageCreate event name:\"registry.test/b:2\" labels:{}")[Text::kImage],
            "registry.test/b:2");
  EXPECT_EQ(
      ParseMessage(
          "ImageUpdate event &ImageUpdate{Name:registry.test/c:3,Labels:map[],}")[Text::kImage],
      "registry.test/c:3");
}

TEST(RuntimeLog, ReadsFailures) {
  const Event event = ParseMessage("StartContainer for \"" + std::string(64, 'c') + "\" failed",
                                   R"( error="no such file")");
  EXPECT_EQ(event[Text::kOutcome], "failure");
  EXPECT_EQ(event[Text::kError], "no such file");
  EXPECT_TRUE(event[Text::kMessage].ends_with("failed: no such file"));
  EXPECT_EQ(ParseMessage("stopping event stream", R"( error="<nil>")")[Text::kError], "");
}

TEST(RuntimeLog, FindsTheContainerInAPath) {
  const std::string id(64, 'd');
  const Event event =
      ParseMessage("starting signal loop",
                   " namespace=k8s.io path=/run/containerd/io.containerd.runtime.v2.task/k8s.io/" +
                       id + " pid=7");
  EXPECT_EQ(event[Text::kContainerId], id);
  EXPECT_EQ(event[Number::kPid], 7);
}

TEST(RuntimeLog, KnowsItsRecords) {
  EXPECT_EQ(RuntimeLogFormat().Sniff(kSandbox), Match::kYes);
  EXPECT_EQ(RuntimeLogFormat().Sniff(kStart), Match::kYes);
  EXPECT_EQ(RuntimeLogFormat().Sniff(kMoby), Match::kYes);
  EXPECT_EQ(RuntimeLogFormat().Sniff(R"(time="x" level=info msg=hello)"), Match::kMaybe);
  for (const std::string_view other :
       {R"(time="2026-11-24T21:40:22Z" level=info msg="access granted" path=/authenticate)",
        R"(time="2026-11-24T21:40:22Z" msg=x)", "2026-11-24T21:40:22Z stdout F x", ""}) {
    Parsed parsed;
    Parse(RuntimeLogFormat(), other, parsed);
    EXPECT_EQ(parsed.outcome, Outcome::kNotMine) << other;
  }
  Parsed parsed;
  Parse(RuntimeLogFormat(), kCreate.substr(0, 150), parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kDamaged);
}

TEST(RuntimeLog, SurvivesEveryDamage) { ParseEveryDamage(RuntimeLogFormat(), kCreate); }

}  // namespace
}  // namespace ekshume::log::runtime_log
