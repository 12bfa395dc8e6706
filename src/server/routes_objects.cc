// SPDX-License-Identifier: Apache-2.0
#include "server/routes.h"

namespace ekshume::server {
namespace {

const Json& ListOf(const Json& report, const char* key) {
  static const Json kNothing = Json::array();
  const auto found = report.find(key);
  return found != report.end() && found->is_array() ? *found : kNothing;
}

// The containers without the list of what each changed, which can be long.
ApiReply Containers(CaseService& service) {
  const auto report = service.report();
  Json containers = Json::array();
  for (const Json& container : ListOf(*report, "containers")) {
    Json copy = container;
    if (copy.contains("changes") && copy["changes"].is_object()) {
      size_t notable = 0;
      if (copy["changes"].contains("entries")) {
        for (const Json& entry : copy["changes"]["entries"]) {
          if (entry.contains("notable") && entry["notable"].is_string()) ++notable;
        }
      }
      copy["changes"].erase("entries");
      copy["changes"]["notable"] = notable;
    }
    containers.push_back(std::move(copy));
  }
  return ApiReply::Of({{"containers", containers}});
}

Result<ApiReply> Container(CaseService& service, const ApiRequest& request) {
  const std::string id = request.Value("id");
  const auto report = service.report();
  for (const Json& container : ListOf(*report, "containers")) {
    if (container.value("id", "") == id) return ApiReply::Of(container);
  }
  return Fail(ErrorCode::kNotFound, "no container " + id + " in this case");
}

}  // namespace

void AddObjectRoutes(Router& router, CaseService& service) {
  router.Add({"GET", "/containers", "The containers of the case.", {}, "", [&](const ApiRequest&) {
                return Containers(service);
              }});
  router.Add({"GET",
              "/containers/{id}",
              "One container, with what it changed in its image's files.",
              {},
              "",
              [&](const ApiRequest& request) { return Container(service, request); }});
  router.Add({"GET", "/pods", "The pods of the case.", {}, "", [&](const ApiRequest&) {
                return ApiReply::Of({{"pods", ListOf(*service.report(), "pods")}});
              }});
  router.Add({"GET", "/images", "The images of the case.", {}, "", [&](const ApiRequest&) {
                return ApiReply::Of({{"images", ListOf(*service.report(), "images")}});
              }});
  router.Add({"GET",
              "/host",
              "What changed on the node itself since its first container.",
              {},
              "",
              [&](const ApiRequest&) {
                const auto report = service.report();
                const auto found = report->find("host");
                return ApiReply::Of({{"host", found == report->end() ? Json(nullptr) : *found}});
              }});
  router.Add({"GET",
              "/processes",
              "What was running, for each live acquisition and checkpoint.",
              {},
              "",
              [&](const ApiRequest&) {
                return ApiReply::Of({{"live", ListOf(*service.report(), "live")}});
              }});
}

}  // namespace ekshume::server
