// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <httplib.h>

#include <string>

#include "server/api.h"
#include "server/broadcast.h"
#include "server/guard.h"
#include "server/tls.h"

namespace ekshume::server {

// HTTP around the API and the page: asks the guard, answers with the headers that keep a browser
// from doing anything else with it. Any number of connections, each on a thread of its own.
class HttpServer : private httplib::Server {
 public:
  // All must outlive the object. `tls`: null for plain HTTP, which is for loopback only.
  HttpServer(Guard& guard, const Router& router, Broadcast& changes, const TlsContext* tls);

  // Takes connections on a socket that Bind() made, until Stop().
  bool Run() { return listen_after_bind(); }
  void Stop();

  // Listens on an address, at a port or (0) at a free one; the port, or kIo.
  static Result<int> Bind(HttpServer& server, const std::string& address, int port);

 private:
  bool process_and_close_socket(socket_t socket) override;

  // Answers the requests of one connection.
  bool AnswerAll(SocketStream& stream);
  // Whether a request is answered without a session: the page, where users log in on it, and routes
  // that say so. Nothing of a case is in either.
  bool IsOpen(const httplib::Request& request) const;
  void Answer(const httplib::Request& request, httplib::Response& response);
  void RedeemLink(const httplib::Request& request, httplib::Response& response);
  void AnswerPage(const httplib::Request& request, httplib::Response& response);
  void AnswerApi(const httplib::Request& request, const std::optional<Visitor>& visitor,
                 httplib::Response& response);
  void Send(ApiReply reply, httplib::Response& response);
  // Server-sent events, as long as the session of the request lasts.
  void SendFeed(const httplib::Request& request, httplib::Response& response);

  Guard& guard_;
  const Router& router_;
  Broadcast& changes_;
  const TlsContext* const tls_;
  const bool users_log_in_;
  std::atomic<size_t> listeners_{0};
};

}  // namespace ekshume::server
