// SPDX-License-Identifier: Apache-2.0
#include "cli/respond_work.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "base/text.h"
#include "cli/acquire_kubernetes.h"
#include "live/kubernetes/acquire_pod.h"
#include "live/kubernetes/pod_state.h"
#include "live/respond/node_control.h"
#include "live/respond/object_calls.h"
#include "live/respond/probe.h"

namespace ekshume::cli {
namespace {

namespace kubernetes = live::kubernetes;
namespace respond = live::respond;
using respond::Step;
using respond::StepKind;

class StepWorks {
 public:
  StepWorks(Program& program, std::string image, std::string case_directory,
            kubernetes::Client& client, const respond::Journal& journal)
      : program_(program),
        image_(std::move(image)),
        case_directory_(std::move(case_directory)),
        client_(client),
        journal_(journal) {}

  using Json = live::wire::Json;
  // Of a secret only hashes: the case holds no credentials.
  Result<Json> SaveSecret(const Step& step) {
    const std::vector<std::string_view> parts = SplitNonEmpty(step.object, '/');
    if (parts.size() != 3) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("{} is no secret", step.object));
    }
    const std::string target = fmt::format("{}/{}", parts[1], parts[2]);
    return IntoCase(step, "state", target, [&](live::Acquisition& acquisition) -> Result<Json> {
      const std::string path =
          kubernetes::PathOf({"api", "v1", "namespaces", parts[1], "secrets", parts[2]});
      const Json secret = respond::ForJournal(EKSHUME_TRY(client_.Get(path)));
      EKSHUME_TRY(acquisition.Add("state/secret.json", path, live::wire::DumpJson(secret)));
      return Json{{"sentence", "the SHA-256 of each value is in the case"},
                  {"hashes", live::wire::ObjectOf(secret, "data")}};
    });
  }

  Result<Json> Control(const Step& step) {
    return IntoCase(step, "control", step.object,
                    [&](live::Acquisition& acquisition) -> Result<Json> {
                      return respond::ControlProcesses(step, image_, client_, acquisition,
                                                       program_.diagnostics, program_.progress);
                    });
  }

  Result<Json> Save(const Step& step) {
    if (step.object.starts_with("secret/")) return SaveSecret(step);
    return Into(step, "state",
                [&](live::Acquisition& acquisition, const std::string& in_namespace,
                    const std::string& pod) -> Result<Json> {
                  const Json object = EKSHUME_TRY(client_.Get(
                      kubernetes::PathOf({"api", "v1", "namespaces", in_namespace, "pods", pod})));
                  kubernetes::SavePodState(object, client_, acquisition);
                  return Json{{"sentence", "saved"}};
                });
  }

  Result<Json> Acquire(const Step& step) {
    return Into(step, "pod",
                [&](live::Acquisition& acquisition, const std::string& in_namespace,
                    const std::string& pod) -> Result<Json> {
                  kubernetes::PodRequest request;
                  request.in_namespace = in_namespace;
                  request.pod = pod;
                  request.image = image_;
                  request.via = respond::SettingOf(step, "via", "auto");
                  request.collecting.memory = respond::SettingOf(step, "memory", "anonymous");
                  EKSHUME_TRY(kubernetes::AcquirePod(request, client_, acquisition,
                                                     program_.diagnostics, program_.progress));
                  Json result = {{"sentence", "acquired"}};
                  const Json record = Json::parse(acquisition.Record(), nullptr, false);
                  if (live::wire::TextOf(record, "method").find("ephemeral") != std::string::npos) {
                    result["changes_object"] = true;
                  }
                  return result;
                });
  }

