// SPDX-License-Identifier: Apache-2.0
#include "log/cloudtrail/reader.h"

#include <gmock/gmock.h>

#include <regex>
#include <set>

#include "log/test_row.h"
#include "log/test_support.h"

namespace ekshume::log::cloudtrail {
namespace {

using testing::kNoSharedLogs;
using testing::Number;
using testing::Parsed;
using testing::RecordsOf;
using testing::Row;
using testing::SharedLog;
using testing::Text;

// The one event of a record.
event::Event Read(std::string_view record) {
  Parsed parsed;
  testing::Parse(CloudTrailFormat(), record, parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kEvents) << record;
  EXPECT_EQ(parsed.events.size(), 1u) << record;
  EXPECT_TRUE(parsed.diagnostics.Sorted().empty());
  return parsed.events.empty() ? event::Event() : parsed.events.front();
}

Outcome OutcomeOf(std::string_view record) {
  Parsed parsed;
  testing::Parse(CloudTrailFormat(), record, parsed);
  return parsed.outcome;
}

constexpr std::string_view kDenied =
    R"({"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE",)"
    R"("arn":"arn:aws:iam::123456789012:user/alice","accountId":"123456789012",)"
    R"("accessKeyId":"AKIAIOSFODNN7EXAMPLE","userName":"alice"},"eventTime":"2026-11-24T21:39:08Z",)"
    R"("eventSource":"eks.amazonaws.com","eventName":"CreateAccessEntry","awsRegion":"eu-central-1",)"
    R"("sourceIPAddress":"203.0.113.7","userAgent":"aws-cli/2.15","errorCode":"AccessDenied",)"
    R"("errorMessage":"User is not authorized","requestParameters":{"name":"prod",)"
    R"("principalArn":"arn:aws:iam::123456789012:role/backdoor"},"responseElements":null,)"
    R"("requestID":"r-1","eventID":"865d9377-9c6b-4fd7-8aad-725e95f6a140","readOnly":false,)"
    R"("eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"123456789012",)"
    R"("sharedEventID":"s-1","eventCategory":"Management"})";

TEST(CloudTrail, ReadsEveryField) {
  const event::Event event = Read(kDenied);
  EXPECT_EQ(event.time, (Timestamp{1795556348, 0}));
  EXPECT_EQ(event.identity, "865d9377-9c6b-4fd7-8aad-725e95f6a140/123456789012/s-1");
  EXPECT_EQ(event[Text::kRecordId], "865d9377-9c6b-4fd7-8aad-725e95f6a140");
  EXPECT_EQ(event[Text::kTimeKind], "Event Time");
  EXPECT_EQ(event[Text::kAccountId], "123456789012");
  EXPECT_EQ(event[Text::kRegion], "eu-central-1");
  EXPECT_EQ(event[Text::kCluster], "prod");
  EXPECT_EQ(event[Text::kUserName], "alice");
  EXPECT_EQ(event[Text::kUserArn], "arn:aws:iam::123456789012:user/alice");
  EXPECT_EQ(event[Text::kAccessKeyId], "AKIAIOSFODNN7EXAMPLE");
  EXPECT_EQ(event[Text::kSourceIp], "203.0.113.7");
  EXPECT_EQ(event[Text::kUserAgent], "aws-cli/2.15");
  EXPECT_EQ(event[Text::kAction], "CreateAccessEntry");
  EXPECT_EQ(event[Text::kObjectKind], "eks.amazonaws.com");
  EXPECT_EQ(event[Text::kObjectName], "arn:aws:iam::123456789012:role/backdoor");
  EXPECT_EQ(event[Text::kOutcome], "failure");
  EXPECT_EQ(event[Text::kError], "AccessDenied");
  EXPECT_EQ(event[Text::kTags], "");
  EXPECT_EQ(event[Text::kMessage],
            "alice (AKIAIOSFODNN7EXAMPLE) called CreateAccessEntry "
            "(arn:aws:iam::123456789012:role/backdoor) on eks.amazonaws.com from 203.0.113.7: "
            "AccessDenied");
}

// A record with these members between its fixed ones.
std::string With(std::string_view source, std::string_view name, std::string_view members) {
  return R"({"eventVersion":"1.09","eventTime":"2026-11-24T21:39:08Z","eventSource":")" +
         std::string(source) + R"(","eventName":")" + std::string(name) +
         R"(","eventID":"e-1","recipientAccountId":"123456789012",)" + std::string(members) + "}";
}

