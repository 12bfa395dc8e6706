// SPDX-License-Identifier: Apache-2.0
#include "collect/command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "base/text.h"
#include "collect/collect.h"
#include "collect/control.h"
#include "collect/json_line.h"
#include "collect/output.h"
#include "collect/part_sink.h"
#include "collect/s3_upload.h"
#include "collect/system.h"

namespace ekshume::collect {
namespace {

enum ExitCode { kDone = 0, kLoss = 1, kUsage = 2, kCannot = 3 };

constexpr std::string_view kHelp =
    R"(collects what is on this node or beside this container, in the order of
volatility, into one archive (docs/formats/collection.md). Nothing is written but the archive.

Usage: {0} [OPTIONS]

Scope (default: all that is seen):
  --pid PID             only this process (may be repeated)
  --container ID        only the processes of this container, or of those whose id begins so
  --pod-uid UID         only the containers of this pod

What:
  --memory MODE         none (default), anonymous (what no file has), all
  --memory-limit BYTES  of one process (default 2G)
  --memory-total BYTES  of all processes (default 16G)
  --profile PROFILE     files: none, triage (default), full
  --glob PATTERN        further files: * ? [ ] within a name, ** for any depth (may be repeated)
  --file-limit BYTES    larger files are left out (default 256M)
  --files-total BYTES   of all files (default 16G)
  --deleted-limit BYTES larger deleted files are left out (default 1G)

From where:
  --root DIR            the host's root as seen from here: /host, /proc/1/root (default: /)
  --proc DIR            the proc to read (default: /proc)

To where:
  --output FILE         default: standard output. Never a disk of the node that is looked into
  --put-urls FILE       to S3: presigned URLs, one a line, each for the next part; - for standard
                        input, ended by an empty line. Standard output then gets a JSON line for
                        each part: part, bytes, sha256, etag. Never give a URL as an argument: all
                        processes could read it
  --to S3-URL           to s3://BUCKET/KEY, one object in parts, with the credentials of the environment:
                        AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_SESSION_TOKEN), or
                        AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN; AWS_REGION. Standard output as
                        for --put-urls
  --part-bytes BYTES    of each part (default 16M, 5M to 32M)
  --ca-file FILE        certificates to trust (default: those of the system)
  --level N             zstd level (default 3)
  --rate BYTES          at most so many bytes a second
  --nice N              nice value (default 10), and idle class for the disk

After a cut:
  --skip FILE           names of members that arrived, one a line; - for standard input, ended by an
                        empty line (it comes before the URLs when both are read from there)
  --resumes ID          id of the stream that is continued
  --part N              number of this part (default 2 with --resumes)

Not collecting, but acting, for `ekshume respond` (docs/respond.md):
  {0} control freeze|thaw --container ID
  {0} control kill --pid PID --start-ticks N [--container ID]

Examples:
  {0} --memory anonymous > node.ekc
  {0} --root /host --pod-uid 8d9ec5a4-6b0e-4ae4-9c8a-3bd6f7c1a001 --memory all > pod.ekc
  {0} --profile none --glob '/var/log/pods/**' --rate 20M --output /mnt/evidence/logs.ekc

Exit codes: 0 done; 1 done, but something could not be read (skipped.jsonl says what); 2 usage;
3 the archive could not be written.
)";

// "4096", "20M", "2G".
std::optional<uint64_t> ParseBytes(std::string_view text) {
  if (text.empty()) return std::nullopt;
  int shift = 0;
  switch (text.back()) {
    case 'K': shift = 10; break;
    case 'M': shift = 20; break;
    case 'G': shift = 30; break;
    case 'T': shift = 40; break;
    default: break;
  }
  if (shift != 0) text.remove_suffix(1);
  const auto number = ParseNumber(text);
  if (!number || *number > UINT64_MAX >> shift) return std::nullopt;
  return *number << shift;
}

