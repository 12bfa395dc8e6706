// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/event_match.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "detect/sigma/correlate.h"
#include "detect/sigma/findings.h"

namespace ekshume::casefile {
namespace {

namespace sigma = detect::sigma;
using event::Text;

// A match that correlations are told of.
struct Match {
  int64_t time_ns = 0;
  detect::EventRef event;
  std::vector<uint32_t> rules;
  std::vector<std::vector<std::string>>
      values;  // of each rule, as Correlator::FieldsOf() names them

  // The order in which correlations are told.
  std::pair<int64_t, std::string_view> Order() const { return {time_ns, event->id}; }
};

bool ComesBefore(const Match& left, const Match& right) { return left.Order() < right.Order(); }

// The earliest matches behind a moment, not more than fit. Any thread.
class EarliestMatches {
 public:
  explicit EarliestMatches(size_t most) : most_(most) {}

  void Add(std::vector<Match>&& matches) {
    const std::lock_guard lock(mutex_);
    for (Match& match : matches) {
      if (cut_ && ComesBefore(*cut_, match)) continue;
      matches_.push_back(std::move(match));
    }
    if (matches_.size() > 2 * most_) Cut();
  }

  // In order; whether later ones were left out.
  std::vector<Match> Take(bool& is_cut) {
    if (matches_.size() > most_) Cut();
    is_cut = cut_.has_value();
    cut_.reset();
    std::ranges::sort(matches_, ComesBefore);
    return std::exchange(matches_, {});
  }

 private:
  void Cut() {
    const auto last = matches_.begin() + static_cast<std::ptrdiff_t>(most_);
    std::ranges::nth_element(matches_, last, ComesBefore);
    matches_.erase(last, matches_.end());
    cut_ = *std::ranges::max_element(matches_, ComesBefore);
  }

  const size_t most_;
  std::mutex mutex_;
  std::vector<Match> matches_;
  std::optional<Match> cut_;  // later ones are left out
};

// What one thread needs.
struct Worker {
  explicit Worker(const sigma::Engine& engine) : session(engine) {}
  sigma::Engine::Session session;
  event::Event event;  // the columns that rules read
  event::Event whole;
  detect::Findings findings;
  std::vector<Match> matches;
};

class Hunt {
 public:
  Hunt(event::Store& store, const sigma::Engine& engine,
       const std::vector<sigma::Correlation>& correlations, Progress& progress,
       size_t matches_in_order)
      : store_(store),
        engine_(engine),
        correlations_(correlations),
        progress_(progress),
        correlator_(engine.rules(), correlations,
                    [this](const sigma::Correlated& found) {
                      const sigma::Correlation& correlation = correlations_[found.correlation];
                      if (correlation.silent) return;
                      sigma::AddMatch(findings_, correlation.head, found.events);
                    }),
        earliest_(matches_in_order) {
    for (size_t i = 0; i < event::ScanThreads(); ++i) {
      workers_.push_back(std::make_unique<Worker>(engine));
    }
    for (uint32_t rule = 0; rule < engine.rules().size(); ++rule) {
      fields_.push_back(correlator_.Wants(rule) ? correlator_.FieldsOf(rule)
                                                : std::vector<std::string>());
    }
  }

  Result<void> Run() {
    std::string where = "true";
    for (bool is_first = true;; is_first = false) {
      const auto visit = [&](size_t thread, event::EventSlice& slice) -> Result<bool> {
        if (progress_.cancelled()) return false;
        EKSHUME_TRY(MatchSlice(*workers_[thread], slice, is_first));
        return true;
      };
      EKSHUME_TRY(store_.Scan(where, visit));
      bool is_cut = false;
      const std::vector<Match> matches = earliest_.Take(is_cut);
      for (const Match& match : matches) Correlate(match);
      if (!is_cut || progress_.cancelled()) break;
      // Later ones: the same events again from there on.
      const std::string time = event::SqlTime(matches.back().time_ns);
      where = fmt::format("time > {} OR (time = {} AND id > {}::UUID)", time, time,
                          event::SqlLiteral(matches.back().event->id));
    }
    correlator_.Finish();
    for (const auto& worker : workers_) findings_.Merge(std::move(worker->findings));
    return {};
  }