TEST(CloudTrail, NullAndSuccessAreNoErrors) {
  for (const char* code : {"null", "\"Success\"", "\"\""}) {
    const event::Event event =
        Read(With("s3.amazonaws.com", "ListBuckets", std::string(R"("errorCode":)") + code));
    EXPECT_EQ(event[Text::kOutcome], "success") << code;
    EXPECT_EQ(event[Text::kError], "") << code;
  }
}

TEST(CloudTrail, StripsTheVersionFromNames) {
  const std::pair<const char*, const char*> names[] = {
      {"UpdateFunctionCode20150331v2", "UpdateFunctionCode"},
      {"ListFunctions20150331", "ListFunctions"},
      {"CreateDistribution2020_05_31", "CreateDistribution"},
      {"GetBucketAcl", "GetBucketAcl"},
      {"DescribeV2", "DescribeV2"},
      {"20150331", "20150331"}};
  for (const auto& [written, action] : names) {
    EXPECT_EQ(Read(With("lambda.amazonaws.com", written, R"("readOnly":true)"))[Text::kAction],
              action);
  }
}

TEST(CloudTrail, NamesTheObject) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("requestParameters":{"bucketName":"b","Host":"h","key":"a/b c.txt"})", "b/a/b c.txt"},
      {R"("requestParameters":{"bucketName":"b"})", "b"},
      {R"("requestParameters":{"policyArn":"arn:aws:iam::aws:policy/Admin","userName":"bob"})",
       "bob"},
      {R"("requestParameters":{"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":"i-2"}]}})",
       "i-1"},
      {R"("requestParameters":{"instancesSet":{"items":[{"imageId":"ami-1"}]}},)"
       R"("responseElements":{"instancesSet":{"items":[{"instanceId":"i-9"}]}})",
       "i-9"},
      {R"("requestParameters":{"DeleteFlowLogsRequest":{"FlowLogId":{"content":"fl-1","tag":1}}})",
       "fl-1"},
      {R"("requestParameters":{"secretIdList":["one","two"]})", "one"},
      {R"("requestParameters":{"clientToken":"t","widgetIdentifier":"w-1"})", "w-1"},
      {R"("requestParameters":{"clusterName":"prod","nodegroupName":"blue"})", "blue"},
      {R"("requestParameters":{"count":5},"responseElements":{"keyId":"k-1","requestId":"r"})",
       "k-1"},
      {R"("requestParameters":null,"resources":[{"type":"AWS::KMS::Key"},{"ARN":"arn:one"},{"ARN":"arn:two"}])",
       "arn:one"},
      {R"("requestParameters":null)", ""},
  };
  for (const auto& [members, name] : cases) {
    EXPECT_EQ(Read(With("x.amazonaws.com", "Call", members))[Text::kObjectName], name) << members;
  }
}

