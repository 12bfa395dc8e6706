// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/kubeconfig.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/base64.h"
#include "base/limits.h"
#include "base/text.h"
#include "live/wire/json.h"

extern "C" char** environ;

namespace ekshume::live::kubernetes {
namespace {

using wire::Json;

constexpr std::string_view kServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/";

// One part of a kubeconfig, and the folder that its relative paths start from.
struct Part {
  YAML::Node node;
  std::string folder;
};

std::string TextOf(const YAML::Node& node, const char* name) {
  if (!node.IsMap()) return "";
  const YAML::Node value = node[name];
  return value.IsDefined() && value.IsScalar() ? value.Scalar() : "";
}

bool FlagOf(const YAML::Node& node, const char* name) { return TextOf(node, name) == "true"; }

std::string Absolute(const std::string& path, const std::string& folder) {
  return path.starts_with('/') ? path : (std::filesystem::path(folder) / path).string();
}

// `NAME-data` in base64, else the file that NAME names.
Result<std::string> DataOrFile(const Part& part, const char* name,
                               const Surroundings& surroundings) {
  const std::string data = TextOf(part.node, fmt::format("{}-data", name).c_str());
  if (!data.empty()) {
    const auto decoded = DecodeBase64(data);
    if (!decoded) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("kubeconfig: {}-data is no base64", name));
    }
    return *decoded;
  }
  const std::string path = TextOf(part.node, name);
  if (path.empty()) return std::string();
  return surroundings.read_file(Absolute(path, part.folder));
}

