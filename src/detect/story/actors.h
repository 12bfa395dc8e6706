// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "detect/story/story.h"

namespace ekshume::detect::story {

// Who acted: events and findings to actors, numbered from 0. Made of the facts' names, and of what
// else events say. `facts` must outlive it. One thread.
class Actors {
 public:
  enum class Kind { kPerson, kServiceAccount, kNode, kController, kAnonymous };
  static constexpr int kNobody = -1;  // a file that appeared, a process: no identity is known

  explicit Actors(const Facts& facts);

  // The actor of an event: kNobody where the record does not name an identity of Kubernetes or AWS.
  int Of(const EventFacts& event);
  // The actor that a finding without events names.
  int Of(const Finding& finding);
  // The actor that has this name, if any.
  int Find(const Name& name) const;

  Kind KindOf(int actor) const { return kinds_[static_cast<size_t>(actor)]; }
  // True for those whose acts are one another's: not for anonymous ones and controllers.
  bool CanJoin(int actor) const {
    return actor != kNobody && KindOf(actor) != Kind::kAnonymous &&
           KindOf(actor) != Kind::kController;
  }
  const std::vector<Name>& NamesOf(int actor) const { return names_[static_cast<size_t>(actor)]; }
  // The name to show: of a user "ci-deployer", of a service account "shop/webshop".
  std::string ShortName(int actor) const;
  // "access key AKIA... of ci-deployer", "service account shop/webshop".
  std::string LongName(int actor) const;
  // First of the values of `field`; "" when there is none.
  std::string Value(int actor, std::string_view field) const;

 private:
  int Enter(const std::vector<Name>& names);

  std::map<Name, int> by_name_;
  std::vector<std::vector<Name>> names_;  // sorted
  std::vector<Kind> kinds_;
};

std::string_view KindName(Actors::Kind kind);

// True for a record whose user is one of Kubernetes or AWS, not of an operating system.
bool NamesAnIdentity(const EventFacts& event);

}  // namespace ekshume::detect::story
