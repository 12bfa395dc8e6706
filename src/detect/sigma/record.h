// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "detect/sigma/mapping.h"
#include "detect/sigma/value.h"
#include "event/event.h"

namespace ekshume::detect::sigma {

// One event as rules see it: its columns, and the record as it was found.
struct Input {
  const event::Event& event;
  std::string_view raw;
};

// A record in one view (mapping.h). One thread; what it gives is valid as long as the input and the
// record are.
class Record {
 public:
  using Visit = std::function<bool(std::string_view text)>;  // true: enough

  virtual ~Record() = default;
  // The values of a field of this view.
  virtual void Get(const FieldPlan& field, Values& values) = 0;
  // Every text that keywords are looked for in. True when a visit said that it is enough.
  virtual bool ForEachText(const Visit& visit) = 0;
  // Every text in which the words of keywords stand, as bytes or (views of JSON) as JSON writes
  // them.
  virtual bool ForEachScanned(const Visit& visit) = 0;
};

// The records that an event is in a view: one, each line of an audit log, or none when the view
// does not apply. Reads JSON once for all views; one object per thread, used again and again.
class RecordReader {
 public:
  RecordReader();
  ~RecordReader();

  // To be called before Read() for each new event; `input` must outlive the records.
  void Begin(const Input& input);
  // The records are valid until the next Begin().
  std::span<Record* const> Read(const View& view);

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace ekshume::detect::sigma
