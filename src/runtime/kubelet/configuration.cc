// SPDX-License-Identifier: Apache-2.0
#include "runtime/kubelet/configuration.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "base/text.h"
#include "runtime/location.h"
#include "runtime/well_known.h"
#include "runtime/yaml.h"

namespace ekshume::runtime::kubelet {
namespace {

void SetIfEmpty(std::string& to, std::string value) {
  if (to.empty()) to = std::move(value);
}

// The bytes of standard base64 (RFC 4648, section 4); other characters are skipped.
std::string DecodeBase64(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t bits = 0;
  int bit_count = 0;
  for (const char c : text) {
    const size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) continue;
    bits = (bits << 6U | static_cast<uint32_t>(value)) & 0xffffffU;
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      bytes.push_back(static_cast<char>(bits >> static_cast<unsigned>(bit_count) & 0xffU));
    }
  }
  return bytes;
}

// The common name "system:node:<name>" in a PEM certificate. DER writes a string's length in the
// byte before it (X.690, 8.1.3), which is all of DER that is needed.
std::string NodeNameOfCertificate(std::string_view pem) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kUser = "system:node:";
  const size_t begin = pem.find(kBegin);
  if (begin == std::string_view::npos) return "";
  const size_t end = pem.find("-----END", begin + kBegin.size());
  const std::string der = DecodeBase64(pem.substr(
      begin + kBegin.size(), end == std::string_view::npos ? end : end - begin - kBegin.size()));
  const size_t at = der.find(kUser);
  if (at == std::string::npos || at == 0) return "";
  const auto length = static_cast<unsigned char>(der[at - 1]);
  if (length <= kUser.size() || length >= 128 || length > der.size() - at) return "";
  return der.substr(at + kUser.size(), length - kUser.size());
}

// The credential helper: `aws eks get-token --cluster-name X --region Y`,
// `aws-iam-authenticator token -i X`.
void ReadExec(const Json& exec, Configuration& configuration) {
  const auto arguments = Texts(Member(exec, "args"));
  for (size_t i = 0; i + 1 < arguments.size(); ++i) {
    if (arguments[i] == "--cluster-name" || arguments[i] == "-i") {
      SetIfEmpty(configuration.cluster, arguments[i + 1]);
    }
    if (arguments[i] == "--region") SetIfEmpty(configuration.region, arguments[i + 1]);
  }
  for (const Json& variable : Member(exec, "env")) {
    if (Text(Member(variable, "name")) == "AWS_REGION") {
      SetIfEmpty(configuration.region, Text(Member(variable, "value")));
    }
  }
}

void ReadKubeconfig(const Location& root, const Location& file, Configuration& configuration,
                    DiagnosticSink& diagnostics) {
  const auto text = ReadText(file, kYamlFile, diagnostics);
  if (!text) return;
  const auto document = ParseYaml(*text);
  if (!document) {
    diagnostics.Report(DiagnosticCode::kRuntimeRecordDamaged, Describe(file),
                       document.error().message);
    return;
  }
  for (const Json& entry : Member(*document, "clusters")) {
    SetIfEmpty(configuration.api_server, Text(Member(entry, "cluster", "server")));
  }
  for (const Json& entry : Member(*document, "users")) {
    const Json& user = Member(entry, "user");
    ReadExec(Member(user, "exec"), configuration);
    SetIfEmpty(configuration.node_name,
               NodeNameOfCertificate(DecodeBase64(Text(Member(user, "client-certificate-data")))));
    const std::string path = Text(Member(user, "client-certificate"));
    if (path.starts_with('/')) {
      const auto pem = ReadText(Below(root, path.substr(1)), kSmallFile, diagnostics);
      if (pem) SetIfEmpty(configuration.node_name, NodeNameOfCertificate(*pem));
    }
  }
}

void ReadFlags(std::string_view text, Configuration& configuration) {
  SetIfEmpty(configuration.hostname_override, FlagValue(text, "--hostname-override"));
  SetIfEmpty(configuration.static_pod_path, FlagValue(text, "--pod-manifest-path"));
  const std::string labels = FlagValue(text, "--node-labels");
  for (const std::string_view label : SplitNonEmpty(labels, ',')) {
    const size_t equals = label.find('=');
    if (equals == std::string_view::npos) continue;
    configuration.node_labels.try_emplace(std::string(label.substr(0, equals)),
                                          label.substr(equals + 1));
  }
}

// Unit files of the kubelet with their drop-ins, and the environment files that they name.
std::vector<Location> FlagFiles(const Location& root, DiagnosticSink& diagnostics) {
  std::vector<Location> files;
  for (const std::string_view directory :
       {"etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"}) {
    files.push_back(Below(root, std::string(directory) + "/kubelet.service"));
    const Location drop_ins = Below(root, std::string(directory) + "/kubelet.service.d");
    for (const auto& entry : List(drop_ins, diagnostics)) {
      files.push_back(Below(drop_ins, entry.name));
    }
  }
  for (const std::string_view file : {"etc/eks/kubelet/environment", "etc/default/kubelet",
                                      "etc/sysconfig/kubelet", "etc/kubernetes/kubelet/env"}) {
    files.push_back(Below(root, file));
  }
  return files;
}

}  // namespace

Configuration ReadConfiguration(const NodeFilesystems& node, DiagnosticSink& diagnostics) {
  constexpr std::array<std::string_view, 5> kConfigFiles = {
      "etc/kubernetes/kubelet/config.json", "etc/kubernetes/kubelet/kubelet-config.json",
      "etc/kubernetes/kubelet/config", "var/lib/kubelet/config.yaml",
      "local/var/lib/kubelet/config.yaml"};
  constexpr std::array<std::string_view, 4> kKubeconfigs = {
      "var/lib/kubelet/kubeconfig", "etc/kubernetes/kubelet/kubeconfig",
      "etc/kubernetes/kubelet.conf", "kubelet/kubeconfig"};
  Configuration configuration;
  for (const fs::Filesystem* filesystem : node.filesystems) {
    const Location root{filesystem, ""};
    for (const std::string_view file : kConfigFiles) {
      const auto text = ReadText(Below(root, file), kYamlFile, diagnostics);
      if (!text) continue;
      // JSON is YAML.
      const auto document = ParseYaml(*text);
      if (!document) {
        diagnostics.Report(DiagnosticCode::kRuntimeRecordDamaged, Describe(Below(root, file)),
                           document.error().message);
        continue;
      }
      SetIfEmpty(configuration.static_pod_path, Text(Member(*document, "staticPodPath")));
    }
    for (const std::string_view file : kKubeconfigs) {
      ReadKubeconfig(root, Below(root, file), configuration, diagnostics);
    }
    for (const Location& file : FlagFiles(root, diagnostics)) {
      if (const auto text = ReadText(file, kSmallFile, diagnostics)) {
        ReadFlags(*text, configuration);
      }
    }
  }
  if (!configuration.static_pod_path.starts_with('/')) configuration.static_pod_path.clear();
  return configuration;
}

}  // namespace ekshume::runtime::kubelet
