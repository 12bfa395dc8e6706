// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "casefile/json.h"
#include "server/roles.h"

// The HTTP API, apart from HTTP: routes with their description, requests and answers as values.
// docs/serve.md describes it for people, Router::OpenApi() for programs.
namespace ekshume::server {

using casefile::Json;

// A request that the guard let through.
struct ApiRequest {
  std::string method;
  std::string path;                                        // decoded
  std::map<std::string, std::string, std::less<>> values;  // of the path and of the query
  Json body;                                               // null without one
  std::string analyst;
  Role role = Role::kReader;  // the analyst's
  std::string address;        // where the request came from

  // The value of a parameter; "" when it is not there.
  std::string Value(std::string_view name) const;
  bool Flag(std::string_view name) const;  // "1" or "true"
  // A whole number from 0 to `most`; `otherwise` when it is not there. kInvalidArgument.
  Result<uint64_t> Number(std::string_view name, uint64_t otherwise, uint64_t most) const;
};

// Bytes that are too many to hold: read piece by piece while they are sent.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual uint64_t size_bytes() const = 0;
  // Up to `most` bytes at an offset below the size; empty when they cannot be read.
  virtual std::string Read(uint64_t offset, size_t most) = 0;
};

// An answer. Bytes of evidence are never of a type that a browser shows or runs: they are
// attachments of the type application/octet-stream.
struct ApiReply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string attachment;              // the name of the file to save, "" for none
  std::unique_ptr<ByteSource> source;  // instead of the body
  bool is_feed = false;                // server-sent events, instead of the body
  std::string begins;                  // the secret of a session that begins with this answer
  bool ends_session = false;

  static ApiReply Of(const Json& json);
  static ApiReply Refusal(int status, std::string_view code, std::string_view message);
  static ApiReply File(std::string name, std::string content);
  static ApiReply File(std::string name, std::unique_ptr<ByteSource> source);
};

struct Parameter {
  std::string_view name;
  std::string_view about;
  bool required = false;
};

struct Route {
  std::string_view method;            // GET or POST
  std::string_view path;              // below /api/v1, with {name} for a segment
  std::string_view about;             // a sentence
  std::vector<Parameter> parameters;  // of the query
  std::string_view body;              // what a POST takes
  std::function<Result<ApiReply>(const ApiRequest&)> answer;
  // Who may ask: nothing said, readers may GET and analysts POST.
  std::optional<Role> least = std::nullopt;
  bool is_open = false;  // also to whoever has no session

  Role least_role() const;
};

class Router {
 public:
  void Add(Route route) { routes_.push_back(std::move(route)); }

  struct Match {
    const Route* route = nullptr;      // null: no such path, or not with this method
    std::vector<std::string> allowed;  // the methods of the path
    std::map<std::string, std::string, std::less<>> values;
  };
  // `path` is below /api/v1, decoded.
  Match Find(std::string_view method, std::string_view path) const;

  // The description of all routes, OpenAPI 3.1.
  Json OpenApi() const;
  std::span<const Route> routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

// The status of HTTP that an error is answered with, and its body.
int StatusOf(ErrorCode code);
std::string ErrorBody(std::string_view code, std::string_view message);

}  // namespace ekshume::server
