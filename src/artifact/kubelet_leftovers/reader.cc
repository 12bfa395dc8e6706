// SPDX-License-Identifier: Apache-2.0
#include "artifact/kubelet_leftovers/reader.h"

#include <fmt/format.h>

#include "artifact/kubelet_leftovers/certificate.h"
#include "artifact/reading.h"
#include "base/limits.h"
#include "base/text.h"
#include "runtime/json.h"
#include "runtime/location.h"
#include "runtime/yaml.h"

namespace ekshume::artifact::kubelet_leftovers {
namespace {

using event::Number;
using event::Text;
using runtime::Json;
using runtime::Member;

class Reader {
 public:
  Reader(const View& view, Output& output, DiagnosticSink& diagnostics)
      : reading_(view, output, diagnostics) {}

  void Read() {
    ForEach({"/var/lib/cni/results/*", "/var/lib/cni/cache/results/*"}, &Reader::ReadCniResult);
    ForEach({"/var/lib/cni/networks/*/*"}, &Reader::ReadReservation);
    ForEach({"/etc/cni/net.d/*"}, &Reader::ReadNetwork);
    ForEach({"/etc/kubernetes/kubelet/*.json", "/etc/kubernetes/kubelet/config.json.d/*",
             "/var/lib/kubelet/config.yaml"},
            &Reader::ReadConfiguration);
    ForEach({"/var/lib/kubelet/pki/*", "/etc/kubernetes/pki/*", "/etc/kubernetes/*.crt"},
            &Reader::ReadCertificates);
    ForEach({"/etc/kubernetes/manifests/*", "/etc/kubernetes/manifests/*/*"},
            &Reader::ReadManifest);
    ForEach({"/var/lib/kubelet/cpu_manager_state", "/var/lib/kubelet/memory_manager_state"},
            &Reader::ReadManagerState);
    ForEach({"/var/lib/kubelet/plugins/kubernetes.io/csi/*/*/vol_data.json",
             "/var/lib/kubelet/plugins/kubernetes.io/csi/pv/*/vol_data.json",
             "/var/lib/kubelet/pods/*/volumes/kubernetes.io~csi/*/vol_data.json"},
            &Reader::ReadVolume);
    ReadCheckpoints();
  }

 private:
  void ForEach(std::initializer_list<std::string_view> patterns,
               void (Reader::*read)(const FoundFile&, const std::string&)) {
    for (const FoundFile& file : reading_.Find(patterns)) {
      const auto content = reading_.ReadFile(file);
      if (content) (this->*read)(file, *content);
    }
  }

  event::Event& Begin(const FoundFile& file, std::string_view action, std::string_view kind) {
    event::Event& event = reading_.Begin();
    FillFromFile(file, event);
    event[Text::kAction] = action;
    event[Text::kObjectKind] = kind;
    return event;
  }

  std::optional<Json> Document(const FoundFile& file, const std::string& content) {
    auto json =
        file.path.ends_with(".yaml") ? runtime::ParseYaml(content) : runtime::ParseJson(content);
    if (json) return *std::move(json);
    reading_.Report(DiagnosticCode::kArtifactDamaged, file.path, json.error().message);
    return std::nullopt;
  }

  // libcni's cache (containernetworking/cni, libcni/api.go): which pod got which address.
  void ReadCniResult(const FoundFile& file, const std::string& content) {
    const auto json = Document(file, content);
    // Every pod has 127.0.0.1.
    if (!json || runtime::Text(Member(*json, "ifName")) == "lo") return;
    event::Event& event = Begin(file, "assigned", "pod address");
    event[Text::kContainerId] = runtime::Text(Member(*json, "containerId"));
    for (const Json& argument : Member(*json, "cniArgs")) {
      const std::vector<std::string> pair = runtime::Texts(argument);
      if (pair.size() != 2) continue;
      if (pair[0] == "K8S_POD_NAME") event[Text::kPod] = pair[1];
      if (pair[0] == "K8S_POD_NAMESPACE") event[Text::kNamespace] = pair[1];
      if (pair[0] == "K8S_POD_UID") event[Text::kPodUid] = pair[1];
    }
    std::string addresses;
    for (const Json& ip : Member(*json, "result", "ips")) {
      if (!addresses.empty()) addresses += ' ';
      const std::string address = runtime::Text(Member(ip, "address"));
      addresses += address.substr(0, address.find('/'));
    }
    event[Text::kObjectName] = addresses;
    event[Text::kMessage] = fmt::format(
        "Pod {}/{} got the address {} on network {} ({})", event[Text::kNamespace],
        event[Text::kPod], addresses.empty() ? "of none" : addresses,
        runtime::Text(Member(*json, "networkName")), runtime::Text(Member(*json, "ifName")));
    event.raw = Shorten(content, limits::kMaxSmallFileBytes);
    reading_.Add(file.path, 0);
  }