TEST(CloudTrail, NamesTheActor) {
  struct Case {
    const char* identity;
    const char* user;
    const char* tags;
  };
  const Case cases[] = {
      {R"({"type":"AssumedRole","principalId":"AROAX:i-0a","arn":"arn:aws:sts::123456789012:assumed-role/node/i-0a","accessKeyId":"ASIAX"})",
       "i-0a", ""},
      {R"({"type":"AssumedRole","principalId":"AROAX:session"})", "session", ""},
      {R"({"type":"Root","principalId":"123456789012","arn":"arn:aws:iam::123456789012:root"})",
       "root", "root"},
      {R"({"type":"AWSService","invokedBy":"autoscaling.amazonaws.com"})",
       "autoscaling.amazonaws.com", ""},
      {R"({"type":"AWSAccount","principalId":"","accountId":"ANONYMOUS_PRINCIPAL"})", "anonymous",
       "anonymous"},
      {R"({"type":"AWSAccount","principalId":"AIDAX","accountId":"111122223333"})", "AIDAX", ""},
      {R"({"type":"IdentityCenterUser","accountId":"123456789012","onBehalfOf":{"userId":"u-1","identityStoreArn":"x"}})",
       "u-1", ""},
      {R"({"type":"FederatedUser","arn":"arn:aws:sts::123456789012:federated-user/eve","principalId":"1:eve"})",
       "eve", ""},
  };
  for (const Case& c : cases) {
    const event::Event event =
        Read(With("s3.amazonaws.com", "GetObject", std::string(R"("userIdentity":)") + c.identity));
    EXPECT_EQ(event[Text::kUserName], c.user) << c.identity;
    EXPECT_EQ(event[Text::kTags], c.tags) << c.identity;
    EXPECT_EQ(event[Text::kAccountId], "123456789012") << c.identity;
  }
}

TEST(CloudTrail, LeadsFromAServiceAccountToItsKey) {
  const event::Event event = Read(With(
      "sts.amazonaws.com", "AssumeRoleWithWebIdentity",
      R"("userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/EX:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"arn:aws:iam::123456789012:oidc-provider/oidc.eks"},)"
      R"("requestParameters":{"roleArn":"arn:aws:iam::123456789012:role/cart","roleSessionName":"botocore-session-1"},)"
      R"("responseElements":{"credentials":{"accessKeyId":"ASIAEXAMPLE","sessionToken":"x"},"subjectFromWebIdentityToken":"system:serviceaccount:shop:cart","assumedRoleUser":{"assumedRoleId":"AROAX:botocore-session-1","arn":"arn:aws:sts::123456789012:assumed-role/cart/botocore-session-1"}})"));
  EXPECT_EQ(event[Text::kUserName], "system:serviceaccount:shop:cart");
  EXPECT_EQ(event[Text::kServiceAccount], "shop/cart");
  EXPECT_EQ(event[Text::kNamespace], "shop");
  EXPECT_EQ(event[Text::kObjectName], "arn:aws:iam::123456789012:role/cart");
  EXPECT_EQ(event[Text::kTags],
            "issued_key=ASIAEXAMPLE "
            "issued_arn=arn:aws:sts::123456789012:assumed-role/cart/botocore-session-1 "
            "role=arn:aws:iam::123456789012:role/cart");
}

TEST(CloudTrail, LeadsFromAPodIdentityToItsKey) {
  const event::Event event = Read(With(
      "eks-auth.amazonaws.com", "AssumeRoleForPodIdentity",
      R"("userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::123456789012:assumed-role/node/i-0a"},)"
      R"("requestParameters":{"clusterName":"prod","token":"HIDDEN_DUE_TO_SECURITY_REASONS"},)"
      R"("responseElements":{"subject":{"namespace":"shop","serviceAccount":"cart"},"credentials":{"accessKeyId":"ASIAPOD"},"assumedRoleUser":{"arn":"arn:aws:sts::123456789012:assumed-role/cart/eks-prod-cart-0-x"}})"));
  EXPECT_EQ(event[Text::kCluster], "prod");
  EXPECT_EQ(event[Text::kNamespace], "shop");
  EXPECT_EQ(event[Text::kServiceAccount], "shop/cart");
  EXPECT_EQ(event[Text::kUserName], "i-0a");
  EXPECT_THAT(event[Text::kTags], ::testing::HasSubstr("issued_key=ASIAPOD"));
}

constexpr std::string_view kPodTags =
    R"("requestParameters":{"roleArn":"arn:aws:iam::123456789012:role/cart","roleSessionName":"eks-prod-cart-0-x","tags":[{"key":"eks-cluster-name","value":"prod"},{"key":"kubernetes-namespace","value":"shop"},{"key":"kubernetes-service-account","value":"cart"},{"key":"kubernetes-pod-name","value":"cart-0"},{"key":"kubernetes-pod-uid","value":"u-1"}]})";

