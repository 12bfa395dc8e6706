// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <map>
#include <set>
#include <string>

#include "live/respond/plan.h"

namespace ekshume::live::respond {

// An API server that keeps objects by path, counts versions, and can lose its voice: `fail_after`
// changes it does what it is told and gives no answer, as when we are killed between the call and
// the journal.
class Server final : public http::Transport {
 public:
  struct State {
    std::map<std::string, Json> objects;
    int version = 10;
    int changes = 0;
    int lose_answer_of = -1;   // the number of a change
    int lose_request_of = -1;  // the number of a change that never arrives
    // What it serves besides what it has: "policy/v1" to "poddisruptionbudgets".
    std::multimap<std::string, std::string> served;
    std::set<std::string> forbidden;  // "delete pods", for SelfSubjectAccessReview
  };
  explicit Server(State& state) : state_(state) {}

  Result<http::Answer> Send(const http::Request& request) override {
    std::string path = request.url.substr(std::string_view("https://api.test").size());
    const bool dry_run = path.find("dryRun=All") != std::string::npos ||
                         request.body.find("\"dryRun\"") != std::string::npos;
    path = path.substr(0, path.find('?'));
    const auto found = state_.objects.find(path);
    if (request.method == "GET") {
      if (found == state_.objects.end()) return List(path);
      return http::Answer{.status = 200, .headers = {}, .body = found->second.dump()};
    }
    if (path.ends_with("/selfsubjectaccessreviews")) return Review(request.body);
    if (!dry_run && state_.changes == state_.lose_request_of) return Lost();
    const http::Answer answer = Change(request, path, dry_run);
    if (!dry_run && state_.changes++ == state_.lose_answer_of) return Lost();
    return answer;
  }

 private:
  // The objects below a collection, also those of all namespaces; what a version of a group serves.
  http::Answer List(const std::string& path) const {
    Json resources = Json::array();
    for (const auto& [version, resource] : state_.served) {
      if (path == "/apis/" + version) resources.push_back({{"name", resource}});
    }
    if (!resources.empty()) {
      return {.status = 200, .headers = {}, .body = Json{{"resources", resources}}.dump()};
    }
    const std::string resource = path.substr(path.rfind('/') + 1);
    const std::string group = path.substr(0, path.rfind('/'));
    if (resource.empty() || !resource.ends_with('s')) {
      return {.status = 404, .headers = {}, .body = R"({"message":"not found"})"};
    }
    Json items = Json::array();
    for (const auto& [place, object] : state_.objects) {
      const std::string collection = place.substr(0, place.rfind('/'));
      if (collection == path || (collection.starts_with(group + "/namespaces/") &&
                                 collection.ends_with("/" + resource))) {
        items.push_back(object);
      }
    }
    return {.status = 200, .headers = {}, .body = Json{{"items", items}}.dump()};
  }

  http::Answer Review(const std::string& body) const {
    const Json attributes = Json::parse(body)["spec"]["resourceAttributes"];
    const std::string asked =
        attributes["verb"].get<std::string>() + " " + attributes["resource"].get<std::string>();
    return {.status = 201,
            .headers = {},
            .body = Json{{"status", {{"allowed", !state_.forbidden.contains(asked)}}}}.dump()};
  }

  static Error Lost() { return Fail(ErrorCode::kIo, "the connection was lost"); }

  http::Answer Change(const http::Request& request, const std::string& path, bool dry_run) {
    const auto answer = [](int status, const Json& body) {
      return http::Answer{.status = status, .headers = {}, .body = body.dump()};
    };
    const auto found = state_.objects.find(path);
    if (request.method == "POST") {
      Json object = Json::parse(request.body);
      const std::string place = path + "/" + object["metadata"]["name"].get<std::string>();
      if (state_.objects.contains(place)) return answer(409, {{"message", "already exists"}});
      object["metadata"]["uid"] = fmt::format("uid-{}", ++state_.version);
      object["metadata"]["resourceVersion"] = fmt::format("{}", state_.version);
      if (!dry_run) state_.objects[place] = object;
      return answer(201, object);
    }
    if (found == state_.objects.end()) return answer(404, Json::object());
    const Json body = Json::parse(request.body);
    if (request.method == "DELETE") {
      if (body["preconditions"]["uid"] != found->second["metadata"]["uid"]) {
        return answer(409, {{"message", "uid"}});
      }
      if (!body.contains("dryRun")) state_.objects.erase(found);
      return answer(200, Json::object());
    }
    if (request.method == "PUT") {
      if (body["metadata"]["resourceVersion"] != found->second["metadata"]["resourceVersion"]) {
        return answer(409, {{"message", "the object has been modified"}});
      }
      Json whole = body;
      whole["metadata"]["resourceVersion"] = fmt::format("{}", ++state_.version);
      if (!dry_run) found->second = whole;
      return answer(200, whole);
    }
    Json object = found->second;
    if (body["metadata"]["resourceVersion"] != object["metadata"]["resourceVersion"]) {
      return answer(409, {{"message", "the object has been modified"}});
    }
    object.merge_patch(body);
    object["metadata"]["resourceVersion"] = fmt::format("{}", ++state_.version);
    if (!dry_run) found->second = object;
    return answer(200, object);
  }

  State& state_;
};

}  // namespace ekshume::live::respond
