// SPDX-License-Identifier: Apache-2.0
#include "log/cloudtrail_digest/reader.h"

#include "log/cloudtrail_digest/digest.h"
#include "log/fields.h"
#include "log/json.h"

namespace ekshume::log::cloudtrail_digest {
namespace {

using event::Event;
using event::Number;
using event::Text;

constexpr int64_t kNanosecondsPerSecond = 1000000000;
constexpr int64_t kMaxWindowSeconds = int64_t{366} * 86400;  // an hour, in truth

// "us-east-2" of ".../CloudTrail-Digest/us-east-2/2015/08/17/...".
std::string_view RegionOf(std::string_view object) {
  constexpr std::string_view kFolder = "/CloudTrail-Digest/";
  const size_t at = object.find(kFolder);
  if (at == std::string_view::npos) return {};
  object.remove_prefix(at + kFolder.size());
  return object.substr(0, object.find('/'));
}

void FillWindow(const Digest& digest, Event& event) {
  event.time = digest.end();
  event[Text::kTimeKind] = "End Time";
  const std::optional<Timestamp> start = digest.start();
  AddTag(event, "start", digest.digest_start_time);
  if (!start || !event.time) return;
  const int64_t seconds = event.time->seconds - start->seconds;
  if (seconds >= 0 && seconds <= kMaxWindowSeconds) {
    event[Number::kDurationNs] = seconds * kNanosecondsPerSecond;
  }
}

class DigestReader final : public Format {
 public:
  std::string_view name() const override { return "cloudtrail_digest"; }
  std::string_view description() const override {
    return "AWS CloudTrail digest files, which say what the log files must hash to";
  }

  Match Sniff(std::string_view record) const override {
    return record.starts_with('{') && HasKey(record, "digestS3Object") &&
                   HasKey(record, "digestEndTime")
               ? Match::kYes
               : Match::kNo;
  }

  Outcome Parse(const Record& record, Event& event, event::Sink& sink,
                DiagnosticSink& /*diagnostics*/) const override {
    if (!record.bytes.starts_with('{')) return Outcome::kNotMine;
    Digest digest;
    const DigestResult result = ReadDigest(record, digest);
    if (!result.whole) return Outcome::kDamaged;
    if (!result.is_digest) return Outcome::kNotMine;
    event.identity = digest.digest_s3_bucket + '/' + digest.digest_s3_object;
    event[Text::kRecordId] = AfterLast(digest.digest_s3_object, '/');
    event[Text::kAccountId] = digest.aws_account_id;
    event[Text::kRegion] = RegionOf(digest.digest_s3_object);
    event[Text::kAction] = "DeliverDigest";
    event[Text::kObjectKind] = "digest";
    event[Text::kObjectName] = event.identity;
    FillWindow(digest, event);
    AddTag(event, "files", std::to_string(digest.log_files.size()));
    const bool first = digest.previous_digest_s3_object.empty();
    if (first) {
      event.AddTag("first_digest");
    } else {
      AddTag(event, "previous", AfterLast(digest.previous_digest_s3_object, '/'));
    }
    event[Text::kMessage] = "CloudTrail delivered " + std::to_string(digest.log_files.size()) +
                            " log files from " + digest.digest_start_time + " to " +
                            digest.digest_end_time +
                            (first ? "; logging began, or began again, with this digest" : "");
    sink.Add(event);
    return Outcome::kEvents;
  }
};

}  // namespace

const Format& DigestFormat() {
  static const DigestReader format;
  return format;
}

}  // namespace ekshume::log::cloudtrail_digest