TEST(CloudTrail, BelievesSessionTagsOnlyOfEks) {
  const event::Event real =
      Read(With("sts.amazonaws.com", "AssumeRole",
                R"("userIdentity":{"type":"AWSService","invokedBy":"pods.eks.amazonaws.com"},)" +
                    std::string(kPodTags)));
  EXPECT_EQ(real[Text::kCluster], "prod");
  EXPECT_EQ(real[Text::kNamespace], "shop");
  EXPECT_EQ(real[Text::kServiceAccount], "shop/cart");
  EXPECT_EQ(real[Text::kPod], "cart-0");
  EXPECT_EQ(real[Text::kPodUid], "u-1");
  const event::Event forged =
      Read(With("sts.amazonaws.com", "AssumeRole",
                R"("userIdentity":{"type":"IAMUser","userName":"eve"},)" + std::string(kPodTags)));
  EXPECT_EQ(forged[Text::kServiceAccount], "");
  EXPECT_EQ(forged[Text::kPod], "");
  EXPECT_EQ(forged[Text::kCluster], "");
}

TEST(CloudTrail, TagsNewAccessKeys) {
  const event::Event event = Read(With(
      "iam.amazonaws.com", "CreateAccessKey",
      R"("requestParameters":{"userName":"bob"},"responseElements":{"accessKey":{"accessKeyId":"AKIANEW","userName":"bob","status":"Active"}})"));
  EXPECT_EQ(event[Text::kTags], "issued_key=AKIANEW");
  EXPECT_EQ(event[Text::kObjectName], "bob");
}

TEST(CloudTrail, ReadsConsoleSignIns) {
  const event::Event event = Read(With(
      "signin.amazonaws.com", "ConsoleLogin",
      R"("eventType":"AwsConsoleSignIn","userIdentity":{"type":"IAMUser","userName":"alice"},"sourceIPAddress":"203.0.113.7","errorMessage":"Failed authentication","responseElements":{"ConsoleLogin":"Failure"},"additionalEventData":{"MFAUsed":"No"})"));
  EXPECT_EQ(event[Text::kAction], "ConsoleLogin");
  EXPECT_EQ(event[Text::kOutcome], "failure");
  EXPECT_EQ(event[Text::kError], "Failed authentication");
  EXPECT_EQ(event[Text::kTags], "no_mfa");
  EXPECT_EQ(event[Text::kMessage],
            "alice failed to sign in to the console from 203.0.113.7: Failed authentication");
}

TEST(CloudTrail, ReadsInsights) {
  const event::Event event = Read(
      R"({"eventVersion":"1.07","eventTime":"2026-11-24T21:00:00Z","awsRegion":"eu-central-1","eventID":"i-1","eventType":"AwsCloudTrailInsight","recipientAccountId":"123456789012","sharedEventID":"s-1","insightDetails":{"state":"Start","eventSource":"autoscaling.amazonaws.com","eventName":"CompleteLifecycleAction","insightType":"ApiCallRateInsight","insightContext":{"statistics":{"baseline":{"average":0.25},"insight":{"average":664},"insightDuration":1},"attributions":[]}},"eventCategory":"Insight"})");
  EXPECT_EQ(event.identity, "i-1/123456789012/s-1");
  EXPECT_EQ(event[Text::kAccountId], "123456789012");
  EXPECT_EQ(event[Text::kAction], "ApiCallRateInsight");
  EXPECT_EQ(event[Text::kObjectKind], "autoscaling.amazonaws.com");
  EXPECT_EQ(event[Text::kObjectName], "CompleteLifecycleAction");
  EXPECT_EQ(event[Text::kStage], "Start");
  EXPECT_EQ(event[Text::kOutcome], "unknown");
  EXPECT_EQ(event[Text::kMessage],
            "Insight ApiCallRateInsight Start: CompleteLifecycleAction on "
            "autoscaling.amazonaws.com, 664 a minute, usually 0.25");
}

