// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ekshume::collection {

// Cuts text that comes in pieces into lines, without their ends. Holds at most one line and a
// piece. One thread.
class LineCutter {
 public:
  // Lines of more than `most` bytes are left out.
  explicit LineCutter(size_t most) : most_(most) {}

  // Calls `visit` for each line that `text` ends. The view is valid during the call.
  template <typename Visit>
  void Feed(std::string_view text, const Visit& visit) {
    for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
      Give(text.substr(0, end), visit);
      text.remove_prefix(end + 1);
    }
    if (rest_.size() + text.size() > most_) {
      Drop();
    } else if (!dropping_) {
      rest_ += text;
    }
  }
  // The last line, when its end is missing.
  template <typename Visit>
  void Finish(const Visit& visit) {
    if (!rest_.empty() || dropping_) Give({}, visit);
  }
  // Forgets a line that is not whole yet.
  void Restart() {
    rest_.clear();
    dropping_ = false;
  }
  // How many lines were left out.
  size_t left_out() const { return left_out_; }

 private:
  template <typename Visit>
  void Give(std::string_view end, const Visit& visit) {
    if (rest_.size() + end.size() > most_) Drop();
    if (dropping_) {
      Restart();
    } else if (rest_.empty()) {
      visit(end);
    } else {
      rest_ += end;
      visit(std::string_view(rest_));
      rest_.clear();
    }
  }
  void Drop() {
    if (!dropping_) ++left_out_;
    dropping_ = true;
    rest_.clear();
  }

  const size_t most_;
  std::string rest_;  // the beginning of a line
  bool dropping_ = false;
  size_t left_out_ = 0;
};

}  // namespace ekshume::collection
