// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "log/authenticator/reader.h"
#include "log/cloudtrail/reader.h"
#include "log/cloudtrail_digest/reader.h"
#include "log/cri/reader.h"
#include "log/docker_json/reader.h"
#include "log/format.h"
#include "log/guardduty/reader.h"
#include "log/k8s_audit/reader.h"
#include "log/klog/reader.h"

namespace ekshume::log {

std::span<const Format* const> Formats() {
  static const std::array formats = {
      &k8s_audit::AuditFormat(),
      &authenticator::AuthenticatorFormat(),
      &cri::CriFormat(),
      &docker_json::DockerJsonFormat(),
      &klog::KlogFormat(),
      &cloudtrail::CloudTrailFormat(),
      &cloudtrail_digest::DigestFormat(),
      &guardduty::GuardDutyFormat(),
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