std::optional<collection::StreamId> ParseStreamId(std::string_view text) {
  collection::StreamId id{};
  if (text.size() != id.size() * 2) return std::nullopt;
  for (size_t i = 0; i < id.size(); ++i) {
    const auto byte = ParseNumber(text.substr(i * 2, 2), 16);
    if (!byte) return std::nullopt;
    id[i] = static_cast<unsigned char>(*byte);
  }
  return id;
}

struct Command {
  Options options;
  std::string output;
  std::string put_urls;
  std::string to;
  std::vector<Url> urls;
  uint64_t part_bytes = uint64_t{16} << 20;
  std::string ca_file;
  std::string skip;
  uint64_t rate = 0;
  int nice = 10;
  bool help = false;
};

Error BadValue(std::string_view name, std::string_view value) {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{}: {} is not a value for it", name, EscapeForTerminal(value)));
}

Result<void> SetNumber(std::string_view name, std::string_view value, uint64_t& target) {
  const auto bytes = ParseBytes(value);
  if (!bytes) return BadValue(name, value);
  target = *bytes;
  return {};
}

Result<void> SetOption(Command& command, const std::string& name, const std::string& value) {
  Options& options = command.options;
  uint64_t number = 0;
  if (name == "--pid") {
    EKSHUME_TRY(SetNumber(name, value, number));
    options.pids.push_back(number);
  } else if (name == "--container") {
    if (value.empty()) return BadValue(name, value);
    options.container_ids.push_back(value);
  } else if (name == "--pod-uid") {
    options.pod_uids.push_back(value);
  } else if (name == "--memory") {
    if (value != "none" && value != "anonymous" && value != "all") return BadValue(name, value);
    options.memory = value == "none"        ? MemoryMode::kNone
                     : value == "anonymous" ? MemoryMode::kAnonymous
                                            : MemoryMode::kAll;
  } else if (name == "--profile") {
    if (value != "none" && value != "triage" && value != "full") return BadValue(name, value);
    options.profile = value == "none"     ? Profile::kNone
                      : value == "triage" ? Profile::kTriage
                                          : Profile::kFull;
  } else if (name == "--glob") {
    if (!value.starts_with('/')) return BadValue(name, value);
    options.globs.push_back(value);
  } else if (name == "--root") {
    options.root = value == "/" ? std::string() : value;
  } else if (name == "--proc") {
    options.proc = value;
  } else if (name == "--memory-limit") {
    return SetNumber(name, value, options.memory_process_bytes);
  } else if (name == "--memory-total") {
    return SetNumber(name, value, options.memory_total_bytes);
  } else if (name == "--file-limit") {
    return SetNumber(name, value, options.file_bytes);
  } else if (name == "--files-total") {
    return SetNumber(name, value, options.files_total_bytes);
  } else if (name == "--deleted-limit") {
    return SetNumber(name, value, options.deleted_bytes);
  } else if (name == "--rate") {
    return SetNumber(name, value, command.rate);
  } else if (name == "--output") {
    command.output = value;
  } else if (name == "--to") {
    command.to = value;
  } else if (name == "--put-urls") {
    command.put_urls = value;
  } else if (name == "--ca-file") {
    command.ca_file = value;
  } else if (name == "--part-bytes") {
    EKSHUME_TRY(SetNumber(name, value, command.part_bytes));
    if (command.part_bytes < PartSink::kMinPartBytes ||
        command.part_bytes > PartSink::kMaxPartBytes) {
      return BadValue(name, value);
    }
  } else if (name == "--skip") {
    command.skip = value;
  } else if (name == "--resumes") {
    const auto id = ParseStreamId(value);
    if (!id) return BadValue(name, value);
    options.continues_id = *id;
    if (options.part == 1) options.part = 2;
  } else if (name == "--level" || name == "--nice" || name == "--part") {
    EKSHUME_TRY(SetNumber(name, value, number));
    if (number > 1000 || (name == "--level" && (number < 1 || number > 19)) ||
        (name == "--nice" && number > 19) || (name == "--part" && number == 0)) {
      return BadValue(name, value);
    }
    if (name == "--level") options.compression_level = static_cast<int>(number);
    if (name == "--nice") command.nice = static_cast<int>(number);
    if (name == "--part") options.part = static_cast<uint32_t>(number);
  } else {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("unknown option {}; --help lists them", EscapeForTerminal(name)));
  }
  return {};
}

