// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "live/wire/surroundings.h"

// How to reach an API server: kubeconfig files ("Organizing Cluster Access Using kubeconfig
// Files"), credential plugins (client.authentication.k8s.io v1 and v1beta1), and the service
// account of the pod that we run in.
namespace ekshume::live::kubernetes {

using wire::Surroundings;

// A program that prints an ExecCredential.
struct CredentialPlugin {
  std::string api_version;
  std::string command;
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;
  std::string install_hint;
  bool wants_cluster = false;  // provideClusterInfo
};

struct Access {
  std::string source;             // "kubeconfig context prod"; never a secret
  std::string server;             // "https://10.0.0.1:6443", without a '/' at its end
  std::string default_namespace;  // of the context, or "default"
  std::string ca_pem;
  std::string tls_server_name;  // the name in the server's certificate, if it is not that of server
  bool insecure = false;
  std::string certificate_pem;
  std::string key_pem;
  std::string token;
  std::string token_file;  // wins over `token`; read again, as its content changes
  std::string user_name;   // basic authentication
  std::string password;
  std::optional<CredentialPlugin> plugin;
};

struct AccessOptions {
  std::string kubeconfig;  // "": $KUBECONFIG (several, ':' between), then ~/.kube/config
  std::string context;     // "": the current one
};

// Finds the cluster: the kubeconfig, or without one the service account of this pod. kNotFound with
// a sentence when there is neither; kInvalidArgument for a context, cluster or user that is not
// there, and for text that is no kubeconfig.
Result<Access> FindAccess(const AccessOptions& options, const Surroundings& surroundings);
Result<Access> InClusterAccess(const Surroundings& surroundings);

struct PluginCredential {
  std::string token;
  std::string certificate_pem;
  std::string key_pem;
  std::optional<Timestamp> expires;
};
// Runs a program without a shell, with additions to the environment; what it printed.
using RunProgram = std::function<Result<std::string>(
    const std::vector<std::string>& arguments,
    const std::vector<std::pair<std::string, std::string>>& environment)>;
Result<std::string> RunProgramOfProcess(
    const std::vector<std::string>& arguments,
    const std::vector<std::pair<std::string, std::string>>& environment);

// Asks the plugin of `access`. kIo when it fails, kCorrupt when it prints something else.
Result<PluginCredential> AskPlugin(const Access& access, const RunProgram& run);

}  // namespace ekshume::live::kubernetes
