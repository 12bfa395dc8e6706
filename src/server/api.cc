// SPDX-License-Identifier: Apache-2.0
#include "server/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace ekshume::server {
namespace {

bool IsVariable(std::string_view segment) {
  return segment.starts_with('{') && segment.ends_with('}');
}

std::string_view NameOf(std::string_view segment) { return segment.substr(1, segment.size() - 2); }

}  // namespace

std::string ApiRequest::Value(std::string_view name) const {
  const auto found = values.find(name);
  return found == values.end() ? std::string() : found->second;
}

bool ApiRequest::Flag(std::string_view name) const {
  const std::string value = Value(name);
  return value == "1" || value == "true";
}

Result<uint64_t> ApiRequest::Number(std::string_view name, uint64_t otherwise,
                                    uint64_t most) const {
  const std::string text = Value(name);
  if (text.empty()) return otherwise;
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end || number > most) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is a whole number from 0 to {}", name, most));
  }
  return number;
}

ApiReply ApiReply::Of(const Json& json) {
  ApiReply reply;
  reply.body = casefile::Dump(json);
  return reply;
}

ApiReply ApiReply::Refusal(int status, std::string_view code, std::string_view message) {
  ApiReply reply;
  reply.status = status;
  reply.body = ErrorBody(code, message);
  return reply;
}

ApiReply ApiReply::File(std::string name, std::string content) {
  ApiReply reply;
  reply.content_type = "application/octet-stream";
  reply.body = std::move(content);
  reply.attachment = std::move(name);
  return reply;
}

ApiReply ApiReply::File(std::string name, std::unique_ptr<ByteSource> source) {
  ApiReply reply = File(std::move(name), std::string());
  reply.source = std::move(source);
  return reply;
}

Role Route::least_role() const {
  return least.value_or(method == "POST" ? Role::kAnalyst : Role::kReader);
}

Router::Match Router::Find(std::string_view method, std::string_view path) const {
  const std::vector<std::string_view> segments = SplitNonEmpty(path, '/');
  Match match;
  ptrdiff_t least_variables = 0;
  for (const Route& route : routes_) {
    const std::vector<std::string_view> wanted = SplitNonEmpty(route.path, '/');
    const bool fits = std::ranges::equal(
        wanted, segments,
        [](std::string_view want, std::string_view is) { return IsVariable(want) || want == is; });
    if (!fits) continue;
    match.allowed.emplace_back(route.method);
    if (route.method != method) continue;
    // "/events/facets" is that route, and no event of that id.
    const ptrdiff_t variables = std::ranges::count_if(wanted, IsVariable);
    if (match.route != nullptr && variables >= least_variables) continue;
    match.route = &route;
    match.values.clear();
    least_variables = variables;
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (IsVariable(wanted[i])) match.values[std::string(NameOf(wanted[i]))] = segments[i];
    }
  }
  return match;
}

Json Router::OpenApi() const {
  Json paths = Json::object();
  for (const Route& route : routes_) {
    Json parameters = Json::array();
    for (const std::string_view segment : SplitNonEmpty(route.path, '/')) {
      if (!IsVariable(segment)) continue;
      parameters.push_back({{"name", NameOf(segment)},
                            {"in", "path"},
                            {"required", true},
                            {"schema", {{"type", "string"}}}});
    }
    for (const Parameter& parameter : route.parameters) {
      parameters.push_back({{"name", parameter.name},
                            {"in", "query"},
                            {"description", parameter.about},
                            {"required", parameter.required},
                            {"schema", {{"type", "string"}}}});
    }
    const Json refused = {{"description", "what is wrong: error.code and error.message"},
                          {"content", {{"application/json", Json::object()}}}};
    const std::string who = route.is_open
                                ? "Needs no session."
                                : fmt::format("For the role {}.", NameOf(route.least_role()));
    Json operation = {{"summary", route.about},
                      {"description", who},
                      {"parameters", parameters},
                      {"responses", {{"200", {{"description", "done"}}}, {"default", refused}}}};
    if (!route.body.empty()) {
      operation["requestBody"] = {
          {"required", true},
          {"content",
           {{"application/json",
             {{"schema", {{"type", "object"}, {"description", route.body}}}}}}}};
    }
    std::string method(route.method);
    std::ranges::transform(method, method.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    paths[std::string(route.path)][method] = std::move(operation);
  }
  return {{"openapi", "3.1.0"},
          {"info",
           {{"title", "ekshume"},
            {"version", "1"},
            {"description", "One case, as `ekshume serve` shows it. docs/serve.md."}}},
          {"servers", Json::array({{{"url", "/api/v1"}}})},
          {"paths", paths}};
}

int StatusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kInvalidArgument: return 400;
    case ErrorCode::kLimit: return 413;
    case ErrorCode::kUnsupported:
    case ErrorCode::kCorrupt:
    case ErrorCode::kOutOfRange: return 422;
    case ErrorCode::kNoSpace: return 507;
    case ErrorCode::kCancelled: return 503;
    case ErrorCode::kIo: return 500;
  }
  return 500;
}

std::string ErrorBody(std::string_view code, std::string_view message) {
  return casefile::Dump({{"error", {{"code", code}, {"message", message}}}});
}

}  // namespace ekshume::server