  // host-local (containernetworking/plugins, backend/disk): a file per address with the id of the
  // container that has it.
  void ReadReservation(const FoundFile& file, const std::string& content) {
    const std::string_view name = NameOf(file.path);
    if (name == "lock" || name.starts_with("last_reserved_ip")) return;
    std::string_view rest = content;
    const std::string_view id = TakeWord(rest);
    if (!runtime::IsHex64(id)) {
      reading_.Report(DiagnosticCode::kArtifactDamaged, file.path, "no container id", 0);
      return;
    }
    event::Event& event = Begin(file, "assigned", "pod address");
    event[Text::kObjectName] = name;
    event[Text::kContainerId] = id;
    event[Text::kMessage] = fmt::format("Address {} of network {} was given to sandbox {}", name,
                                        NameOf(DirectoryOf(file.path)), id.substr(0, 12));
    event.raw = Shorten(content, limits::kMaxSmallFileBytes);
    reading_.Add(file.path, 0);
  }

  void ReadNetwork(const FoundFile& file, const std::string& content) {
    event::Event& event = Begin(file, "configured", "pod network");
    event[Text::kObjectName] = NameOf(file.path);
    event[Text::kMessage] = fmt::format("Pod network: {}", file.path);
    event.raw = Shorten(content, limits::kMaxSmallFileBytes);
    reading_.Add(file.path, 0);
  }

  // KubeletConfiguration (kubelet.config.k8s.io/v1beta1)
  void ReadConfiguration(const FoundFile& file, const std::string& content) {
    const auto json = Document(file, content);
    if (!json) return;
    event::Event& event = Begin(file, "configured", "kubelet");
    event[Text::kObjectName] = NameOf(file.path);
    std::string& message = event[Text::kMessage];
    message = "Kubelet configuration";
    const auto tell = [&](std::string_view what, const Json& value) {
      const std::string text = value.is_string() ? runtime::Text(value)
                               : value.is_null()
                                   ? ""
                                   : value.dump(-1, ' ', false, Json::error_handler_t::replace);
      if (!text.empty()) message += fmt::format(", {} {}", what, text);
    };
    tell("anonymous access", Member(*json, "authentication", "anonymous", "enabled"));
    tell("authorization", Member(*json, "authorization", "mode"));
    tell("read-only port", Member(*json, "readOnlyPort"));
    tell("static pods in", Member(*json, "staticPodPath"));
    const Json& anonymous = Member(*json, "authentication", "anonymous", "enabled");
    if (runtime::IsTrue(anonymous) || runtime::Text(anonymous) == "true") {
      event.AddTag("anonymous");
    }
    event.raw = Shorten(content, limits::kMaxSmallFileBytes);
    reading_.Add(file.path, 0);
  }

  void ReadCertificates(const FoundFile& file, const std::string& content) {
    uint64_t number = 0;
    for (const Certificate& certificate : ParseCertificates(content)) {
      event::Event& event = Begin(file, "issued", "certificate");
      if (certificate.not_before) {
        event.time = certificate.not_before;
        event[Text::kTimeKind] = "Start Time";
      }
      event[Text::kObjectName] = certificate.subject;
      event[Text::kUserName] = certificate.common_name;
      event[Text::kCredentialId] = certificate.fingerprint;
      event[Text::kMessage] = fmt::format(
          "Certificate of {} by {}, valid until {}", certificate.subject, certificate.issuer,
          certificate.not_after ? FormatTimestamp(*certificate.not_after) : "unknown");
      event.raw = fmt::format("{} {}", certificate.subject, certificate.fingerprint);
      reading_.Add(file.path, number++);
    }
  }

