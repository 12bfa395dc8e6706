// SPDX-License-Identifier: Apache-2.0
#include "log/tetragon/reader.h"

#include "log/json.h"
#include "log/test_row.h"
#include "log/test_support.h"

namespace ekshume::log::tetragon {
namespace {

using namespace ekshume::log::testing;

// The shapes of Tetragon 1.0's export.
constexpr std::string_view kExec =
    R"({"process_exec":{"process":{"exec_id":"a2luZDoxMjM6NDU=","pid":12699,"uid":0,"cwd":"/","binary":"/usr/bin/curl","arguments":"-o /tmp/x http://192.0.2.1/x","flags":"execve rootcwd clone","start_time":"2023-10-06T22:03:57.700327580Z","auid":4294967295,"pod":{"namespace":"shop","name":"web-1","container":{"id":"containerd://551e161c47d8ff0eb665438a7bcd5b4e3ef5a297282b40a92b7c77d6bd168eb3","name":"app","image":{"id":"registry.test/web@sha256:8e86","name":"registry.test/web:latest"},"start_time":"2023-10-06T21:52:41Z","pid":49},"pod_labels":{"app":"web"},"workload":"web"},"docker":"551e161c47d8ff0eb665438a7bcd5b4","parent_exec_id":"a2luZDox","tid":12699},"parent":{"exec_id":"a2luZDox","pid":1,"uid":0,"binary":"/bin/bash"}},"node_name":"kind-worker","time":"2023-10-06T22:03:57.700326678Z"})";

Event ParseOne(std::string_view record) {
  Parsed parsed;
  Parse(TetragonFormat(), record, parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kEvents) << record;
  EXPECT_EQ(parsed.events.size(), 1U) << record;
  EXPECT_TRUE(parsed.diagnostics.Sorted().empty());
  return parsed.events.empty() ? Event() : parsed.events.front();
}

TEST(Tetragon, ReadsAStart) {
  EXPECT_EQ(Row(ParseOne(kExec)), R"(time=2023-10-06T22:03:57.700326678Z
time_kind=Event Time
node=kind-worker
namespace=shop
pod=web-1
container=app
container_id=551e161c47d8ff0eb665438a7bcd5b4e3ef5a297282b40a92b7c77d6bd168eb3
image=registry.test/web:latest
user_name=0
action=process_exec
process=/usr/bin/curl
command_line=/usr/bin/curl -o /tmp/x http://192.0.2.1/x
record_id=a2luZDoxMjM6NDU=
message=started /usr/bin/curl -o /tmp/x http://192.0.2.1/x in pod shop/web-1
tags=parent=/bin/bash
pid=12699
)");
}

TEST(Tetragon, ReadsAnEnd) {
  const Event event = ParseOne(
      R"({"process_exit":{"process":{"exec_id":"e","pid":7,"uid":1000,"binary":"/bin/sh","arguments":"-c id"},"signal":"SIGKILL","status":137},"node_name":"n","time":"2023-10-06T22:03:57Z"})");
  EXPECT_EQ(event[Text::kMessage], "/bin/sh -c id ended by SIGKILL");
  EXPECT_EQ(event[Number::kStatusCode], 137);
  EXPECT_EQ(event[Text::kUserName], "1000");
}

TEST(Tetragon, ReadsWatchedCalls) {
  const Event file = ParseOne(
      R"({"process_kprobe":{"process":{"exec_id":"e","pid":7,"uid":0,"binary":"/bin/cat","arguments":"/etc/shadow"},"parent":{"binary":"/bin/bash"},"function_name":"security_file_permission","args":[{"file_arg":{"path":"/etc/shadow","permission":"-rw-r-----"}},{"int_arg":4}],"action":"KPROBE_ACTION_SIGKILL","policy_name":"files"},"node_name":"n","time":"2023-10-06T22:03:57Z"})");
  EXPECT_EQ(Row(file), R"(time=2023-10-06T22:03:57.000000000Z
time_kind=Event Time
node=n
user_name=0
action=security_file_permission
process=/bin/cat
command_line=/bin/cat /etc/shadow
path=/etc/shadow
record_id=e
message=/bin/cat /etc/shadow called security_file_permission on /etc/shadow
tags=parent=/bin/bash policy=files blocked
pid=7
)");
  const Event socket = ParseOne(
      R"({"process_kprobe":{"process":{"pid":7,"binary":"/tmp/a b"},"function_name":"tcp_connect","args":[{"sock_arg":{"family":"AF_INET","saddr":"10.0.0.5","daddr":"192.0.2.9","sport":40000,"dport":443}}]},"time":"2023-10-06T22:03:57Z"})");
  EXPECT_EQ(socket[Text::kMessage], "'/tmp/a b' called tcp_connect to 192.0.2.9:443");
  EXPECT_EQ(socket[Text::kSourceIp], "10.0.0.5");
  EXPECT_EQ(socket[Number::kDestinationPort], 443);
}

TEST(Tetragon, KnowsItsRecords) {
  EXPECT_EQ(TetragonFormat().Sniff(kExec), Match::kYes);
  for (const std::string_view other : {R"({"process":{"binary":"x"}})", R"({"process_exec":1})",
                                       R"({"kind":"Event"})", "text", ""}) {
    EXPECT_EQ(TetragonFormat().Sniff(other), Match::kNo) << other;
    Parsed parsed;
    Parse(TetragonFormat(), other, parsed);
    EXPECT_EQ(parsed.outcome, Outcome::kNotMine) << other;
  }
}

TEST(Tetragon, SurvivesEveryDamage) { ParseEveryDamage(TetragonFormat(), kExec); }

}  // namespace
}  // namespace ekshume::log::tetragon
