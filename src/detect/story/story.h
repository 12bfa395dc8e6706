// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "detect/finding.h"

// Findings and what is known of those who acted and of where it happened, joined over time and
// identity into incidents. Pure: all facts are given. Texts are bytes from evidence.
namespace ekshume::detect::story {

// What of an event behind a finding the story needs: columns of schema/event.yaml.
struct EventFacts {
  std::string id;
  std::optional<Timestamp> time;
  std::string source, account_id, cluster, node, name_space, pod, pod_uid, container, container_id;
  std::string user_name, user_arn, access_key_id, service_account, credential_id, source_ip;
  std::string destination_ip, action, object_kind, object_name, outcome, process, command_line;
  std::string path, sha256, message, tags;
};

// One name of an actor: a column and its value.
struct Name {
  std::string field;
  std::string value;

  friend auto operator<=>(const Name&, const Name&) = default;
};

struct PodFacts {
  std::string name_space, name, uid, node, service_account, address;
  std::vector<std::string> containers;   // ids
  std::vector<std::string> host_access;  // by what it can reach its host; empty: it cannot
};

// A container that is on the disk.
struct ContainerFacts {
  std::string id, name, name_space, pod, node, image;
  std::vector<std::string> host_access;
  std::optional<Timestamp> since;
};

struct Facts {
  std::map<std::string, EventFacts> events;  // by id
  std::vector<std::vector<Name>> actors;     // each: all names of one actor
  std::vector<PodFacts> pods;
  std::vector<ContainerFacts> containers;
  // How many actors used an address: what many share says nothing of who it was.
  std::map<std::string, uint64_t> users_of_address;
  std::map<std::string, Timestamp> first_seen;  // of access keys, in all events
};

// Something that was done, or that appeared. Sentences are for people.
struct Act {
  std::optional<Timestamp> time, last;
  std::string sentence;
  std::string level;
  std::string actor;  // as Actor::name; "" when unknown
  std::string place;  // "pod shop/webshop", "node ip-10-0-1-23"; "" outside of both
  std::string source;
  bool refused = false;
  uint64_t count = 0;  // events or files
  std::vector<std::string> tactics, techniques;
  std::vector<std::string> findings, events, paths;
};

struct Actor {
  std::string name;  // the one to show
  std::string kind;  // access key, role session, user, service account, node, anonymous
  std::string role;  // "acted"; "tried": before, by somebody unknown, or refused
  std::vector<Name> names;
  std::vector<std::string> addresses;
  std::optional<Timestamp> first, last, first_seen;
};

// A pod, container or node that the incident touched.
struct Place {
  std::string kind;  // pod, container, node
  std::string name, name_space, uid, node, pod, service_account, image;
  std::string how;  // a clause: "commands were run in it"
  std::vector<std::string> host_access;
  bool likely_way = false;  // nothing was found in it, but only through it the host can be reached
  std::optional<Timestamp> first;
};

// A secret that was read, an identity that was used or made stronger, something left behind.
struct Thing {
  std::string kind, name, where, how;
  std::optional<Timestamp> time;
  std::vector<std::string> findings, events;
};

struct Tactic {
  std::string name;  // "execution"
  std::string id;    // "TA0002"
  std::optional<Timestamp> first;
  uint64_t findings = 0;
  std::vector<std::string> techniques;  // "T1609", sorted
};

struct GraphNode {
  std::string id, kind, label;
  std::string level;  // of what was found there; "" for none
};
struct GraphEdge {
  std::string from, to, verb;
  std::optional<Timestamp> time;
};
struct Graph {
  std::vector<GraphNode> nodes;  // at most limits::kMaxGraphNodes
  std::vector<GraphEdge> edges;
  uint64_t left_out = 0;  // nodes
};

// What to do now, in the order that keeps evidence.
struct Step {
  std::string phase;  // preserve, acquire, contain, eradicate, recover
  std::string action;
  std::string target;
  std::string why;
};

struct Incident {
  std::string id;       // the same on every run over the same findings
  std::string title;    // one line
  std::string verdict;  // "compromised" or "suspicious"
  std::string summary;  // sentences
  std::string level;
  std::string confidence;            // low, medium, high
  std::vector<std::string> reasons;  // of the confidence, each a clause
  std::string entry;                 // a sentence
  std::vector<std::string> entry_events;
  std::vector<std::string> entry_findings;
  std::optional<Timestamp> first, last;
  std::vector<Actor> actors;
  std::vector<Place> places;  // in order of time
  std::vector<Thing> identities, secrets, persistence;
  std::vector<Act> acts;  // in order of time, those without a time last
  uint64_t acts_left_out = 0;
  std::vector<Tactic> tactics;  // in order of time
  std::vector<std::string> findings;
  Graph graph;
  std::vector<Step> steps;
};

// Findings that by themselves are no incident, but that somebody must answer for.
struct Question {
  std::string who, where, sentence, why;
  std::string level;
  std::optional<Timestamp> first, last;
  std::vector<std::string> findings, events;
};

struct Story {
  std::string verdict;  // "compromised", "suspicious", "nothing found"
  std::string confidence;
  std::string summary;
  std::vector<Incident> incidents;  // the gravest first, at most limits::kMaxIncidents
  uint64_t incidents_left_out = 0;
  std::vector<Question> to_confirm;  // at most limits::kMaxIncidents
  uint64_t to_confirm_left_out = 0;
};

// Joins findings. What joins two findings is an identity and time together: the same actor, by any
// of its names; a pod, container or host in which something appears after somebody acted in it; a
// service account of a pod that was entered; the host of a pod that can reach it; something that
// one made and another used; an address, file or server that few have in common. A shared cluster,
// node or namespace joins nothing.
//
// An incident begins with a finding of at least medium. What administrators do all day (writing
// roles, bindings, accounts), and what was refused, begins none: it joins one by its actor or,
// where nobody knows who it was, by the minutes before, or it is a question.
Story Tell(const std::vector<Finding>& findings, const Facts& facts);

}  // namespace ekshume::detect::story