Result<Command> ParseCommand(const std::vector<std::string>& arguments) {
  Command command;
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string name = arguments[i];
    if (name == "--help" || name == "-h") {
      command.help = true;
      return command;
    }
    std::string value;
    if (const size_t equals = name.find('='); equals != std::string::npos) {
      value = name.substr(equals + 1);
      name.resize(equals);
    } else if (i + 1 < arguments.size()) {
      value = arguments[++i];
    } else {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} needs a value, or is unknown; --help lists all",
                              EscapeForTerminal(name)));
    }
    EKSHUME_TRY(SetOption(command, name, value));
  }
  return command;
}

// Lists of lines, each ended by an empty line or the end of the file; `count` of them at most.
Result<std::vector<std::vector<std::string>>> ReadLists(const std::string& path, size_t count) {
  std::vector<std::vector<std::string>> lists(1);
  const auto take = [&](std::string_view line) {
    if (!line.empty()) {
      lists.back().emplace_back(line);
    } else if (lists.size() == count) {
      return false;
    } else {
      lists.emplace_back();
    }
    return true;
  };
  if (path == "-") {
    EKSHUME_TRY(ForEachLine(STDIN_FILENO, "standard input", take));
  } else {
    EKSHUME_TRY(ForEachLine(path, take));
  }
  lists.resize(count);
  return lists;
}

Result<void> ReadInputs(Command& command) {
  std::vector<std::string> names;
  std::vector<std::string> urls;
  if (command.skip == "-" && command.put_urls == "-") {
    auto lists = EKSHUME_TRY(ReadLists("-", 2));
    names = std::move(lists[0]);
    urls = std::move(lists[1]);
  } else {
    if (!command.skip.empty()) names = std::move(EKSHUME_TRY(ReadLists(command.skip, 1))[0]);
    if (!command.put_urls.empty()) urls = std::move(EKSHUME_TRY(ReadLists(command.put_urls, 1))[0]);
  }
  command.options.received.insert(names.begin(), names.end());
  for (const std::string& text : urls) {
    const auto url = ParseUrl(text);
    if (!url) {
      // Not shown: its query is a credential.
      return Fail(
          ErrorCode::kInvalidArgument,
          fmt::format("--put-urls: line {} is no http or https URL", command.urls.size() + 1));
    }
    command.urls.push_back(*url);
  }
  if (!command.to.empty() && (!command.put_urls.empty() || !command.output.empty())) {
    return Fail(ErrorCode::kInvalidArgument, "--to goes alone, without --output and --put-urls");
  }
  if (!command.put_urls.empty() && command.urls.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "--put-urls: there is no URL");
  }
  return {};
}

// The work of others comes first.
void BeModest(int nice) {
  setpriority(PRIO_PROCESS, 0, nice);
  constexpr int kWhoProcess = 1;       // IOPRIO_WHO_PROCESS
  constexpr int kIdleClass = 3 << 13;  // IOPRIO_CLASS_IDLE
  syscall(SYS_ioprio_set, kWhoProcess, 0, kIdleClass);
}

std::optional<std::string> Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

