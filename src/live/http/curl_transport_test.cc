// SPDX-License-Identifier: Apache-2.0
#include "live/http/curl_transport.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "base/limits.h"

namespace ekshume::live::http {
namespace {

using testing::HasSubstr;

// A server on loopback that answers its first connection with these bytes and closes it. `repeat`:
// then sends as many bytes more.
class Server {
 public:
  explicit Server(std::string answer, uint64_t repeat = 0) : answer_(std::move(answer)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* any = static_cast<sockaddr*>(static_cast<void*>(&address));
    EXPECT_EQ(bind(listener_, any, length), 0);
    EXPECT_EQ(listen(listener_, 4), 0);
    EXPECT_EQ(getsockname(listener_, any, &length), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this, repeat] { Serve(repeat); });
  }
  ~Server() {
    shutdown(listener_, SHUT_RDWR);
    close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/a?secret=1"; }
  const std::string& received() {
    thread_.join();
    return received_;
  }

 private:
  void Serve(uint64_t repeat) {
    const int connection = accept(listener_, nullptr, nullptr);
    if (connection < 0) return;
    std::array<char, 65536> part{};
    while (received_.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = recv(connection, part.data(), part.size(), 0);
      if (got <= 0) break;
      received_.append(part.data(), static_cast<size_t>(got));
    }
    static_cast<void>(send(connection, answer_.data(), answer_.size(), MSG_NOSIGNAL));
    part.fill('x');
    for (uint64_t sent = 0; sent < repeat;) {
      const ssize_t now = send(connection, part.data(), part.size(), MSG_NOSIGNAL);
      if (now <= 0) break;
      sent += static_cast<uint64_t>(now);
    }
    close(connection);
  }

  const std::string answer_;
  int listener_ = -1;
  int port_ = 0;
  std::string received_;
  std::jthread thread_;
};

TEST(CurlTransport, SendsAndReceives) {
  Server server("HTTP/1.1 404 Not Found\r\nX-Thing:  a b \r\nContent-Length: 3\r\n\r\nabc");
  CurlTransport transport;
  const auto answer = transport.Send({.method = "POST",
                                      .url = server.url(),
                                      .headers = {{"x-one", "1"}, {"x-empty", ""}},
                                      .body = "body"});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 404);
  EXPECT_EQ(answer->body, "abc");
  EXPECT_EQ(answer->Header("x-thing"), "a b");
  const std::string& received = server.received();
  EXPECT_THAT(received, HasSubstr("POST /a?secret=1 HTTP/1.1\r\n"));
  EXPECT_THAT(received, HasSubstr("x-one: 1\r\n"));
  EXPECT_THAT(received, HasSubstr("x-empty:\r\n"));
  EXPECT_THAT(received, HasSubstr("Content-Length: 4\r\n"));
  EXPECT_THAT(received, testing::Not(HasSubstr("Content-Type")));
}

TEST(CurlTransport, SeesAnAnswerThatIsCut) {
  Server server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
  CurlTransport transport;
  std::string got;
  const auto answer = transport.Send({.url = server.url(), .sink = [&](ByteView bytes) {
                                        got += bytes.AsText();
                                        return Result<void>();
                                      }});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kIo);
  EXPECT_EQ(got, "abc");
  EXPECT_THAT(answer.error().message, testing::Not(HasSubstr("secret")));
}

TEST(CurlTransport, GivesErrorsOfTheSinkAndKeepsErrorBodiesFromIt) {
  Server server("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
  CurlTransport transport;
  const auto full = [](ByteView) -> Result<void> { return Fail(ErrorCode::kNoSpace, "full"); };
  EXPECT_EQ(transport.Send({.url = server.url(), .sink = full}).error().code, ErrorCode::kNoSpace);
  Server refuses("HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\nbad");
  const auto answer = transport.Send({.url = refuses.url(), .sink = full});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "bad");
}

TEST(CurlTransport, StopsAtkMaxAnswerBytes) {
  Server server("HTTP/1.1 200 OK\r\n\r\n", limits::kMaxAnswerBytes + (1 << 20));
  CurlTransport transport;
  const auto answer = transport.Send({.url = server.url()});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kLimit);
  EXPECT_THAT(answer.error().message, HasSubstr("kMaxAnswerBytes"));
}

TEST(CurlTransport, RefusesHeadersWithLineEndsAndOtherSchemes) {
  CurlTransport transport;
  EXPECT_EQ(
      transport.Send({.url = "http://127.0.0.1:9/", .headers = {{"a", "b\r\nc: d"}}}).error().code,
      ErrorCode::kInvalidArgument);
  EXPECT_FALSE(transport.Send({.url = "file:///etc/passwd"}));
}

TEST(CurlTransport, StopsWhenTheUserWantsTo) {
  Progress progress;
  progress.Cancel();
  Server server("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
  CurlTransport transport({.progress = &progress});
  EXPECT_EQ(transport.Send({.url = server.url()}).error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace ekshume::live::http