class Config {
 public:
  Result<void> Add(const std::string& text, const std::string& path) {
    const std::string folder = std::filesystem::path(path).parent_path().string();
    try {
      Part part{YAML::Load(text), folder.empty() ? "." : folder};
      if (part.node.IsNull()) return {};
      if (!part.node.IsMap()) {
        return Fail(ErrorCode::kInvalidArgument, fmt::format("{} is no kubeconfig", path));
      }
      parts_.push_back(std::move(part));
    } catch (const YAML::Exception& exception) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} is no kubeconfig: {}", path, exception.what()));
    }
    return {};
  }
  bool empty() const { return parts_.empty(); }

  Result<Access> Choose(const std::string& wanted, const Surroundings& surroundings) const {
    try {
      return ChooseContext(wanted, surroundings);
    } catch (const YAML::Exception& exception) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("kubeconfig: {}", exception.what()));
    }
  }

 private:
  // The first file that has the name counts.
  Result<Part> Find(const char* list, const char* member, const std::string& name) const {
    for (const Part& part : parts_) {
      const YAML::Node entries = part.node[list];
      if (!entries.IsDefined() || !entries.IsSequence()) continue;
      for (const YAML::Node& entry : entries) {
        if (TextOf(entry, "name") == name && entry[member].IsDefined()) {
          return Part{entry[member], part.folder};
        }
      }
    }
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("kubeconfig: there is no {} '{}'", member, EscapeForTerminal(name)));
  }

  Result<Access> ChooseContext(const std::string& wanted, const Surroundings& surroundings) const {
    std::string name = wanted;
    for (const Part& part : parts_) {
      if (name.empty()) name = TextOf(part.node, "current-context");
    }
    if (name.empty()) {
      return Fail(ErrorCode::kInvalidArgument, "kubeconfig: no current context; give --context");
    }
    const Part context = EKSHUME_TRY(Find("contexts", "context", name));
    const Part cluster = EKSHUME_TRY(Find("clusters", "cluster", TextOf(context.node, "cluster")));
    Access access;
    access.source = fmt::format("kubeconfig context {}", name);
    access.server = TextOf(cluster.node, "server");
    while (access.server.ends_with('/')) access.server.pop_back();
    if (!access.server.starts_with("https://") && !access.server.starts_with("http://")) {
      return Fail(ErrorCode::kInvalidArgument, "kubeconfig: the cluster's server is no URL");
    }
    access.default_namespace = TextOf(context.node, "namespace");
    if (access.default_namespace.empty()) access.default_namespace = "default";
    access.ca_pem = EKSHUME_TRY(DataOrFile(cluster, "certificate-authority", surroundings));
    access.tls_server_name = TextOf(cluster.node, "tls-server-name");
    access.insecure = FlagOf(cluster.node, "insecure-skip-tls-verify");
    const std::string user_name = TextOf(context.node, "user");
    if (user_name.empty()) return access;
    const Part user = EKSHUME_TRY(Find("users", "user", user_name));
    EKSHUME_TRY(SetUser(user, surroundings, access));
    return access;
  }

  static Result<void> SetUser(const Part& user, const Surroundings& surroundings, Access& access) {
    if (!user.node.IsMap()) return {};
    access.certificate_pem = EKSHUME_TRY(DataOrFile(user, "client-certificate", surroundings));
    access.key_pem = EKSHUME_TRY(DataOrFile(user, "client-key", surroundings));
    access.token = TextOf(user.node, "token");
    access.token_file = TextOf(user.node, "tokenFile");
    if (!access.token_file.empty()) access.token_file = Absolute(access.token_file, user.folder);
    access.user_name = TextOf(user.node, "username");
    access.password = TextOf(user.node, "password");
    if (user.node["auth-provider"].IsDefined()) {
      return Fail(ErrorCode::kUnsupported,
                  "kubeconfig: auth-provider was removed from Kubernetes in 1.26; use exec");
    }
    const YAML::Node exec = user.node["exec"];
    if (!exec.IsDefined() || !exec.IsMap()) return {};
    CredentialPlugin plugin;
    plugin.api_version = TextOf(exec, "apiVersion");
    if (plugin.api_version != "client.authentication.k8s.io/v1" &&
        plugin.api_version != "client.authentication.k8s.io/v1beta1") {
      return Fail(ErrorCode::kUnsupported,
                  fmt::format("kubeconfig: credential plugins of {} are not supported",
                              EscapeForTerminal(plugin.api_version)));
    }
    plugin.command = TextOf(exec, "command");
    // With a '/' in it, it is a path beside the kubeconfig.
    if (plugin.command.find('/') != std::string::npos) {
      plugin.command = Absolute(plugin.command, user.folder);
    }
    plugin.install_hint = TextOf(exec, "installHint");
    plugin.wants_cluster = FlagOf(exec, "provideClusterInfo");
    if (const YAML::Node list = exec["args"]; list.IsDefined() && list.IsSequence()) {
      for (const YAML::Node& argument : list) plugin.arguments.push_back(argument.Scalar());
    }
    if (const YAML::Node list = exec["env"]; list.IsDefined() && list.IsSequence()) {
      for (const YAML::Node& entry : list) {
        plugin.environment.emplace_back(TextOf(entry, "name"), TextOf(entry, "value"));
      }
    }
    access.plugin = std::move(plugin);
    return {};
  }

  std::vector<Part> parts_;
};

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::string ReadAllOf(int descriptor) {
  std::string text;
  std::array<char, 4096> part{};
  ssize_t got = 0;
  while ((got = read(descriptor, part.data(), part.size())) > 0 || (got < 0 && errno == EINTR)) {
    if (got > 0 && text.size() < limits::kMaxSmallFileBytes) {
      text.append(part.data(), static_cast<size_t>(got));
    }
  }
  return text;
}

}  // namespace

Result<Access> InClusterAccess(const Surroundings& surroundings) {
  const auto host = surroundings.variable("KUBERNETES_SERVICE_HOST");
  const auto port = surroundings.variable("KUBERNETES_SERVICE_PORT");
  if (!host || !port) {
    return Fail(ErrorCode::kNotFound,
                "no cluster: no kubeconfig (--kubeconfig, KUBECONFIG, ~/.kube/config), and this is "
                "no pod with a service account");
  }
  Access access;
  access.source = "service account of this pod";
  const bool is_v6 = host->find(':') != std::string::npos;
  access.server =
      fmt::format("https://{}{}{}:{}", is_v6 ? "[" : "", *host, is_v6 ? "]" : "", *port);
  const std::string folder(kServiceAccount);
  access.ca_pem = EKSHUME_TRY(surroundings.read_file(folder + "ca.crt"));
  access.token_file = folder + "token";
  const auto name = surroundings.read_file(folder + "namespace");
  access.default_namespace = name && !name->empty() ? *name : "default";
  return access;
}

