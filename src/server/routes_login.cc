// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "server/limits.h"
#include "server/routes.h"

namespace ekshume::server {
namespace {

// A text of the body; kInvalidArgument when it is none, or too long.
Result<std::string> TextOf(const Json& body, const char* name, size_t most) {
  const Json value = body.is_object() ? body.value(name, Json()) : Json();
  if (value.is_string()) {
    std::string text = value.get<std::string>();
    if (text.size() <= most) return text;
  }
  return Fail(ErrorCode::kInvalidArgument, std::string(name) + " is a text, and not a long one");
}

Result<ApiReply> Login(CaseService& service, Guard& guard, LoginDesk& desk,
                       const ApiRequest& request) {
  const std::string name = EKSHUME_TRY(TextOf(request.body, "name", limits::kMostNameBytes));
  const std::string password =
      EKSHUME_TRY(TextOf(request.body, "password", limits::kMostPasswordBytes));
  const LoginDesk::Outcome outcome = desk.Try(name, password);
  if (outcome.begins_waiting) {
    // One record for a row of tries: who guesses must not fill the ledger.
    EKSHUME_TRY(service.Record("login_refused", name, {{"address", request.address}}));
  }
  ApiReply reply;
  switch (outcome.answer) {
    case LoginDesk::Answer::kWait:
      reply = ApiReply::Refusal(429, "wait", "too many wrong passwords: wait half a minute");
      break;
    case LoginDesk::Answer::kWrong:
      reply = ApiReply::Refusal(401, "log_in", "the name or the password is wrong");
      break;
    case LoginDesk::Answer::kWelcome: {
      const Visitor& visitor = *outcome.visitor;
      const std::string secret = EKSHUME_TRY(guard.Begin(visitor));
      EKSHUME_TRY(service.Record("login", visitor.name,
                                 {{"address", request.address}, {"role", NameOf(visitor.role)}}));
      reply = ApiReply::Of({{"analyst", visitor.name}, {"role", NameOf(visitor.role)}});
      reply.begins = secret;
      break;
    }
  }
  return reply;
}

Result<ApiReply> Logout(CaseService& service, const ApiRequest& request) {
  EKSHUME_TRY(service.Record("logout", request.analyst, nullptr));
  ApiReply reply = ApiReply::Of(Json::object());
  reply.ends_session = true;
  return reply;
}

// A link for whoever the analyst names; they may do what the analyst may.
Result<ApiReply> NewLink(CaseService& service, Guard& guard, const ApiRequest& request) {
  const Json name = request.body.is_object() ? request.body.value("name", Json(request.analyst))
                                             : Json(request.analyst);
  const std::string text = name.is_string() ? name.get<std::string>() : std::string();
  const bool plain = std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; });
  if (text.empty() || text.size() > limits::kMostNameBytes || !plain || !IsUtf8(text)) {
    return Fail(ErrorCode::kInvalidArgument, "name: who is to use the link, 64 bytes at most");
  }
  const std::string token = EKSHUME_TRY(guard.NewToken({text, request.role}));
  EKSHUME_TRY(service.Record("link", request.analyst, {{"for", text}}));
  return ApiReply::Of(
      {{"link", fmt::format("{}/login?token={}", guard.origin(), token)}, {"analyst", text}});
}

}  // namespace

void AddLinkRoute(Router& router, CaseService& service, Guard& guard) {
  router.Add({"POST",
              "/links",
              "A link that opens one more session.",
              {},
              "name: who is to use it; what they change is recorded under it",
              [&](const ApiRequest& request) { return NewLink(service, guard, request); }});
}

void AddLoginRoutes(Router& router, CaseService& service, Guard& guard, LoginDesk* desk) {
  if (desk != nullptr) {
    router.Add(
        {"POST",
         "/login",
         "Begins a session; only where users have passwords.",
         {},
         "name, password",
         [&, desk](const ApiRequest& request) { return Login(service, guard, *desk, request); },
         Role::kReader,
         true});
  }
  router.Add({"POST",
              "/logout",
              "Ends the session that asks.",
              {},
              "nothing",
              [&](const ApiRequest& request) { return Logout(service, request); },
              Role::kReader});
}

}  // namespace ekshume::server
