// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

// Who is who, as the records say it: the table `links`. Each row says that two values were seen to
// belong together, how, when first and last, how often and by which sources. It is made anew from
// the events after each ingest; what the stores of a node say is in `given_links`.
namespace ekshume::event {

// The statement that makes `links` from `stored_events` and `given_links`.
std::string MakeLinksSql();

// The statement that finds, from `field` = `value`, every name of the same actor: columns field and
// value. A Kubernetes user that several ARNs were mapped to leads to none of them.
std::string SameActorSql(const std::string& field, const std::string& value);

}  // namespace ekshume::event
