// SPDX-License-Identifier: Apache-2.0
#include "log/guardduty/reader.h"

#include <gmock/gmock.h>

#include "log/test_row.h"
#include "log/test_support.h"

namespace ekshume::log::guardduty {
namespace {

using testing::kNoSharedLogs;
using testing::Number;
using testing::Parsed;
using testing::RecordsOf;
using testing::Row;
using testing::SharedLog;
using testing::Text;

Parsed& Read(std::string_view record, Parsed& parsed) {
  testing::Parse(GuardDutyFormat(), record, parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kEvents) << record;
  return parsed;
}

constexpr std::string_view kRuntime =
    R"({"schemaVersion":"2.0","accountId":"123456789012","region":"eu-central-1","partition":"aws",)"
    R"("id":"f1","arn":"arn:aws:guardduty:eu-central-1:123456789012:detector/d/finding/f1",)"
    R"("type":"Execution:Runtime/ReverseShell","resource":{"resourceType":"EKSCluster",)"
    R"("instanceDetails":{"instanceId":"i-0a","networkInterfaces":[{"privateDnsName":"ip-10-0-0-1.ec2.internal"}]},)"
    R"("eksClusterDetails":{"name":"prod","createdAt":1669243862.1},)"
    R"("kubernetesDetails":{"kubernetesUserDetails":null,"kubernetesWorkloadDetails":{"name":"cart-0",)"
    R"("type":"pods","uid":"u-1","namespace":"shop","serviceAccountName":"cart"}},)"
    R"("containerDetails":{"id":"containerd://abc123","name":"app","image":"shop/cart:1"}},)"
    R"("service":{"serviceName":"guardduty","action":{"actionType":"NETWORK_CONNECTION",)"
    R"("networkConnectionAction":{"connectionDirection":"OUTBOUND","blocked":false,)"
    R"("localPortDetails":{"port":40000},"remotePortDetails":{"port":4444},)"
    R"("localIpDetails":{"ipAddressV4":"10.0.0.9"},"remoteIpDetails":{"ipAddressV4":"203.0.113.7"}}},)"
    R"("runtimeDetails":{"process":{"name":"bash","executablePath":"/bin/bash","executableSha256":"9f86",)"
    R"("pid":4711,"user":"www-data"},"context":{"commandLineExample":"bash -i"}},"archived":true,)"
    R"("count":3,"eventFirstSeen":"2026-11-24T20:00:00.000Z","eventLastSeen":"2026-11-24T21:39:08.500Z",)"
    R"("additionalInfo":{"value":"{}","type":"default"}},"severity":8,)"
    R"("createdAt":"2026-11-24T20:10:00.000Z","updatedAt":"2026-11-24T21:45:00.000Z",)"
    R"("title":"A reverse shell","description":"A process opened a reverse shell."})";

TEST(GuardDuty, ReadsRuntimeFindingsOfS3AndEventBridge) {
  Parsed parsed;
  ASSERT_EQ(Read(kRuntime, parsed).events.size(), 1u);
  EXPECT_EQ(Row(parsed.events[0]),
            "time=2026-11-24T21:39:08.500000000Z\n"
            "identity=f1/2026-11-24T21:45:00.000Z\n"
            "time_kind=Last Seen Time\n"
            "account_id=123456789012\n"
            "region=eu-central-1\n"
            "cluster=prod\n"
            "node=ip-10-0-0-1.ec2.internal\n"
            "namespace=shop\n"
            "pod=cart-0\n"
            "pod_uid=u-1\n"
            "container=app\n"
            "container_id=abc123\n"
            "image=shop/cart:1\n"
            "user_name=www-data\n"
            "service_account=shop/cart\n"
            "source_ip=10.0.0.9\n"
            "destination_ip=203.0.113.7\n"
            "action=Execution:Runtime/ReverseShell\n"
            "object_kind=pods\n"
            "object_name=cart-0\n"
            "outcome=unknown\n"
            "severity=high\n"
            "process=/bin/bash\n"
            "command_line=bash -i\n"
            "sha256=9f86\n"
            "record_id=f1\n"
            "message=A process opened a reverse shell. (seen 3 times)\n"
            "tags=first=2026-11-24T20:00:00.000Z updated=2026-11-24T21:45:00.000000000Z "
            "instance=i-0a archived\n"
            "source_port=40000\n"
            "destination_port=4444\n"
            "pid=4711\n");
  EXPECT_TRUE(parsed.diagnostics.Sorted().empty());
}

TEST(GuardDuty, ReadsTheRealEksFinding) {
  const auto file =
      SharedLog("aws_cdk_eks_blueprints_patterns/getfindings_privilegedcontainer.json");
  if (!file) GTEST_SKIP() << kNoSharedLogs;
  const std::vector<std::string> records = RecordsOf(*file);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(GuardDutyFormat().Sniff(records[0]), Match::kYes);
  Parsed parsed;
  ASSERT_EQ(Read(records[0], parsed).events.size(), 1u);
  EXPECT_EQ(Row(parsed.events[0]),
            "time=2023-03-22T21:27:18.630000000Z\n"
            "identity=f2c3859c6ca25b3057d13470a992bbd7/2023-03-22T21:28:07.748Z\n"
            "time_kind=Last Seen Time\n"
            "account_id=123456789012\n"
            "region=us-east-1\n"
            "cluster=guardduty-blueprint\n"
            "namespace=argocd\n"
            "pod=privileged-pod\n"
            "pod_uid=33a3c89e-3280-474d-b8cb-fdf03394fc15\n"
            "container=app\n"
            "image=centos\n"
            "user_name=system:serviceaccount:argocd:argocd-application-controller\n"
            "service_account=argocd/argocd-application-controller\n"
            "source_ip=10.0.205.129\n"
            "user_agent=argocd-application-controller/v0.0.0 (linux/amd64) kubernetes/$Format\n"
            "action=PrivilegeEscalation:Kubernetes/PrivilegedContainer\n"
            "object_kind=pods\n"
            "object_name=privileged-pod\n"
            "outcome=success\n"
            "severity=medium\n"
            "record_id=f2c3859c6ca25b3057d13470a992bbd7\n"
            "message=A privileged container with root level access was launched on EKS Cluster "
            "guardduty-blueprint. If this behavior is not expected, it may indicate that your "
            "credentials are compromised.\n"
            "tags=first=2023-03-22T21:27:18.186Z updated=2023-03-22T21:28:07.748000000Z\n"
            "status_code=201\n");
  EXPECT_TRUE(parsed.diagnostics.Sorted().empty());
}

TEST(GuardDuty, FlagsSamples) {
  for (const char* sample : {R"("additionalInfo":{"value":"{\"unusual\":{}, \"sample\": true}"})",
                             R"("additionalInfo":{"sample":true})"}) {
    Parsed parsed;
    const std::string record =
        R"({"schemaVersion":"2.0","id":"f","type":"A:B/C","title":"T","resource":{"resourceType":"Instance"},"service":{)" +
        std::string(sample) + "}}";
    Read(record, parsed);
    Read(record, parsed);
    ASSERT_EQ(parsed.events.size(), 2u);
    EXPECT_EQ(parsed.events[0][Text::kTags], "sample");
    EXPECT_EQ(parsed.events[0][Text::kMessage], "[SAMPLE] T");
    const std::vector<Diagnostic> found = parsed.diagnostics.Sorted();
    ASSERT_EQ(found.size(), 1u);  // once, however many
    EXPECT_EQ(found[0].code, DiagnosticCode::kLogSample);
  }
}

TEST(GuardDuty, NamesSeverities) {
  const std::pair<const char*, const char*> cases[] = {
      {"0", "informational"}, {"1", "low"},  {"3.9", "low"},  {"4.0", "medium"},
      {"6.9", "medium"},      {"7", "high"}, {"8.9", "high"}, {"9", "critical"},
      {"10", "critical"},     {"null", ""},  {"\"high\"", ""}};
  for (const auto& [number, name] : cases) {
    Parsed parsed;
    Read(
        R"({"schemaVersion":"2.0","id":"f","type":"A:B/C","resource":{"resourceType":"X"},"severity":)" +
            std::string(number) + "}",
        parsed);
    ASSERT_EQ(parsed.events.size(), 1u);
    EXPECT_EQ(parsed.events[0][Text::kSeverity], name) << number;
  }
}

TEST(GuardDuty, ReadsWhatSecurityHubPassesOn) {
  Parsed parsed;
  Read(
      R"({"SchemaVersion":"2018-10-08","Id":"arn:aws:guardduty:eu-central-1:123456789012:detector/d/finding/f9",)"
      R"("ProductArn":"arn:aws:securityhub:eu-central-1::product/aws/guardduty","AwsAccountId":"123456789012",)"
      R"("Region":"eu-central-1","Types":["TTPs/Discovery/Discovery:Kubernetes-MaliciousIPCaller.Custom"],)"
      R"("FirstObservedAt":"2026-11-24T20:00:00Z","LastObservedAt":"2026-11-24T21:00:00Z","UpdatedAt":"2026-11-24T22:00:00Z",)"
      R"("Severity":{"Product":5,"Label":"MEDIUM","Normalized":50},"Title":"T","Description":"D",)"
      R"("ProductFields":{"aws/guardduty/service/action/actionType":"KUBERNETES_API_CALL",)"
      R"("aws/guardduty/service/action/kubernetesApiCallAction/verb":"list",)"
      R"("aws/guardduty/service/action/kubernetesApiCallAction/statusCode":"403",)"
      R"("aws/guardduty/service/action/kubernetesApiCallAction/sourceIPs.0_":"203.0.113.7",)"
      R"("aws/guardduty/service/action/kubernetesApiCallAction/sourceIPs.1_":"203.0.113.8",)"
      R"("aws/guardduty/service/count":"2"},"Resources":[{"Type":"AwsEksCluster","Id":"x",)"
      R"("Details":{"AwsEksCluster":{"Name":"prod"}}},{"Type":"Container","Details":{"Container":{"Name":"app","ImageName":"shop/cart:1"}}}],)"
      R"("RecordState":"ARCHIVED","Sample":true})",
      parsed);
  ASSERT_EQ(parsed.events.size(), 1u);
  const event::Event& event = parsed.events[0];
  EXPECT_EQ(event[Text::kRecordId], "f9");
  EXPECT_EQ(event.time, ParseTimestamp("2026-11-24T21:00:00Z"));
  EXPECT_EQ(event[Text::kAction], "Discovery:Kubernetes/MaliciousIPCaller.Custom");
  EXPECT_EQ(event[Text::kSeverity], "medium");
  EXPECT_EQ(event[Text::kCluster], "prod");
  EXPECT_EQ(event[Text::kContainer], "app");
  EXPECT_EQ(event[Text::kImage], "shop/cart:1");
  EXPECT_EQ(event[Text::kSourceIp], "203.0.113.7");
  EXPECT_EQ(event[Text::kOutcome], "failure");
  EXPECT_EQ(event[Number::kStatusCode], 403);
  EXPECT_EQ(event[Text::kTags],
            "sample first=2026-11-24T20:00:00Z updated=2026-11-24T22:00:00.000000000Z archived");
  EXPECT_EQ(event[Text::kMessage], "[SAMPLE] D (seen 2 times)");
}

TEST(GuardDuty, ReadsOldProductFields) {
  const auto file =
      SharedLog("cloud_custodian/tests/data/cwe/event-securityhub-iamkey-finding-action.json");
  if (!file) GTEST_SKIP() << kNoSharedLogs;
  simdjson::dom::parser parser;
  const std::string record =
      simdjson::minify(parser.parse(*file)["detail"]["findings"].at(0).value());
  Parsed parsed;
  Read(record, parsed);
  ASSERT_EQ(parsed.events.size(), 1u);
  EXPECT_EQ(parsed.events[0][Text::kAction], "UnauthorizedAccess:IAMUser/ConsoleLogin");
  const std::string& source_ip = parsed.events[0][Text::kSourceIp];
  const std::string& user_name = parsed.events[0][Text::kUserName];
  ASSERT_FALSE(source_ip.empty() || user_name.empty());
  EXPECT_THAT(record, ::testing::HasSubstr(R"(remoteIpDetails/ipAddressV4":")" + source_ip + '"'));
  EXPECT_THAT(record, ::testing::HasSubstr(R"("UserName":")" + user_name + '"'));
  EXPECT_EQ(parsed.events[0][Text::kObjectName], "ConsoleLogin");
  EXPECT_EQ(parsed.events[0][Text::kSeverity], "medium");
}

TEST(GuardDuty, ReadsSequencesAndScans) {
  Parsed parsed;
  Read(
      R"({"schemaVersion":"2.0","id":"s","type":"AttackSequence:EKS/CompromisedCluster","severity":9,"resource":{"resourceType":"AttackSequence"},)"
      R"("service":{"detection":{"sequence":{"actors":[{"user":{"name":"eve","credentialUid":"ASIAX"}}],"endpoints":[{"ip":"203.0.113.7"}],)"
      R"("resources":[{"data":{"eksCluster":{"arn":"arn:aws:eks:eu-central-1:123456789012:cluster/prod"}}},{"data":{"kubernetesWorkload":{"namespace":"shop"}}}]}}}})",
      parsed);
  Read(
      R"({"schemaVersion":"2.0","id":"m","type":"Execution:Kubernetes/MaliciousFile","resource":{"resourceType":"EKSCluster"},)"
      R"("service":{"ebsVolumeScanDetails":{"scanDetections":{"threatDetectedByName":{"threatNames":[{"name":"EICAR-Test-File","filePaths":[{"filePath":"tmp/eicar.com","hash":"275a"}]}]}}}}})",
      parsed);
  ASSERT_EQ(parsed.events.size(), 2u);
  EXPECT_EQ(parsed.events[0][Text::kCluster], "prod");
  EXPECT_EQ(parsed.events[0][Text::kNamespace], "shop");
  EXPECT_EQ(parsed.events[0][Text::kUserName], "eve");
  EXPECT_EQ(parsed.events[0][Text::kAccessKeyId], "ASIAX");
  EXPECT_EQ(parsed.events[0][Text::kSourceIp], "203.0.113.7");
  EXPECT_EQ(parsed.events[0][Text::kSeverity], "critical");
  EXPECT_EQ(parsed.events[1][Text::kPath], "tmp/eicar.com");
  EXPECT_EQ(parsed.events[1][Text::kSha256], "275a");
  EXPECT_EQ(parsed.events[1][Text::kObjectName], "EICAR-Test-File");
}

TEST(GuardDuty, ReadsTheRealSamples) {
  size_t count = 0;
  for (const char* name :
       {"Credential-Access-IAM-Anomalous-Behavior", "Discovery-RDS-Tor-Ip-Caller",
        "Recon-EC2-PortProbeEMRUnprotectedPort", "Recon-EC2-Portscan",
        "Trojan-EC2-DNSDataExfiltration", "UnauthorizedAccess-EC2-SSHBruteForce"}) {
    const auto file = SharedLog("guardduty_soar/samples/" + std::string(name) + ".json");
    if (!file) GTEST_SKIP() << kNoSharedLogs;
    for (const std::string& record : RecordsOf(*file)) {
      ++count;
      EXPECT_EQ(GuardDutyFormat().Sniff(record), Match::kYes) << name;
      Parsed parsed;
      Read(record, parsed);
      ASSERT_EQ(parsed.events.size(), 1u) << name;
      const event::Event& event = parsed.events[0];
      EXPECT_TRUE(event.time) << name;
      EXPECT_EQ(event[Text::kRecordId].size(), 32u) << name;
      EXPECT_NE(event[Text::kSeverity], "") << name;
      EXPECT_THAT(event[Text::kTags], ::testing::HasSubstr("sample")) << name;
      EXPECT_EQ(parsed.diagnostics.Count(DiagnosticCode::kLogSample), 1u);
    }
  }
  EXPECT_EQ(count, 6u);
}

TEST(GuardDuty, ReadsFindingsThatLackMostMembers) {
  for (int i = 1; i <= 9; ++i) {
    const auto file = SharedLog("stix_shifter/finding_0" + std::to_string(i) + ".json");
    if (!file) GTEST_SKIP() << kNoSharedLogs;
    for (const std::string& record : RecordsOf(*file)) {
      Parsed parsed;
      Read(record, parsed);
      EXPECT_NE(GuardDutyFormat().Sniff(record), Match::kNo) << i;
      ASSERT_EQ(parsed.events.size(), 1u) << i;
      EXPECT_NE(parsed.events[0][Text::kObjectKind], "") << i;
    }
  }
}

TEST(GuardDuty, TellsOtherJsonAndBrokenRecordsApart) {
  for (
      const char* other :
      {R"({"kind":"Event","verb":"get"})", R"({"a":[1,2,{"b":null}]})", "[1]",
       R"({"eventVersion":"1.08","eventSource":"guardduty.amazonaws.com","requestParameters":{"x":"arn:aws:guardduty:a:b:detector/d/finding/f"},"resource":1})",
       R"({"SchemaVersion":"2018-10-08","ProductArn":"arn:aws:securityhub:eu-central-1::product/aws/inspector","Types":["a:b"],"Resources":[{"Type":"x"}]})"}) {
    Parsed parsed;
    testing::Parse(GuardDutyFormat(), other, parsed);
    EXPECT_EQ(parsed.outcome, Outcome::kNotMine) << other;
    EXPECT_EQ(GuardDutyFormat().Sniff(other), Match::kNo) << other;
  }
  Parsed parsed;
  testing::Parse(GuardDutyFormat(), kRuntime.substr(0, 500), parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kDamaged);
}

TEST(GuardDuty, SurvivesEveryDamage) { testing::ParseEveryDamage(GuardDutyFormat(), kRuntime); }

TEST(GuardDuty, NamesDatabasesAndFunctions) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("rdsDbInstanceDetails":{"dbInstanceIdentifier":"orders"})", "orders"},
      {R"("lambdaDetails":{"functionName":"mailer"})", "mailer"}};
  for (const auto& [resource, name] : cases) {
    Parsed parsed;
    Read(R"({"schemaVersion":"2.0","id":"f","type":"A:B/C","resource":{"resourceType":"X",)" +
             std::string(resource) + "}}",
         parsed);
    ASSERT_EQ(parsed.events.size(), 1u);
    EXPECT_EQ(parsed.events[0][Text::kObjectName], name);
  }
}

}  // namespace
}  // namespace ekshume::log::guardduty