TEST(CloudTrail, ReadsServiceEventsAndDataEvents) {
  const event::Event service = Read(With(
      "eks.amazonaws.com", "RotateKey",
      R"("eventType":"AwsServiceEvent","userIdentity":{"accountId":"123456789012","invokedBy":"AWS Internal"},"serviceEventDetails":{"x":1})"));
  EXPECT_EQ(service[Text::kMessage], "AWS Internal reported RotateKey on eks.amazonaws.com");
  const event::Event data = Read(With(
      "s3.amazonaws.com", "GetObject",
      R"("requestParameters":{"bucketName":"b","key":"k"},"additionalEventData":{"bytesTransferredIn":0,"bytesTransferredOut":1024.0},"readOnly":true)"));
  EXPECT_EQ(data[Number::kSize], 1024);
  EXPECT_EQ(data[Text::kTags], "read_only");
}

TEST(CloudTrail, ReadsItemsOfLookupEvents) {
  const event::Event event = Read(
      R"({"EventId":"0828c0d2","EventName":"TerminateInstances","ReadOnly":"false","AccessKeyId":"AKIAX","EventTime":"2022-02-08 09:23:37+11:00","EventSource":"ec2.amazonaws.com","Username":"alice","Resources":[{"ResourceType":"AWS::EC2::Instance","ResourceName":"i-1"}]})");
  EXPECT_EQ(event.time, (Timestamp{1644272617, 0}));
  EXPECT_EQ(event[Text::kRecordId], "0828c0d2");
  EXPECT_EQ(event[Text::kUserName], "alice");
  EXPECT_EQ(event[Text::kAccessKeyId], "AKIAX");
  EXPECT_EQ(event[Text::kObjectName], "i-1");
  const event::Event epoch = Read(
      R"({"EventId":"1","EventName":"X","EventTime":1644272617.5,"EventSource":"ec2.amazonaws.com"})");
  EXPECT_EQ(epoch.time, (Timestamp{1644272617, 500000000}));
}

TEST(CloudTrail, ReadsRecordsThatLackMembers) {
  const event::Event event = Read(R"({"eventSource":"s3.amazonaws.com","eventName":"PutObject"})");
  EXPECT_FALSE(event.time);
  EXPECT_EQ(event.identity, "");
  EXPECT_EQ(event[Text::kMessage], "Somebody called PutObject on s3.amazonaws.com");
}

TEST(CloudTrail, TellsOtherJsonAndBrokenRecordsApart) {
  EXPECT_EQ(OutcomeOf(R"({"kind":"Event","verb":"get"})"), Outcome::kNotMine);
  EXPECT_EQ(OutcomeOf(kDenied.substr(0, 300)), Outcome::kDamaged);
  EXPECT_EQ(OutcomeOf(std::string(kDenied) + "{}"), Outcome::kDamaged);
  EXPECT_EQ(CloudTrailFormat().Sniff(kDenied), Match::kYes);
  EXPECT_EQ(CloudTrailFormat().Sniff(R"({"kind":"Event","auditID":"x"})"), Match::kNo);
  EXPECT_EQ(CloudTrailFormat().Sniff("eventName eventSource"), Match::kNo);
}

TEST(CloudTrail, SurvivesEveryDamage) { testing::ParseEveryDamage(CloudTrailFormat(), kDenied); }

