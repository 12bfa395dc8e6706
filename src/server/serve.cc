// SPDX-License-Identifier: Apache-2.0
#include "server/serve.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <thread>

#include "casefile/analyst.h"
#include "casefile/atomic_file.h"
#include "casefile/custody.h"
#include "server/case_service.h"
#include "server/http_server.h"
#include "server/routes.h"
#include "server/tls.h"
#include "server/users.h"

namespace ekshume::server {
namespace {

constexpr std::chrono::milliseconds kLook{100};  // how soon Ctrl-C is seen

bool IsLoopback(const std::string& address) { return address == "127.0.0.1" || address == "::1"; }

// What opens a server to other machines; all null for one that is for this machine alone.
struct Opening {
  std::unique_ptr<TlsContext> tls;
  std::unique_ptr<LoginDesk> desk;
};

Result<Opening> OpeningOf(const ServeOptions& options, const std::string& address) {
  Opening opening;
  const bool all = !options.users.empty() && !options.certificate.empty() && !options.key.empty();
  const bool none = options.users.empty() && options.certificate.empty() && options.key.empty();
  if (!all && (!none || !IsLoopback(address))) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{}--users, --tls-certificate and --tls-key belong together. Without "
                    "them, reach this machine with `ssh -L PORT:127.0.0.1:PORT` and the "
                    "same --port",
                    none ? address + " is not loopback: other machines need TLS and users. " : ""));
  }
  if (none) return opening;
  const std::string text = EKSHUME_TRY(casefile::ReadOwnFile(options.users));
  Users users = EKSHUME_TRY(Users::Read(text));
  if (users.list().empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                options.users + " has no users; `ekshume users add` makes one");
  }
  opening.tls = EKSHUME_TRY(TlsContext::Load(options.certificate, options.key));
  opening.desk = std::make_unique<LoginDesk>(std::move(users));
  return opening;
}

// "NAME:PORT" as browsers write it.
Result<std::string> AuthorityOf(const ServeOptions& options, const std::string& address, int port) {
  const std::string host = options.host.empty() ? address : options.host;
  if (host == "0.0.0.0" || host == "::") {
    return Fail(ErrorCode::kInvalidArgument,
                host + " is every address: say with --host by which name browsers ask for it");
  }
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return is_ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

}  // namespace

Result<void> Serve(const ServeOptions& options, casefile::RemoteEvidence* remote,
                   Progress& progress, const std::function<void(const std::string& link)>& announce,
                   const std::function<void(std::string_view text)>& say) {
  std::string address = options.address == "localhost" ? "127.0.0.1" : options.address;
  if (address.starts_with('[') && address.ends_with(']')) {
    address = address.substr(1, address.size() - 2);
  }
  const Opening opening = EKSHUME_TRY(OpeningOf(options, address));
  const bool has_users = opening.desk != nullptr;
  EKSHUME_TRY(AuthorityOf(options, address, options.port));
  const auto service = EKSHUME_TRY(CaseService::Open(options.case_path, remote));
  Guard guard("", has_users ? Guard::Scheme::kHttps : Guard::Scheme::kHttp);
  std::vector<std::string> evidence = options.evidence;
  if (evidence.empty() && !has_users) evidence.push_back(".");
  const EvidenceFolders folders = EKSHUME_TRY(EvidenceFolders::Open(evidence, options.case_path));
  JobDesk ingest(
      *service, "ingest", [&] { return service->LetGo(); }, [&] { return service->TakeUp(); });
  JobDesk response(
      *service, "response", [] { return Result<void>(); }, [] { return Result<void>(); });
  const ResponseAccess access{options.allow_response, options.response_arguments};
  Router router;
  AddCaseRoutes(router, *service);
  if (!has_users) AddLinkRoute(router, *service, guard);
  AddLoginRoutes(router, *service, guard, opening.desk.get());
  AddEventRoutes(router, *service);
  AddExportRoute(router, *service);
  AddObjectRoutes(router, *service);
  AddFileRoutes(router, *service);
  AddAnnotationRoutes(router, *service);
  AddReportRoutes(router, *service);
  AddIngestRoutes(router, *service, ingest, folders);
  AddResponseRoutes(router, *service, response, access);
  HttpServer server(guard, router, service->changes(), opening.tls.get());
  const int port = EKSHUME_TRY(HttpServer::Bind(server, address, options.port));
  guard.set_authority(EKSHUME_TRY(AuthorityOf(options, address, port)));

  const std::string analyst =
      options.analyst.empty() ? casefile::CurrentAnalyst().user : options.analyst;
  // Who starts a server without users owns the case: the link may do all.
  const std::string path =
      has_users ? "/" : "/login?token=" + EKSHUME_TRY(guard.NewToken({analyst, Role::kResponder}));
  casefile::CustodyEntry entry;
  entry.action = "serve";
  entry.arguments = options.command_line;
  EKSHUME_TRY(casefile::RecordCustody(service->opened(), entry, {analyst, nullptr}));

  bool ran = true;
  std::thread thread([&] { ran = server.Run(); });
  announce(guard.origin() + path);
  while (!progress.cancelled()) std::this_thread::sleep_for(kLook);
  server.Stop();
  thread.join();
  // Its desk waits for it.
  if (response.State().at("state") == "running") {
    say("a plan of response is being worked on: it is asked to stop and waited for. Ctrl-C again "
        "does not wait");
  }
  if (!ran) return Fail(ErrorCode::kIo, "the server ended by itself");
  return {};
}

}  // namespace ekshume::server
