// SPDX-License-Identifier: Apache-2.0
#include "live/aws/service_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "live/aws/xml.h"

namespace ekshume::live::aws {
namespace {

enum class Protocol { kEc2, kQuery, kJson, kRest };

struct Service {
  std::string_view name;  // IAM's prefix, which is the signing name too
  std::string_view host;
  Protocol protocol;
  std::string_view version;  // of the API, or the prefix of the JSON target
};
constexpr std::array<Service, 7> kServices = {
    {{"ec2", "ec2", Protocol::kEc2, "2016-11-15"},
     {"iam", "iam", Protocol::kQuery, "2010-05-08"},
     {"sts", "sts", Protocol::kQuery, "2011-06-15"},
     {"autoscaling", "autoscaling", Protocol::kQuery, "2011-01-01"},
     {"elasticloadbalancing", "elasticloadbalancing", Protocol::kQuery, "2015-12-01"},
     {"ecr", "api.ecr", Protocol::kJson, "AmazonEC2ContainerRegistry_V20150921"},
     {"eks", "eks", Protocol::kRest, ""}}};

// EKS's operations. {NAME} is the parameter NAME; of GET and DELETE the other parameters go into
// the query, of POST into the body.
struct Route {
  std::string_view operation;
  std::string_view method;
  std::string_view path;
};
constexpr std::array<Route, 19> kRoutes = {
    {{"DescribeCluster", "GET", "/clusters/{name}"},
     {"ListClusters", "GET", "/clusters"},
     {"UpdateClusterConfig", "POST", "/clusters/{name}/update-config"},
     {"ListPodIdentityAssociations", "GET", "/clusters/{clusterName}/pod-identity-associations"},
     {"CreatePodIdentityAssociation", "POST", "/clusters/{clusterName}/pod-identity-associations"},
     {"DescribePodIdentityAssociation", "GET",
      "/clusters/{clusterName}/pod-identity-associations/{associationId}"},
     {"DeletePodIdentityAssociation", "DELETE",
      "/clusters/{clusterName}/pod-identity-associations/{associationId}"},
     {"ListAccessEntries", "GET", "/clusters/{clusterName}/access-entries"},
     {"CreateAccessEntry", "POST", "/clusters/{clusterName}/access-entries"},
     {"DescribeAccessEntry", "GET", "/clusters/{clusterName}/access-entries/{principalArn}"},
     {"DeleteAccessEntry", "DELETE", "/clusters/{clusterName}/access-entries/{principalArn}"},
     {"ListAssociatedAccessPolicies", "GET",
      "/clusters/{clusterName}/access-entries/{principalArn}/access-policies"},
     {"AssociateAccessPolicy", "POST",
      "/clusters/{clusterName}/access-entries/{principalArn}/access-policies"},
     {"DisassociateAccessPolicy", "DELETE",
      "/clusters/{clusterName}/access-entries/{principalArn}/access-policies/{policyArn}"},
     {"ListIdentityProviderConfigs", "GET", "/clusters/{clusterName}/identity-provider-configs"},
     {"DescribeIdentityProviderConfig", "POST",
      "/clusters/{clusterName}/identity-provider-configs/describe"},
     {"AssociateIdentityProviderConfig", "POST",
      "/clusters/{clusterName}/identity-provider-configs/associate"},
     {"DisassociateIdentityProviderConfig", "POST",
      "/clusters/{clusterName}/identity-provider-configs/disassociate"},
     {"DescribeNodegroup", "GET", "/clusters/{clusterName}/node-groups/{nodegroupName}"}}};

const Service* FindService(std::string_view name) {
  const auto found = std::ranges::find(kServices, name, &Service::name);
  return found == kServices.end() ? nullptr : &*found;
}

std::string ScalarText(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

Result<void> FillRest(const ServiceCall& from, Call& call) {
  const auto route = std::ranges::find(kRoutes, from.operation, &Route::operation);
  if (route == kRoutes.end()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no operation that is known here", PermissionOf(from)));
  }
  call.method = route->method;
  Json rest = from.parameters;
  std::string path;
  std::string_view left = route->path;
  for (size_t open = left.find('{'); open != std::string_view::npos; open = left.find('{')) {
    const size_t close = left.find('}', open);
    const std::string name(left.substr(open + 1, close - open - 1));
    path += left.substr(0, open);
    std::string value = wire::TextOf(from.parameters, name.c_str());
    std::ranges::replace(value, '/', kNameSlash);  // ARNs have them
    path += value;
    rest.erase(name);
    left.remove_prefix(close + 1);
  }
  call.path = path + std::string(left);
  if (call.method == "POST") {
    call.headers = {{"content-type", "application/json"}};
    call.body = wire::DumpJson(rest);
  } else {
    for (const auto& [name, value] : rest.items()) call.query.emplace_back(name, ScalarText(value));
  }
  return {};
}

Result<Call> MakeCall(const ServiceCall& from, const std::string& region, const Client& client) {
  const Service* service = FindService(from.service);
  if (service == nullptr) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no service that is known here", from.service));
  }
  Call call;
  call.service = service->host;
  call.signing = service->name;
  call.permission = PermissionOf(from);
  call.region = region;
  call.is_repeatable = !from.changes;
  if (from.service == "iam") {
    // One for all regions of a partition, signed for the region in which it lives.
    call.region = HomeOfIam(region.empty() ? client.region() : region);
  }
  switch (service->protocol) {
    case Protocol::kEc2:
    case Protocol::kQuery: {
      Parameters all = {{"Action", from.operation}, {"Version", std::string(service->version)}};
      const Parameters own =
          FlattenParameters(from.parameters, service->protocol == Protocol::kQuery);
      all.insert(all.end(), own.begin(), own.end());
      call.headers = {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"}};
      call.body = EncodeQuery(all);
      break;
    }
    case Protocol::kJson:
      call.headers = {{"content-type", "application/x-amz-json-1.1"},
                      {"x-amz-target", fmt::format("{}.{}", service->version, from.operation)}};
      call.body = wire::DumpJson(from.parameters);
      break;
    case Protocol::kRest: EKSHUME_TRY(FillRest(from, call)); break;
  }
  return call;
}

// An element that is being read: what it holds so far.
struct Frame {
  std::string name;
  Json value;
};

bool IsListItem(std::string_view name) { return name == "item" || name == "member"; }

void Attach(Json& parent, Frame child) {
  if (IsListItem(child.name)) {
    if (!parent.is_array()) parent = Json::array();
    parent.push_back(std::move(child.value));
    return;
  }
  if (!parent.is_object()) parent = Json::object();
  parent[child.name] = std::move(child.value);
}

// Without recursion: elements that are open are on a stack.
class Reader final : public pugi::xml_tree_walker {
 public:
  bool for_each(pugi::xml_node& node) override {
    if (depth() > kMaxXmlDepth) {
      is_too_deep = true;
      return false;
    }
    if (node.type() == pugi::node_element) {
      if (depth() == 0 && !open_.empty()) return false;  // pugixml takes a second root element
      CloseTo(static_cast<size_t>(depth()));
      open_.push_back({node.name(), Json("")});
    } else if (node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata) {
      CloseTo(static_cast<size_t>(depth()));
      if (!open_.empty() && open_.back().value.is_string()) {
        open_.back().value = open_.back().value.get<std::string>() + node.value();
      }
    }
    return true;
  }
  Json Take() {
    CloseTo(1);
    return open_.empty() ? Json::object() : std::move(open_.front().value);
  }

  bool is_too_deep = false;

 private:
  void CloseTo(size_t count) {
    while (open_.size() > count) {
      Frame done = std::move(open_.back());
      open_.pop_back();
      Attach(open_.back().value, std::move(done));
    }
  }
  std::vector<Frame> open_;
};

}  // namespace

std::string PermissionOf(const ServiceCall& call) {
  return fmt::format("{}:{}", call.service, call.operation);
}

bool HasDryRun(const ServiceCall& call) { return call.service == "ec2"; }

Result<Json> JsonOfXml(std::string_view text, std::string_view what) {
  const XmlAnswer xml = EKSHUME_TRY(XmlAnswer::Parse(text, what));
  Reader reader;
  // The walker's depth counts from the root's children: the root itself is the document's element.
  pugi::xml_node root = xml.root();
  root.parent().traverse(reader);
  if (reader.is_too_deep) {
    return Fail(ErrorCode::kLimit,
                fmt::format("the answer to {} is nested deeper than {}", what, kMaxXmlDepth));
  }
  return reader.Take();
}

Parameters FlattenParameters(const Json& parameters, bool member) {
  // Work that is left, the next at the end.
  std::vector<std::pair<std::string, Json>> open;
  const auto push = [&](const std::string& prefix, const Json& object) {
    std::vector<std::pair<std::string, Json>> inner;
    for (const auto& [name, value] : object.items()) {
      inner.emplace_back(prefix.empty() ? name : prefix + "." + name, value);
    }
    open.insert(open.end(), inner.rbegin(), inner.rend());
  };
  Parameters out;
  push("", parameters);
  while (!open.empty()) {
    const auto [name, value] = std::move(open.back());
    open.pop_back();
    if (value.is_object()) {
      push(name, value);
    } else if (value.is_array()) {
      for (size_t i = value.size(); i > 0; --i) {
        open.emplace_back(fmt::format("{}{}.{}", name, member ? ".member" : "", i), value[i - 1]);
      }
    } else if (!value.is_null()) {
      out.emplace_back(name, ScalarText(value));
    }
  }
  return out;
}

Result<Json> CallService(const Client& client, const ServiceCall& from, const std::string& region,
                         ServiceError* failure) {
  const Call call = EKSHUME_TRY(MakeCall(from, region, client));
  const http::Answer answer = EKSHUME_TRY(client.Send(call, failure));
  const size_t start = answer.body.find_first_not_of(" \t\r\n");
  if (start == std::string::npos) return Json(Json::object());
  if (answer.body[start] != '<') return wire::ParseJson(answer.body, call.permission);
  Json json = EKSHUME_TRY(JsonOfXml(answer.body, call.permission));
  const std::string wrapper = from.operation + "Result";
  if (json.is_object() && json.contains(wrapper)) {
    Json inner = std::move(json[wrapper]);
    json = std::move(inner);
  }
  if (!json.is_object()) json = Json::object();
  return json;
}

Result<void> DryRunService(const Client& client, const ServiceCall& from,
                           const std::string& region) {
  ServiceCall asked = from;
  asked.parameters["DryRun"] = "true";
  ServiceError failure;
  const Result<Json> answer = CallService(client, asked, region, &failure);
  if (answer || failure.code == "DryRunOperation") return {};
  return Fail(failure.kind == FailureKind::kDenied ? ErrorCode::kUnsupported : answer.error().code,
              answer.error().message);
}

}  // namespace ekshume::live::aws