TEST(CloudTrailGolden, StratusRetrievesSecrets) {
  const auto file = SharedLog(
      "stratus_red_team/docs/detonation-logs/"
      "aws.credential-access.secretsmanager-retrieve-secrets.json");
  if (!file) GTEST_SKIP() << kNoSharedLogs;
  std::multiset<std::string> actions;
  std::set<std::string> objects;
  for (const std::string& record : RecordsOf(*file)) {
    EXPECT_EQ(CloudTrailFormat().Sniff(record), Match::kYes);
    const event::Event event = Read(record);
    EXPECT_TRUE(event.time);
    EXPECT_FALSE(event.identity.empty());
    EXPECT_EQ(event[Text::kObjectKind], "secretsmanager.amazonaws.com");
    EXPECT_EQ(event[Text::kOutcome], "success");
    actions.insert(event[Text::kAction]);
    if (event[Text::kAction] == "GetSecretValue") objects.insert(event[Text::kObjectName]);
  }
  EXPECT_EQ(actions.count("GetSecretValue"), 20u);
  EXPECT_EQ(objects.size(), 20u);
}

// The row without the real keys, accounts and addresses of the recording.
std::string Masked(const event::Event& event) {
  std::string row = Row(event);
  row = std::regex_replace(row, std::regex("A([KS])IA[A-Z0-9]{16}"), "A$1IAX");
  row = std::regex_replace(row, std::regex("\\b[0-9]{12}\\b"), "123456789012");
  return std::regex_replace(row, std::regex("([0-9]+\\.){3}[0-9]+"), "192.0.2.1");
}

TEST(CloudTrailGolden, StratusMintsAFederationToken) {
  const auto file =
      SharedLog("stratus_red_team/docs/detonation-logs/aws.persistence.sts-federation-token.json");
  if (!file) GTEST_SKIP() << kNoSharedLogs;
  const std::vector<std::string> records = RecordsOf(*file);
  ASSERT_EQ(records.size(), 2u);
  const event::Event minted = Read(records[0]);
  const event::Event used = Read(records[1]);
  // The key that the first call was given is the key of the second.
  EXPECT_THAT(minted[Text::kTags],
              ::testing::HasSubstr("issued_key=" + used[Text::kAccessKeyId] + " "));
  EXPECT_EQ(Masked(minted),
            "time=2024-11-30T08:43:17.000000000Z\n"
            "identity=6e882b9d-2af8-4c67-b91f-aeac6a0e5e70/123456789012/\n"
            "time_kind=Event Time\n"
            "account_id=123456789012\n"
            "region=ap-isob-east-1r\n"
            "user_name=stratus-red-team-user-federation-user\n"
            "user_arn=arn:aws:iam::123456789012:user/stratus-red-team-user-federation-user\n"
            "access_key_id=AKIAX\n"
            "source_ip=192.0.2.1\n"
            "user_agent=aws-sdk-go-v2/1.32.3 os/linux lang/go#1.23.1 md/GOOS#linux md/GOARCH#amd64 "
            "exec-env/grimoire_095724e3-1fa0-4e3e-b68a-e8581d194380 api/sts#1.26.2\n"
            "action=GetFederationToken\n"
            "object_kind=sts.amazonaws.com\n"
            "object_name=stratus_red_team\n"
            "outcome=success\n"
            "record_id=6e882b9d-2af8-4c67-b91f-aeac6a0e5e70\n"
            "message=stratus-red-team-user-federation-user (AKIAX) called "
            "GetFederationToken (stratus_red_team) on sts.amazonaws.com from 192.0.2.1\n"
            "tags=issued_key=ASIAX "
            "issued_arn=arn:aws:sts::123456789012:federated-user/stratus_red_team\n");
  EXPECT_EQ(Masked(used),
            "time=2024-11-30T08:43:18.000000000Z\n"
            "identity=91529247-c4c4-4793-afc8-d70bbcfe9d19/123456789012/\n"
            "time_kind=Event Time\n"
            "account_id=123456789012\n"
            "region=ap-isob-east-1r\n"
            "user_name=stratus_red_team\n"
            "user_arn=arn:aws:sts::123456789012:federated-user/stratus_red_team\n"
            "access_key_id=ASIAX\n"
            "source_ip=192.0.2.1\n"
            "user_agent=aws-sdk-go-v2/1.32.3 os/linux lang/go#1.23.1 md/GOOS#linux md/GOARCH#amd64 "
            "exec-env/grimoire_095724e3-1fa0-4e3e-b68a-e8581d194380 api/sts#1.26.2\n"
            "action=GetCallerIdentity\n"
            "object_kind=sts.amazonaws.com\n"
            "outcome=success\n"
            "record_id=91529247-c4c4-4793-afc8-d70bbcfe9d19\n"
            "message=stratus_red_team (ASIAX) called GetCallerIdentity on "
            "sts.amazonaws.com from 192.0.2.1\n"
            "tags=read_only\n");
}

