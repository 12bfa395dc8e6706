// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "log/auditd/reader.h"
#include "log/authenticator/reader.h"
#include "log/cloudtrail/reader.h"
#include "log/cloudtrail_digest/reader.h"
#include "log/cri/reader.h"
#include "log/docker_json/reader.h"
#include "log/falco/reader.h"
#include "log/format.h"
#include "log/generic/reader.h"
#include "log/guardduty/reader.h"
#include "log/k8s_audit/reader.h"
#include "log/k8s_event/reader.h"
#include "log/k8s_object/reader.h"
#include "log/klog/reader.h"
#include "log/resolver/reader.h"
#include "log/runtime_log/reader.h"
#include "log/s3_access/reader.h"
#include "log/syslog/reader.h"
#include "log/tetragon/reader.h"
#include "log/timesketch/reader.h"
#include "log/vpc_flow/reader.h"
#include "log/web_access/reader.h"

namespace ekshume::log {

std::span<const Format* const> Formats() {
  static const std::array formats = {
      &k8s_audit::AuditFormat(),
      &authenticator::AuthenticatorFormat(),
      &falco::FalcoFormat(),
      &tetragon::TetragonFormat(),
      &k8s_event::KubernetesEventFormat(),
      &k8s_object::KubernetesObjectFormat(),
      &cri::CriFormat(),
      &docker_json::DockerJsonFormat(),
      &klog::KlogFormat(),
      &runtime_log::RuntimeLogFormat(),
      &cloudtrail::CloudTrailFormat(),
      &cloudtrail_digest::DigestFormat(),
      &guardduty::GuardDutyFormat(),
      &resolver::ResolverFormat(),
      &s3_access::S3AccessFormat(),
      &web_access::WebAccessFormat(),
      &vpc_flow::VpcFlowFormat(),
      &auditd::AuditdFormat(),
      &syslog::SyslogFormat(),
      &generic::GenericFormat(),
      &timesketch::TimesketchFormat(),
  };
  return formats;
}

const Format* FindFormat(std::string_view name) {
  for (const Format* format : Formats()) {
    if (format->name() == name) return format;
  }
  return nullptr;
}

}  // namespace ekshume::log
