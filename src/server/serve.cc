// SPDX-License-Identifier: Apache-2.0
#include "server/serve.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "casefile/analyst.h"
#include "casefile/custody.h"
#include "server/case_service.h"
#include "server/http_server.h"
#include "server/routes.h"

namespace ekshume::server {
namespace {

constexpr std::chrono::milliseconds kLook{100};  // how soon Ctrl-C is seen

Result<std::string> LoopbackAddress(const std::string& address) {
  if (address == "127.0.0.1" || address == "localhost") return std::string("127.0.0.1");
  if (address == "::1" || address == "[::1]") return std::string("::1");
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is not loopback: other machines would need TLS and users, which are "
                          "not built yet. Reach this machine with `ssh -L PORT:127.0.0.1:PORT` "
                          "and the same --port",
                          address));
}

}  // namespace

Result<void> Serve(const ServeOptions& options, casefile::RemoteEvidence* remote,
                   Progress& progress,
                   const std::function<void(const std::string& link)>& announce) {
  const std::string address = EKSHUME_TRY(LoopbackAddress(options.address));
  const auto service = EKSHUME_TRY(CaseService::Open(options.case_path, remote));
  Guard guard("");
  Router router;
  AddCaseRoutes(router, *service, guard);
  AddEventRoutes(router, *service);
  AddExportRoute(router, *service);
  AddObjectRoutes(router, *service);
  AddFileRoutes(router, *service);
  AddAnnotationRoutes(router, *service);
  AddReportRoutes(router, *service);
  HttpServer server(guard, router, service->changes());
  const int port = EKSHUME_TRY(HttpServer::Bind(server, address, options.port));
  guard.set_authority(fmt::format("{}:{}", address == "::1" ? "[::1]" : address, port));

  const std::string analyst =
      options.analyst.empty() ? casefile::CurrentAnalyst().user : options.analyst;
  const std::string token = EKSHUME_TRY(guard.NewToken(analyst));
  casefile::CustodyEntry entry;
  entry.action = "serve";
  entry.arguments = options.command_line;
  EKSHUME_TRY(casefile::RecordCustody(service->opened(), entry, {analyst, nullptr}));

  bool ran = true;
  std::thread thread([&] { ran = server.Run(); });
  announce(fmt::format("http://{}/login?token={}", guard.authority(), token));
  while (!progress.cancelled()) std::this_thread::sleep_for(kLook);
  server.Stop();
  thread.join();
  if (!ran) return Fail(ErrorCode::kIo, "the server ended by itself");
  return {};
}

}  // namespace ekshume::server