Result<Summary> RunToParts(const Command& command, const std::atomic<bool>& cancelled) {
  const std::unique_ptr<HttpPut> http =
      EKSHUME_TRY(HttpPut::Create(command.ca_file, command.options.root));
  std::unique_ptr<S3Upload> upload;
  if (!command.to.empty()) upload = EKSHUME_TRY(S3Upload::Begin(command.to, *http, Variable));
  const auto url_of_part = [&](size_t number) -> Result<Url> {
    if (upload) return upload->PartUrl(number);
    if (number <= command.urls.size()) return command.urls[number - 1];
    return Fail(
        ErrorCode::kIo,
        fmt::format("{} URLs were given, and all are used: {} bytes are sent, more are needed",
                    command.urls.size(), command.urls.size() * command.part_bytes));
  };
  std::vector<SentPart> sent;
  PartSink parts(*http, url_of_part, command.part_bytes, [&](const SentPart& part) {
    sent.push_back(part);
    JsonLine line;
    line.Number("part", part.number);
    line.Number("bytes", part.bytes);
    line.Text("sha256", part.sha256);
    line.Text("etag", part.etag);
    fmt::print("{}\n", line.Take());
    std::fflush(stdout);
  });
  PacedSink paced(parts, command.rate);
  Summary summary = EKSHUME_TRY(Collect(command.options, paced, cancelled));
  EKSHUME_TRY(parts.Finish());
  if (upload) EKSHUME_TRY(upload->Complete(sent));
  return summary;
}

Result<Summary> Run(const Command& command, const std::atomic<bool>& cancelled) {
  if (!command.urls.empty() || !command.to.empty()) return RunToParts(command, cancelled);
  Descriptor file;
  int target = STDOUT_FILENO;
  if (!command.output.empty() && command.output != "-") {
    file = Descriptor(open(command.output.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.is_open()) return SystemError("create", command.output, errno);
    target = file.number();
  } else if (isatty(target) != 0) {
    return Fail(ErrorCode::kInvalidArgument,
                "the archive is not for a terminal: redirect it, or use --output");
  }
  DescriptorSink sink(target, command.output.empty() ? "standard output" : command.output);
  PacedSink paced(sink, command.rate);
  return Collect(command.options, paced, cancelled);
}

// What it did is a JSON line on standard output.
int RunControl(const std::string& program, const std::vector<std::string>& arguments) {
  const auto options = ParseControl(arguments);
  const Result<std::string> line = options ? Control(*options) : options.error();
  if (line) {
    fmt::print("{}\n", *line);
    return kDone;
  }
  fmt::print(stderr, "{}: {}\n", program, EscapeForTerminal(line.error().message));
  return line.error().code == ErrorCode::kInvalidArgument ? kUsage : kCannot;
}

}  // namespace

int RunCommand(const std::string& program, const std::vector<std::string>& arguments,
               const std::atomic<bool>& cancelled) {
  if (!arguments.empty() && arguments[0] == "control") {
    return RunControl(program, {arguments.begin() + 1, arguments.end()});
  }
  Result<Command> command = ParseCommand(arguments);
  if (command && command->help) {
    fmt::print("{} ", program);
    fmt::print(fmt::runtime(kHelp), program);
    return kDone;
  }
  if (command) {
    command->options.tool = fmt::format("{} {}", program, EKSHUME_VERSION);
    if (const auto read = ReadInputs(*command); !read) command = read.error();
  }
  if (command) BeModest(command->nice);
  const Result<Summary> summary = command ? Run(*command, cancelled) : command.error();
  if (!summary) {
    fmt::print(stderr, "{}: {}\n", program, EscapeForTerminal(summary.error().message));
    return summary.error().code == ErrorCode::kInvalidArgument ? kUsage : kCannot;
  }
  fmt::print(stderr, "{}: stream {}: {} processes, {} members, {} ({} as sent){}{}\n", program,
             summary->stream_id, summary->processes, summary->members,
             HumanBytes(summary->tar_bytes), HumanBytes(summary->stream_bytes),
             summary->losses > 0
                 ? fmt::format("; {} things could not be read, see skipped.jsonl", summary->losses)
                 : "",
             summary->ended_early ? "; ended early" : "");
  return summary->losses > 0 || summary->ended_early ? kLoss : kDone;
}

}  // namespace ekshume::collect