  // A static pod needs no API server: whoever may write here may run what he likes.
  void ReadManifest(const FoundFile& file, const std::string& content) {
    auto json = runtime::ParseYaml(content);
    if (!json) {
      reading_.Report(DiagnosticCode::kArtifactDamaged, file.path, json.error().message);
      return;
    }
    event::Event& event = Begin(file, "configured", "static pod");
    event[Text::kPod] = runtime::Text(Member(*json, "metadata", "name"));
    event[Text::kNamespace] = runtime::Text(Member(*json, "metadata", "namespace"));
    event[Text::kObjectName] = event[Text::kPod];
    std::string images;
    for (const Json& container : Member(*json, "spec", "containers")) {
      if (!images.empty()) images += ' ';
      images += runtime::Text(Member(container, "image"));
    }
    event[Text::kImage] = images;
    event[Text::kMessage] = fmt::format("Static pod {} ({})", event[Text::kPod], images);
    event.raw = Shorten(content, limits::kMaxSmallFileBytes);
    reading_.Add(file.path, 0);
  }

  // pkg/kubelet/cm/cpumanager/state/checkpoint.go: pods that had processors or memory of their own.
  void ReadManagerState(const FoundFile& file, const std::string& content) {
    const auto json = Document(file, content);
    if (!json) return;
    uint64_t number = 0;
    const Json& entries = Member(*json, "entries");
    if (!entries.is_object()) return;
    for (const auto& [uid, containers] : entries.items()) {
      if (!containers.is_object()) continue;
      for (const auto& [name, value] : containers.items()) {
        event::Event& event = Begin(file, "assigned", "resources");
        event[Text::kPodUid] = uid;
        event[Text::kContainer] = name;
        event[Text::kMessage] = fmt::format("Container {} of pod {} had resources of its own ({})",
                                            name, uid, NameOf(file.path));
        event.raw = value.dump(-1, ' ', false, Json::error_handler_t::replace);
        reading_.Add(file.path, number++);
      }
    }
  }

  // pkg/volume/csi/csi_util.go
  void ReadVolume(const FoundFile& file, const std::string& content) {
    const auto json = Document(file, content);
    if (!json) return;
    event::Event& event = Begin(file, "attached", "volume");
    event[Text::kObjectName] = runtime::Text(Member(*json, "volumeHandle"));
    constexpr std::string_view kPods = "/var/lib/kubelet/pods/";
    if (file.path.starts_with(kPods)) {
      const std::string_view rest = std::string_view(file.path).substr(kPods.size());
      event[Text::kPodUid] = rest.substr(0, rest.find('/'));
    }
    event[Text::kMessage] = fmt::format("Volume {} of driver {} was used", event[Text::kObjectName],
                                        runtime::Text(Member(*json, "driverName")));
    event.raw = Shorten(content, limits::kMaxSmallFileBytes);
    reading_.Add(file.path, 0);
  }

  // Memory and files of containers, which somebody asked the kubelet to write out.
  void ReadCheckpoints() {
    for (const FoundFile& file : reading_.Find({"/var/lib/kubelet/checkpoints/*"})) {
      event::Event& event = Begin(file, "created", "checkpoint");
      event[Text::kObjectName] = NameOf(file.path);
      event[Number::kSize] = static_cast<int64_t>(
          std::min<uint64_t>(file.stat.size_bytes, static_cast<uint64_t>(INT64_MAX)));
      event[Text::kMessage] = fmt::format("Checkpoint of a container: {}", file.path);
      event.raw = file.path;
      reading_.Add(file.path, 0);
    }
  }

  Reading reading_;
};

class KubeletLeftovers : public Format {
 public:
  std::string_view name() const override { return "kubelet_leftovers"; }
  std::string_view description() const override {
    return "pod addresses, kubelet configuration, certificates, checkpoints, static pods";
  }
  void Read(const View& view, Output& output, DiagnosticSink& diagnostics) const override {
    Reader(view, output, diagnostics).Read();
  }
};

}  // namespace

const Format& KubeletLeftoversFormat() {
  static const KubeletLeftovers format;
  return format;
}

}  // namespace ekshume::artifact::kubelet_leftovers
