// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/story/actors.h"
#include "detect/story/story.h"

namespace ekshume::detect::story {

// A finding as the story sees it. Points into the findings and facts that Tell() was given.
struct Item {
  const Finding* finding = nullptr;
  int rank = 0;                           // of its level
  std::vector<const EventFacts*> events;  // those that the facts have
  int actor = Actors::kNobody;            // kNobody: something that appeared
  std::string pod;                        // "namespace/name"; also where something on a host is
                                          // known to come from
  std::string container;                  // id
  std::string node;
  bool on_host = false;         // on the node itself, in no container
  bool refused = false;         // all of it was
  bool anonymous = false;       // done by nobody known
  bool administration = false;  // roles, bindings and accounts written by a person
  bool condition = false;       // how a container was set up, nothing that was done
  bool begins = false;          // may begin an incident
  std::optional<Timestamp> first, last;
};

// Pods and containers by name, and how a pod can reach its host: by its records on the node or, if
// there are none, by what the audit log says of its creation.
class Places {
 public:
  Places(const Facts& facts, const std::vector<Finding>& findings);

  const PodFacts* Pod(const std::string& key) const;  // "namespace/name"; null: unknown
  const ContainerFacts* Container(const std::string& id) const;
  // Empty where it cannot, or nobody says.
  const std::vector<std::string>& HostAccess(const std::string& pod) const;
  std::string NodeOf(const std::string& pod) const;            // "" unknown
  std::string ServiceAccountOf(const std::string& pod) const;  // "namespace/name" or ""
  // "namespace/name" of the pod with this address, or "".
  std::string PodAt(const std::string& address) const;
  // Those on `node` that can reach it.
  std::vector<const ContainerFacts*> WaysTo(const std::string& node) const;

 private:
  std::map<std::string, PodFacts> pods_;
  std::map<std::string, const ContainerFacts*> containers_;
  std::map<std::string, std::string> by_address_;
};

std::string PodKey(std::string_view name_space, std::string_view name);

// The word NAME=value of a record's tags, or "".
std::string TagValue(std::string_view tags, std::string_view name);
bool HasTag(std::string_view tags, std::string_view word);

std::vector<Item> MakeItems(const std::vector<Finding>& findings, const Facts& facts,
                            Actors& actors, const Places& places);

}  // namespace ekshume::detect::story
