// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/progress.h"
#include "base/time.h"
#include "live/http/transport.h"
#include "live/kubernetes/exec.h"
#include "live/kubernetes/kubeconfig.h"
#include "live/wire/json.h"

namespace ekshume::live::kubernetes {

using wire::Json;

// What RBAC must allow for a request.
struct Permission {
  std::string verb;          // "get", "list", "create", "patch", "delete"
  std::string resource;      // "pods/log"
  std::string group;         // "" for core
  std::string in_namespace;  // "" for what belongs to no namespace
  std::string name;          // of the one object, as some roles name it; "" for all

  // "create pods/exec in namespace shop".
  std::string Text() const;
};
// The permission that a request of the API needs; `path` without its query.
Permission PermissionFor(std::string_view method, std::string_view path);

// A path below the server: segments are encoded, so a name cannot leave its place.
std::string PathOf(std::initializer_list<std::string_view> segments);

// The API of one cluster. Requests that fail on the way or are throttled are made again up to three
// times when they only read. Errors: kNotFound (404), kIo (no answer), kUnsupported with "the
// permission VERB RESOURCE in namespace N is missing" (403). Any number of threads.
class Client {
 public:
  // Asks the credential plugin, if there is one, and makes the transport.
  static Result<std::unique_ptr<Client>> Open(Access access, const Surroundings& surroundings,
                                              const RunProgram& run, const Progress* progress);
  // The same cluster again, with a connection that is asked to stop by `progress` (null: never):
  // to tidy up after Ctrl-C.
  Result<std::unique_ptr<Client>> Again(const Progress* progress) const;
  // Over another transport, for tests.
  Client(Access access, Surroundings surroundings, RunProgram run,
         std::unique_ptr<http::Transport> transport, const Progress* progress);

  const Access& access() const { return access_; }
  // The value of the Authorization header, or "": a token that is valid now.
  Result<std::string> Authorization();

  Result<Json> Get(const std::string& path, const std::string& query = "");
  // Text as it is (logs), piece by piece.
  Result<void> GetText(const std::string& path, const std::string& query,
                       const std::function<Result<void>(ByteView)>& sink);
  // Every item of a list, over all its pages (limits::kMaxAnswerPages).
  Result<void> List(const std::string& path, const std::string& query,
                    const std::function<Result<void>(const Json&)>& item);
  // The same, but only the metadata of the objects (PartialObjectMetadata): for secrets.
  Result<void> ListMetadata(const std::string& path,
                            const std::function<Result<void>(const Json&)>& item);
  // The paths of changes may have a query: "?dryRun=All".
  Result<Json> Post(const std::string& path, const Json& body);
  Result<Json> Put(const std::string& path, const Json& body);
  Result<Json> Patch(const std::string& path, const Json& body, const std::string& content_type);
  Result<void> Delete(const std::string& path, const Json& options);

  // Runs a command in a container: Exec() with our credentials. `progress` null: not to be stopped,
  // for what is cleaned up after Ctrl-C.
  Result<ExecOutcome> Run(const ExecRequest& request, const Progress* progress);
  using ExecFunction =
      std::function<Result<ExecOutcome>(const Access& access, const std::string& authorization,
                                        const ExecRequest& request, const Progress* progress)>;
  // For tests: what runs commands in the place of Exec().
  void SetExec(ExecFunction exec) { exec_ = std::move(exec); }

  // SelfSubjectAccessReview: whether we may. Servers answer it for everyone.
  Result<bool> May(const Permission& permission);
  // Who we are, as the server says (SelfSubjectReview, from 1.28), or "".
  std::string UserName();
  // The server's clock minus ours, by the last answer's Date.
  double clock_offset_seconds() const;

 private:
  // `refused`, when given, gets an answer that is an error.
  Result<http::Answer> Send(http::Request request, std::string_view path,
                            http::Answer* refused = nullptr);
  // The answer's text.
  Result<std::string> Change(const char* method, const std::string& path, const Json& body,
                             const std::string& content_type);
  Result<Json> GetAs(const std::string& accept, const std::string& path, const std::string& query,
                     http::Answer* refused = nullptr);
  Result<void> ListAs(const std::string& accept, const std::string& path, const std::string& query,
                      const std::function<Result<void>(const Json&)>& item);
  Error FailureOf(const http::Answer& answer, std::string_view method, std::string_view path) const;
  void ForgetToken();

  const Access access_;
  const Surroundings surroundings_;
  const RunProgram run_;
  const std::unique_ptr<http::Transport> transport_;
  const Progress* const progress_;
  ExecFunction exec_ = Exec;

  mutable std::mutex mutex_;  // guards what follows
  std::string token_;
  std::optional<Timestamp> token_until_;
  double clock_offset_seconds_ = 0;
};

// Whether a server refused a change because the object has changed meanwhile (409).
bool IsConflict(const Error& error);
// The missing permission that an error of Client names, or "".
std::string MissingPermission(const Error& error);

}  // namespace ekshume::live::kubernetes