  Result<Json> Probe(const Step& step) {
    respond::ProbeRequest request;
    const std::string probes = respond::SettingOf(step, "probes");
    for (const std::string_view probe : SplitNonEmpty(probes, ' ')) {
      request.targets.emplace_back(probe);
    }
    const bool must_be_cut = respond::SettingOf(step, "expect") == "cut";
    return Into(
        step, "probe",
        [&](live::Acquisition& acquisition, const std::string& in_namespace,
            const std::string& pod) -> Result<Json> {
          request.in_namespace = in_namespace;
          request.pod = pod;
          request.image = image_;
          Json result = EKSHUME_TRY(respond::ProbeNetwork(request, client_, acquisition,
                                                          program_.diagnostics, program_.progress));
          result["pod"] = step.object;
          const auto open = respond::TargetsIn(result, "open");
          const auto cut = respond::TargetsIn(result, "cut");
          if (must_be_cut && !open.empty()) {
            return Fail(ErrorCode::kUnsupported,
                        fmt::format("the pod still reaches {}: this network plugin does not "
                                    "enforce the policy (or not yet)",
                                    fmt::join(open, ", ")));
          }
          if (must_be_cut && !WasOpenBefore(step)) {
            program_.has_failures = true;
            result["sentence"] = fmt::format(
                "no way to {}, but there was none before either: that proves nothing; plan "
                "with --probe HOST:PORT that the pod reaches",
                fmt::join(cut, ", "));
            return result;
          }
          result["sentence"] = open.empty() ? fmt::format("no way to {}", fmt::join(cut, ", "))
                                            : fmt::format("reaches {}", fmt::join(open, ", "));
          return result;
        });
  }

 private:
  using Work = std::function<Result<Json>(live::Acquisition& acquisition,
                                          const std::string& in_namespace, const std::string& pod)>;

  // "pod/shop/web" into an acquisition of the case that `work` fills.
  Result<Json> Into(const Step& step, const char* kind, const Work& work) {
    const std::vector<std::string_view> parts = SplitNonEmpty(step.object, '/');
    if (parts.size() != 3 || parts[0] != "pod") {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("{} is no pod", step.object));
    }
    const std::string in_namespace(parts[1]);
    const std::string pod(parts[2]);
    return IntoCase(
        step, kind, fmt::format("{}/{}", in_namespace, pod),
        [&](live::Acquisition& acquisition) { return work(acquisition, in_namespace, pod); });
  }

  Result<Json> IntoCase(const Step& step, const char* kind, std::string target,
                        const std::function<Result<Json>(live::Acquisition&)>& work) {
    const auto acquisition =
        EKSHUME_TRY(live::Acquisition::Begin({.case_directory = case_directory_,
                                              .output_directory = "",
                                              .kind = kind,
                                              .target = std::move(target),
                                              .arguments = program_.command_line},
                                             program_.diagnostics));
    RecordCluster(client_, *acquisition);
    Result<Json> result = work(*acquisition);
    if (!result) {
      acquisition->Failed(step.object, result.error().message,
                          kubernetes::MissingPermission(result.error()));
    }
    acquisition->SetClockOffset("Kubernetes API", client_.clock_offset_seconds());
    EKSHUME_TRY(acquisition->Finish());
    if (result) (*result)["acquired"] = acquisition->directory();
    return result;
  }

  // Whether the pod reached anything when it was tried before its network was cut.
  bool WasOpenBefore(const Step& step) const {
    return std::ranges::any_of(journal_.records(), [&](const Json& record) {
      return live::wire::TextOf(record, "event") == "done" && record.contains("result") &&
             live::wire::TextOf(record["result"], "pod") == step.object &&
             !respond::TargetsIn(record["result"], "open").empty();
    });
  }

  Program& program_;
  const std::string image_;
  const std::string case_directory_;
  kubernetes::Client& client_;
  const respond::Journal& journal_;
};

}  // namespace

std::map<StepKind, respond::StepWork> RespondWork(Program& program, const std::string& image,
                                                  const std::string& case_directory,
                                                  kubernetes::Client& client,
                                                  const respond::Journal& journal) {
  const auto works = std::make_shared<StepWorks>(program, image, case_directory, client, journal);
  return {{StepKind::kSave, [works](const Step& step) { return works->Save(step); }},
          {StepKind::kAcquire, [works](const Step& step) { return works->Acquire(step); }},
          {StepKind::kProbe, [works](const Step& step) { return works->Probe(step); }},
          {StepKind::kFreeze, [works](const Step& step) { return works->Control(step); }},
          {StepKind::kKill, [works](const Step& step) { return works->Control(step); }}};
}

}  // namespace ekshume::cli
