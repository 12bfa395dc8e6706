// SPDX-License-Identifier: Apache-2.0
#include "event/store/links.h"

#include <fmt/format.h>

#include "event/store/store.h"

namespace ekshume::event {
namespace {

struct Pair {
  const char* kind;
  const char* left;       // column
  const char* right;      // column
  const char* condition;  // which rows say so
};

// Two columns of one row that name the same thing, or two things that belong together.
constexpr Pair kPairs[] = {
    {"same_actor", "access_key_id", "user_arn", "true"},
    {"same_actor", "user_arn", "user_name",
     "source IN ('k8s_audit', 'authenticator', 'cloudtrail')"},
    {"same_actor", "access_key_id", "user_name", "user_arn IS NULL"},
    {"same_actor", "service_account", "user_name", "user_name LIKE 'system:serviceaccount:%'"},
    {"credential_of", "credential_id", "user_name", "true"},
    {"credential_of", "credential_id", "service_account", "true"},
    {"pod_of", "pod_uid", "pod", "true"},
    {"container_of", "container_id", "pod_uid", "true"},
    {"node_of", "pod_uid", "node", "true"},
    {"image_of", "container_id", "image", "true"},
};

struct Tagged {
  const char* kind;
  const char* left;   // column
  const char* tag;    // NAME of NAME=value in `tags`
  const char* right;  // field that the tag's value is of
};

// A column and a tag of one row.
constexpr Tagged kTagged[] = {
    {"issued_to", "access_key_id", "issued_key", "access_key_id"},
    {"issued_to", "user_arn", "issued_key", "access_key_id"},
    {"issued_to", "service_account", "issued_key", "access_key_id"},
    {"issued_to", "user_name", "issued_key", "access_key_id"},
    {"session_of", "user_arn", "issued_arn", "user_arn"},
    {"session_of", "service_account", "issued_arn", "user_arn"},
    {"assumed", "user_arn", "role", "role_arn"},
    {"assumed", "service_account", "role", "role_arn"},
    {"used_in_pod", "credential_id", "actor_pod", "pod"},
    {"used_in_pod", "service_account", "actor_pod", "pod"},
    {"used_in_pod", "credential_id", "actor_pod_uid", "pod_uid"},
    {"used_in_pod", "credential_id", "actor_node", "node"},
};

// Two tags of one row; not of what was refused.
struct TagPair {
  const char* kind;
  const char* left_tag;
  const char* left;  // field
  const char* right_tag;
  const char* right;
};
constexpr TagPair kTagPairs[] = {
    {"may_assume", "for_service_account", "service_account", "granted_role", "role_arn"},
};

// The value of the tag NAME=value.
std::string TagSql(std::string_view name) {
  return fmt::format("regexp_extract(tags, '(?:^| ){}=(\\S+)', 1)", name);
}

}  // namespace

std::string MakeLinksSql() {
  std::string pairs =
      "SELECT kind, left_field, left_value, right_field, right_value, "
      "first_seen, last_seen, seen, sources FROM given_links";
  const auto add = [&](const std::string& kind, const std::string& left_field,
                       const std::string& left, const std::string& right_field,
                       const std::string& right, const std::string& condition) {
    pairs += fmt::format(
        " UNION ALL SELECT '{0}', '{1}', {2}, '{3}', {4}, min(time), max(time), count(*), "
        "string_agg(DISTINCT source, ' ' ORDER BY source) FROM stored_events WHERE {2} IS NOT NULL "
        "AND {4} IS NOT NULL AND {4} <> '' AND {2} <> {4} AND {5} GROUP BY {2}, {4}",
        kind, left_field, left, right_field, right, condition);
  };
  for (const Pair& pair : kPairs) {
    add(pair.kind, pair.left, pair.left, pair.right, pair.right, pair.condition);
  }
  for (const Tagged& tagged : kTagged) {
    const std::string right = TagSql(tagged.tag);
    add(tagged.kind, tagged.left, tagged.left, tagged.right, right,
        fmt::format(
            "tags LIKE '%{}=%' AND source = '{}'", tagged.tag,
            std::string_view(tagged.tag).starts_with("actor_") ? "k8s_audit" : "cloudtrail"));
  }
  for (const TagPair& pair : kTagPairs) {
    add(pair.kind, pair.left, TagSql(pair.left_tag), pair.right, TagSql(pair.right_tag),
        fmt::format("tags LIKE '%{}=%' AND outcome <> 'failure' AND source IN ('k8s_audit', "
                    "'cloudtrail')",
                    pair.right_tag));
  }
  return "CREATE OR REPLACE TABLE links AS SELECT * FROM (" + pairs +
         ") AS pairs(kind, left_field, left_value, right_field, right_value, first_seen, "
         "last_seen, seen, sources) ORDER BY ALL";
}

std::string SameActorSql(const std::string& field, const std::string& value) {
  const std::string text = SqlLiteral(value);
  const std::string start =
      field == "actor"
          ? fmt::format(
                "SELECT DISTINCT f, {0} FROM (SELECT left_field AS f FROM links WHERE "
                "lower(left_value) = lower({0}) UNION ALL SELECT right_field FROM links "
                "WHERE lower(right_value) = lower({0}))",
                text)
          : fmt::format("SELECT {}, {}", SqlLiteral(field), text);
  // Along each link in both directions, but from a user name only to names that no other ARN has.
  return fmt::format(
      "WITH RECURSIVE both_ways AS ("
      "SELECT left_field AS f, left_value AS v, right_field AS tf, right_value AS tv FROM links "
      "WHERE kind IN ('same_actor', 'credential_of', 'issued_to', 'session_of') UNION "
      "SELECT right_field, right_value, left_field, left_value FROM links WHERE kind IN "
      "('same_actor', 'credential_of', 'issued_to', 'session_of')), "
      "shared AS (SELECT v FROM both_ways WHERE f = 'user_name' AND tf = 'user_arn' GROUP BY v "
      "HAVING count(DISTINCT tv) > 1), "
      "reached(f, v) AS ({} UNION "
      "SELECT tf, tv FROM reached JOIN both_ways USING (f, v) WHERE NOT (f = 'user_name' AND v IN "
      "(FROM shared))) "
      "SELECT DISTINCT f, v FROM reached ORDER BY ALL",
      start);
}

}  // namespace ekshume::event