TEST(CloudTrailGolden, EveryRealRecordIsRead) {
  size_t count = 0;
  size_t failures = 0;
  for (const char* name :
       {"aws.execution.ssm-send-command", "aws.discovery.ec2-download-user-data",
        "aws.impact.bedrock-invoke-model", "aws.credential-access.ec2-steal-instance-credentials",
        "aws.lateral-movement.ec2-serial-console-send-ssh-public-key",
        "aws.persistence.rolesanywhere-create-trust-anchor"}) {
    const auto file =
        SharedLog("stratus_red_team/docs/detonation-logs/" + std::string(name) + ".json");
    if (!file) GTEST_SKIP() << kNoSharedLogs;
    for (const std::string& record : RecordsOf(*file)) {
      const event::Event event = Read(record);
      ++count;
      if (event[Text::kOutcome] == "failure") ++failures;
      EXPECT_FALSE(event[Text::kUserName].empty()) << record;
      EXPECT_FALSE(event[Text::kAction].empty()) << record;
    }
  }
  EXPECT_EQ(count, 141u);
  EXPECT_EQ(failures, 17u);
}

// Who makes the association is not the service account that may assume the role then, nor does he
// assume it himself.
TEST(CloudTrail, SaysWhichServiceAccountMayAssumeARole) {
  constexpr std::string_view kAlice =
      R"("userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::123456789012:user/alice","userName":"alice"},)";
  const event::Event made = Read(With(
      "eks.amazonaws.com", "CreatePodIdentityAssociation",
      std::string(kAlice) +
          R"("requestParameters":{"name":"prod","namespace":"shop","serviceAccount":"cart","roleArn":"arn:aws:iam::123456789012:role/cart"})"));
  EXPECT_EQ(made[Text::kTags],
            "for_service_account=shop/cart granted_role=arn:aws:iam::123456789012:role/cart");
  EXPECT_EQ(made[Text::kServiceAccount], "");
  EXPECT_EQ(made[Text::kNamespace], "shop");
  EXPECT_EQ(made[Text::kCluster], "prod");
  const event::Event changed = Read(With(
      "eks.amazonaws.com", "UpdatePodIdentityAssociation",
      std::string(kAlice) +
          R"("requestParameters":{"associationId":"a-1","roleArn":"arn:aws:iam::123456789012:role/b"},"responseElements":{"association":{"namespace":"shop","serviceAccount":"cart","roleArn":"arn:aws:iam::123456789012:role/b"}})"));
  EXPECT_EQ(changed[Text::kTags],
            "for_service_account=shop/cart granted_role=arn:aws:iam::123456789012:role/b");
  const event::Event cluster = Read(With(
      "eks.amazonaws.com", "CreateCluster",
      std::string(kAlice) +
          R"("requestParameters":{"name":"prod","roleArn":"arn:aws:iam::123456789012:role/eks"})"));
  EXPECT_EQ(cluster[Text::kTags], "passed_role=arn:aws:iam::123456789012:role/eks");
}

TEST(CloudTrail, TakesTheTimeThatLogstashLeft) {
  const event::Event event = Read(
      R"({"eventVersion":"1.05","userIdentity":{"type":"IAMUser","userName":"alice"},"eventName":"RunInstances","eventSource":"ec2.amazonaws.com","@version":"1","@timestamp":"2020-09-14T00:57:43.000Z","eventID":"e-9"})");
  EXPECT_EQ(event.time, ParseTimestamp("2020-09-14T00:57:43Z"));
}

}  // namespace
}  // namespace ekshume::log::cloudtrail
