// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ekshume::log::k8s_object {

inline constexpr size_t kMaxFieldDepth = 64;    // objects within objects
inline constexpr size_t kMostNamedFields = 12;  // the others are counted
inline constexpr size_t kMaxFieldPathBytes = 300;

// The fields that a `fieldsV1` of metadata.managedFields names, as a person writes them:
//   {"f:spec":{"f:containers":{"k:{\"name\":\"app\"}":{".":{},"f:image":{}}}}}
// is "spec.containers[app].image". Separated by ", "; after kMostNamedFields "and N more". What is
// no such object, or deeper than kMaxFieldDepth, ends the list. Specification: "FieldsV1" in the
// reference of meta/v1 (f: field, k: keys of a list's element, v: value in a set, i: index).
std::string FieldPaths(std::string_view fields_v1);

}  // namespace ekshume::log::k8s_object
