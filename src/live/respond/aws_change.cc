// SPDX-License-Identifier: Apache-2.0
#include "live/respond/aws_change.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>

#include "base/byte_view.h"
#include "base/hash.h"
#include "base/limits.h"
#include "live/respond/change.h"

namespace ekshume::live::respond {
namespace {

constexpr const char* kAbsent = "absent";

Error BadChange(std::string_view why) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format("the plan: aws of a step: {}", why));
}

// NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxDocumentDepth
Json ComparableTo(const Json& state, int depth) {
  if (state.is_object() && depth < limits::kMaxDocumentDepth) {
    Json out = Json::object();
    for (const auto& [name, value] : state.items()) {
      if (!name.starts_with('@')) out[name] = ComparableTo(value, depth + 1);
    }
    return out;
  }
  if (state.is_array() && depth < limits::kMaxDocumentDepth) {
    Json out = Json::array();
    for (const Json& value : state) out.push_back(ComparableTo(value, depth + 1));
    return out;
  }
  if (state.is_boolean() || state.is_number()) return state.dump();
  return state;
}

// NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxDocumentDepth
void Emit(YAML::Emitter& out, const Json& json, int depth) {
  if (json.is_object() && depth < limits::kMaxDocumentDepth) {
    out << YAML::BeginMap;
    for (const auto& [name, value] : json.items()) {
      out << YAML::Key << name << YAML::Value;
      Emit(out, value, depth + 1);
    }
    out << YAML::EndMap;
  } else if (json.is_array() && depth < limits::kMaxDocumentDepth) {
    out << YAML::BeginSeq;
    for (const Json& value : json) Emit(out, value, depth + 1);
    out << YAML::EndSeq;
  } else if (json.is_null()) {
    out << YAML::Null;
  } else {
    out << (json.is_string() ? json.get<std::string>() : json.dump());
  }
}

// Whether each of `all` is in one of the others.
bool IsWithin(const Json& all, const Json& a, const Json& b) {
  const auto has = [](const Json& list, const Json& value) {
    return list.is_array() && std::ranges::find(list, value) != list.end();
  };
  return std::ranges::all_of(all, [&](const Json& one) { return has(a, one) || has(b, one); });
}

const Json& MemberOf(const Json& object, const std::string& name) {
  static const Json kNone;
  return object.is_object() && object.contains(name) ? object[name] : kNone;
}

}  // namespace

Result<AwsChange> ReadAwsChange(const runtime::Json& json) {
  if (!json.is_object()) return BadChange("is no mapping");
  AwsChange change;
  change.parameters = Json::object();
  bool has_wanted = false;
  const std::map<std::string_view, std::string*> texts = {
      {"resource", &change.resource}, {"region", &change.region}, {"read", &change.read}};
  const std::map<std::string_view, std::vector<std::string>*> lists = {
      {"calls", &change.calls}, {"undo_with", &change.undo_with}};
  const std::map<std::string_view, Json*> states = {{"state", &change.state},
                                                    {"wanted", &change.wanted}};
  for (const auto& [name, value] : json.items()) {
    if (const auto text = texts.find(name); text != texts.end() && value.is_string()) {
      *text->second = value.template get<std::string>();
    } else if (const auto list = lists.find(name); list != lists.end() && value.is_array()) {
      for (const auto& one : value) {
        if (one.is_string()) list->second->push_back(one.template get<std::string>());
      }
    } else if (name == "parameters" && value.is_object()) {
      change.parameters = value;
    } else if (const auto state = states.find(name); state != states.end()) {
      if (!value.is_object() && value != kAbsent) {
        return BadChange(fmt::format("{} is a mapping or absent", name));
      }
      *state->second = value.is_object() ? value : Json();
      has_wanted = has_wanted || name == "wanted";
    } else {
      return BadChange(fmt::format("has no member {} of this form", name));
    }
  }
  if (change.resource.empty() || change.region.empty() || !has_wanted) {
    return BadChange("needs resource, region and wanted");
  }
  return change;
}

void EmitAwsChange(YAML::Emitter& out, const AwsChange& change) {
  out << YAML::BeginMap;
  out << YAML::Key << "resource" << YAML::Value << change.resource;
  out << YAML::Key << "region" << YAML::Value << change.region;
  const auto state = [&](const char* name, const Json& value) {
    out << YAML::Key << name << YAML::Value;
    if (value.is_null()) {
      out << kAbsent;
    } else {
      Emit(out, Comparable(value), 0);
    }
  };
  state("parameters", change.parameters);
  state("state", change.state);
  state("wanted", change.wanted);
  out << YAML::Key << "read" << YAML::Value << change.read;
  out << YAML::Key << "calls" << YAML::Value << change.calls;
  out << YAML::Key << "undo_with" << YAML::Value << change.undo_with;
  out << YAML::EndMap;
}

Json EssenceOf(const AwsChange& change) {
  return {{"resource", change.resource},
          {"region", change.region},
          {"parameters", Comparable(change.parameters)},
          {"wanted", Comparable(change.wanted)}};
}

Json Comparable(const Json& state) { return ComparableTo(state, 0); }

bool IsSameState(const Json& a, const Json& b) { return Comparable(a) == Comparable(b); }

std::string StateFingerprint(const Json& state) {
  Sha256 hash;
  const std::string text = wire::DumpJson(Comparable(state));
  hash.Update(ByteView::Of(text));
  return ToHex(hash.Finish());
}

Json StateAfter(const Json& now, const Json& wanted) {
  if (wanted.is_null()) return {};
  Json after = now.is_null() ? Json::object() : now;
  after.merge_patch(wanted);
  return after;
}

Json StateBefore(const Json& now, const Json& before, const Json& wanted) {
  if (wanted.is_null() || before.is_null() || now.is_null()) return before;
  return StateAfter(now, InversePatch(before, wanted));
}

bool IsBetween(const Json& now, const Json& a, const Json& b) {
  const Json seen = Comparable(now);
  const Json first = Comparable(a);
  const Json second = Comparable(b);
  if (seen == first || seen == second) return true;
  // Members one level down are what calls change; lists one by one.
  if (!seen.is_object()) return false;
  Json names = seen;
  if (first.is_object()) names.update(first);
  if (second.is_object()) names.update(second);
  return std::ranges::all_of(names.items(), [&](const auto& member) {
    const Json& here = MemberOf(seen, member.key());
    const Json& in_first = MemberOf(first, member.key());
    const Json& in_second = MemberOf(second, member.key());
    if (here == in_first || here == in_second) return true;
    return here.is_array() && IsWithin(here, in_first, in_second);
  });
}

}  // namespace ekshume::live::respond