Result<Access> FindAccess(const AccessOptions& options, const Surroundings& surroundings) {
  Config config;
  if (!options.kubeconfig.empty()) {
    const std::string text = EKSHUME_TRY(surroundings.read_file(options.kubeconfig));
    EKSHUME_TRY(config.Add(text, options.kubeconfig));
  } else {
    const std::string list = surroundings.variable("KUBECONFIG")
                                 .value_or(fmt::format("{}/.kube/config", surroundings.Home()));
    for (const std::string_view path : SplitNonEmpty(list, ':')) {
      const auto text = surroundings.read_file(std::string(path));
      if (!text && text.error().code == ErrorCode::kNotFound) continue;
      if (!text) return text.error();
      EKSHUME_TRY(config.Add(*text, std::string(path)));
    }
  }
  if (config.empty() && options.kubeconfig.empty() && options.context.empty()) {
    return InClusterAccess(surroundings);
  }
  return config.Choose(options.context, surroundings);
}

Result<std::string> RunProgramOfProcess(
    const std::vector<std::string>& arguments,
    const std::vector<std::pair<std::string, std::string>>& environment) {
  std::vector<std::string> words = arguments;
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    bool replaced = false;
    for (const auto& [name, value] : environment) {
      replaced = replaced || text.starts_with(fmt::format("{}=", name));
    }
    if (!replaced) variables.emplace_back(text);
  }
  for (const auto& [name, value] : environment) {
    variables.push_back(fmt::format("{}={}", name, value));
  }
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return Fail(ErrorCode::kIo, "cannot make a pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, words.front().c_str(), &actions, nullptr,
                                  Pointers(words).data(), Pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  const std::string text = failed == 0 ? ReadAllOf(ends[0]) : "";
  close(ends[0]);
  if (failed != 0) {
    return Fail(ErrorCode::kIo,
                fmt::format("cannot run {}: {}", words.front(), std::strerror(failed)));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) {
    return Fail(ErrorCode::kIo, fmt::format("{} ended with status {}", words.front(),
                                            WIFEXITED(status) ? WEXITSTATUS(status) : status));
  }
  return text;
}

Result<PluginCredential> AskPlugin(const Access& access, const RunProgram& run) {
  const CredentialPlugin& plugin = *access.plugin;
  std::vector<std::string> arguments{plugin.command};
  arguments.insert(arguments.end(), plugin.arguments.begin(), plugin.arguments.end());
  Json info{{"apiVersion", plugin.api_version},
            {"kind", "ExecCredential"},
            {"spec", {{"interactive", false}}}};
  if (plugin.wants_cluster) {
    info["spec"]["cluster"] = {
        {"server", access.server},
        {"certificate-authority-data", EncodeBase64(ByteView::Of(access.ca_pem))}};
  }
  auto environment = plugin.environment;
  environment.emplace_back("KUBERNETES_EXEC_INFO", wire::DumpJson(info));
  const auto text = run(arguments, environment);
  if (!text) {
    Error error = WithContext(text.error(), "the credential plugin of the kubeconfig");
    if (!plugin.install_hint.empty()) {
      error.message += fmt::format(" ({})", EscapeForTerminal(plugin.install_hint));
    }
    return error;
  }
  const Json answer = EKSHUME_TRY(wire::ParseJson(*text, plugin.command));
  if (wire::TextOf(answer, "kind") != "ExecCredential") {
    return Fail(ErrorCode::kCorrupt, fmt::format("{} printed no ExecCredential", plugin.command));
  }
  const Json& status = wire::ObjectOf(answer, "status");
  PluginCredential credential{
      .token = wire::TextOf(status, "token"),
      .certificate_pem = wire::TextOf(status, "clientCertificateData"),
      .key_pem = wire::TextOf(status, "clientKeyData"),
      .expires = ParseTimestamp(wire::TextOf(status, "expirationTimestamp"))};
  if (credential.token.empty() && credential.certificate_pem.empty()) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("{} printed neither a token nor a certificate", plugin.command));
  }
  return credential;
}

}  // namespace ekshume::live::kubernetes