  detect::Findings& findings() { return findings_; }
  uint64_t forgot() const { return correlator_.forgot(); }

 private:
  // `is_first`: single rules make their findings now, and not when events are read again.
  Result<void> MatchSlice(Worker& worker, event::EventSlice& slice, bool is_first) {
    for (size_t row = 0; row < slice.size(); ++row) {
      event::Event& event = worker.event;
      for (const Text column : engine_.texts()) event[column] = slice.Text(row, column);
      for (const event::Number column : engine_.numbers()) {
        event[column] = slice.Number(row, column);
      }
      const std::optional<int64_t> time_ns = slice.Time(row);
      event.time.reset();
      if (time_ns) event.time = TimestampFromNanoseconds(*time_ns);
      const std::string_view raw = EKSHUME_TRY(slice.Record(row));
      const std::vector<uint32_t>& matched = worker.session.Match({event, raw});
      if (matched.empty()) continue;
      detect::EventRef brief;
      const auto make_brief = [&] {
        if (brief) return;
        event::Event& whole = worker.whole;
        for (const Text column : detect::EventBrief::Texts()) {
          whole[column] = slice.Text(row, column);
        }
        whole.time = event.time;
        brief = detect::EventBrief::Of(whole, slice.Id(row));
      };
      Match match;
      for (const uint32_t rule : matched) {
        if (is_first && !engine_.rules()[rule].silent) {
          make_brief();
          sigma::AddMatch(worker.findings, engine_.rules()[rule].head, {brief});
        }
        if (!time_ns || !correlator_.Wants(rule)) continue;
        make_brief();
        match.rules.push_back(rule);
        std::vector<std::string>& values = match.values.emplace_back();
        for (const std::string& field : fields_[rule]) {
          values.push_back(worker.session.ValueOf(rule, field));
        }
      }
      if (match.rules.empty()) continue;
      match.time_ns = *time_ns;
      match.event = std::move(brief);
      worker.matches.push_back(std::move(match));
    }
    earliest_.Add(std::exchange(worker.matches, {}));
    progress_.AddItems(slice.size());
    return {};
  }

  void Correlate(const Match& match) {
    const auto value_of = [&](uint32_t rule, const std::string& field) -> std::string {
      const auto place = std::ranges::find(match.rules, rule) - match.rules.begin();
      const std::vector<std::string>& names = fields_[rule];
      const auto found = std::ranges::find(names, field) - names.begin();
      return match.values[static_cast<size_t>(place)][static_cast<size_t>(found)];
    };
    correlator_.Add(match.rules, match.time_ns, match.event, value_of);
  }

  event::Store& store_;
  const sigma::Engine& engine_;
  const std::vector<sigma::Correlation>& correlations_;
  Progress& progress_;
  detect::Findings findings_;
  sigma::Correlator correlator_;
  EarliestMatches earliest_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::vector<std::string>> fields_;  // rule -> Correlator::FieldsOf()
};

}  // namespace

Result<std::vector<detect::Finding>> MatchEvents(
    event::Store& store, const sigma::Engine& engine,
    const std::vector<sigma::Correlation>& correlations, DiagnosticSink& diagnostics,
    Progress& progress, size_t matches_in_order) {
  progress.SetStage("hunting");
  Hunt hunt(store, engine, correlations, progress, matches_in_order);
  EKSHUME_TRY(hunt.Run());
  if (hunt.forgot() > 0) {
    diagnostics.Report(DiagnosticCode::kRuleLimit, "",
                       fmt::format("{} matches of correlated rules were forgotten "
                                   "(kMaxCorrelatedEvents)",
                                   hunt.forgot()));
  }
  if (hunt.findings().left_out() > 0) {
    diagnostics.Report(DiagnosticCode::kRuleLimit, "",
                       fmt::format("{} matches would have made further findings (kMaxFindings)",
                                   hunt.findings().left_out()));
  }
  return hunt.findings().Take();
}

}  // namespace ekshume::casefile
