// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

// Which attack techniques a case's evidence could have shown, whether they happened or not.
namespace ekshume::detect::coverage {

// What an investigation can look at.
enum class View : unsigned char {
  kAuditWrites,       // who changed what through the Kubernetes API
  kAuditSpecs,        // the bodies of pods and workloads
  kAuditRbac,         // the bodies of roles and bindings
  kAuditReads,        // get and list through the Kubernetes API
  kAuditSecrets,      // reads of secrets
  kAuditConfigMaps,   // the bodies of config maps
  kAuditExec,         // exec into pods with its command
  kAuditEvents,       // deletions of Kubernetes events
  kAuditIdentity,     // users, groups and addresses of requests, refused ones among them
  kAuthenticator,     // which IAM identity became which Kubernetes user
  kCloudTrail,        // calls of the AWS API
  kGuardDuty,         // findings of GuardDuty
  kFlow,              // connections (VPC flow logs)
  kDns,               // names that were asked for (Resolver query logs)
  kRuntime,           // processes and files as a sensor saw them (Falco, Tetragon, auditd)
  kContainerLogs,     // what programs in containers printed
  kHostLogs,          // journal, syslog, logins of nodes
  kDisk,              // files of the node itself
  kLayers,            // files of containers against those of their images
  kContainerRecords,  // how containers were configured: mounts, capabilities, image
};
inline constexpr size_t kViewCount = 20;

std::string_view ViewName(View view);   // "audit_writes"; stable
std::string_view ViewWords(View view);  // "the bodies of pods and workloads in the audit log"

enum class State : unsigned char { kAbsent, kLimited, kPresent };
std::string_view StateName(State state);  // absent limited present

// Whether a view is there, and where it is not or not wholly, why: a phrase.
struct Fact {
  State state = State::kAbsent;
  std::string why;
};
using Facts = std::array<Fact, kViewCount>;
inline Fact& Of(Facts& facts, View view) { return facts[static_cast<size_t>(view)]; }
inline const Fact& Of(const Facts& facts, View view) { return facts[static_cast<size_t>(view)]; }

}  // namespace ekshume::detect::coverage
