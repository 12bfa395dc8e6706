// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/exec.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <functional>
#include <thread>

namespace ekshume::live::kubernetes {
namespace {

namespace beast = boost::beast;
namespace websocket = beast::websocket;
using testing::HasSubstr;
using tcp = boost::asio::ip::tcp;
using Socket = websocket::stream<tcp::socket>;
using namespace std::string_literals;

constexpr char kSuccess[] = "\x03{\"metadata\":{},\"status\":\"Success\"}";

// A server for one connection on loopback; plays the API server's part of exec.
class Server {
 public:
  Server(std::string protocol, std::function<void(Socket&)> play)
      : acceptor_(context_, {boost::asio::ip::make_address("127.0.0.1"), 0}) {
    thread_ = std::thread([this, protocol = std::move(protocol), play = std::move(play)] {
      beast::error_code error;
      tcp::socket peer = acceptor_.accept(error);
      beast::flat_buffer buffer;
      beast::http::request<beast::http::string_body> request;
      beast::http::read(peer, buffer, request, error);
      target = std::string(request.target());
      authorization = std::string(request[beast::http::field::authorization]);
      if (!play) {
        beast::http::response<beast::http::string_body> refusal(beast::http::status::forbidden, 11);
        refusal.prepare_payload();
        beast::http::write(peer, refusal, error);
        return;
      }
      Socket socket(std::move(peer));
      socket.set_option(websocket::stream_base::decorator([&](websocket::response_type& answer) {
        answer.set(beast::http::field::sec_websocket_protocol, protocol);
      }));
      socket.accept(request, error);
      socket.binary(true);
      play(socket);
    });
  }
  ~Server() { thread_.join(); }
  Access access() const {
    return {.source = "test",
            .server = fmt::format("http://127.0.0.1:{}", acceptor_.local_endpoint().port())};
  }

  std::string target;
  std::string authorization;

 private:
  boost::asio::io_context context_;
  tcp::acceptor acceptor_;
  std::thread thread_;
};

void Send(Socket& socket, const std::string& message) {
  beast::error_code error;
  socket.write(boost::asio::buffer(message), error);
}

std::string Receive(Socket& socket) {
  beast::error_code error;
  beast::flat_buffer buffer;
  socket.read(buffer, error);
  return error ? "" : beast::buffers_to_string(buffer.data());
}

ExecRequest Request(std::string& output) {
  ExecRequest request{.path = "/api/v1/namespaces/shop/pods/web/exec",
                      .container = "app",
                      .command = {"sh", "-c", "a b&c"}};
  request.output = [&output](ByteView bytes) -> Result<void> {
    output += bytes.AsText();
    return {};
  };
  return request;
}

TEST(Exec, TakesOutputErrorsAndTheExitCodeApart) {
  std::string output;
  Result<ExecOutcome> outcome;
  std::string target;
  {
    Server server("v4.channel.k8s.io", [](Socket& socket) {
      Send(socket, "\x01"s);
      Send(socket, "\x01one"s + "\0two"s);
      Send(socket, "\x02warning"s);
      Send(socket, "\x03"s +
                       R"({"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[)"
                       R"({"reason":"ExitCode","message":"7"}]}})");
    });
    outcome = Exec(server.access(), "Bearer t", Request(output), nullptr);
    target = server.target;
    EXPECT_EQ(server.authorization, "Bearer t");
  }
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(output, "one\0two"s);
  EXPECT_EQ(outcome->errors, "warning");
  EXPECT_EQ(outcome->exit_code, 7);
  EXPECT_EQ(outcome->protocol, "v4.channel.k8s.io");
  EXPECT_EQ(target,
            "/api/v1/namespaces/shop/pods/web/exec?container=app&stdin=false&stdout=true&stderr="
            "true&tty=false&command=sh&command=-c&command=a%20b%26c");
}

TEST(Exec, ClosesInputOnlyWithVersionFive) {
  const std::string input(100000, 'x');
  for (const char* protocol : {"v5.channel.k8s.io", "v4.channel.k8s.io"}) {
    std::string received;
    std::string end;
    std::string output;
    Result<ExecOutcome> outcome;
    {
      Server server(protocol, [&](Socket& socket) {
        while (received.size() < input.size()) {
          const std::string message = Receive(socket);
          if (message.empty() || message.front() != '\0') return;
          received += message.substr(1);
        }
        if (protocol == "v5.channel.k8s.io"s) end = Receive(socket);
        Send(socket, kSuccess);
        if (end.empty()) end = Receive(socket);  // the closing of the connection
      });
      ExecRequest request = Request(output);
      request.input = input;
      outcome = Exec(server.access(), "", request, nullptr);
    }
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_EQ(received, input);
    EXPECT_EQ(end, protocol == "v5.channel.k8s.io"s ? "\xff\0"s : ""s);
  }
}

TEST(Exec, SaysWhenTheConnectionEndsBeforeTheCommand) {
  std::string output;
  Server server("v4.channel.k8s.io", [](Socket& socket) {
    Send(socket, "\x01half"s);
    beast::error_code error;
    socket.next_layer().close(error);
  });
  const auto outcome = Exec(server.access(), "", Request(output), nullptr);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kIo);
  EXPECT_THAT(outcome.error().message, HasSubstr("ended before the command did"));
  EXPECT_EQ(output, "half");
}

TEST(Exec, NamesThePermissionAndUnknownProtocols) {
  std::string output;
  {
    Server server("", nullptr);
    const auto refused = Exec(server.access(), "", Request(output), nullptr);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message,
                HasSubstr("the permission to create pods/exec in namespace shop is missing"));
  }
  Server server("v1.channel.k8s.io", [](Socket&) {});
  EXPECT_EQ(Exec(server.access(), "", Request(output), nullptr).error().code,
            ErrorCode::kUnsupported);
}

TEST(Exec, StopsWhenItIsAskedTo) {
  std::string output;
  Progress progress;
  Server server("v4.channel.k8s.io", [&](Socket& socket) {
    progress.Cancel();
    Receive(socket);
  });
  EXPECT_EQ(Exec(server.access(), "", Request(output), &progress).error().code,
            ErrorCode::kCancelled);
}

}  // namespace
}  // namespace ekshume::live::kubernetes
