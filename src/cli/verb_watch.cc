// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "base/text.h"
#include "casefile/case.h"
#include "cli/acquire_aws.h"
#include "live/watch/watcher.h"

namespace ekshume::cli {
namespace {

namespace watch = live::watch;

struct WatchVerbOptions {
  std::string policy;
  std::string case_directory;
  std::string queue;
  bool from_input = false;
  bool once = false;
  int interval = 60;
};

// Runs this program with these arguments and waits for it.
Result<int> RunSelf(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"ekshume", "--quiet"});
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  pid_t child = 0;
  const int failed =
      posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, pointers.data(), environ);
  if (failed != 0) {
    return Fail(ErrorCode::kIo, fmt::format("cannot start ekshume: {}", std::strerror(failed)));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return Fail(ErrorCode::kIo, "cannot wait for ekshume");
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// The acquisitions reach AWS as this program does; all of their verbs read these variables.
void PassOn(const live::aws::ConnectionOptions& options) {
  const auto set = [](const char* name, const std::string& value) {
    if (!value.empty()) setenv(name, value.c_str(), 1);
  };
  set("AWS_REGION", options.region);
  set("AWS_PROFILE", options.profile);
  set("AWS_ENDPOINT_URL", options.endpoint_url);
}

Result<void> Run(Program& program, const WatchVerbOptions& options) {
  const std::string text = EKSHUME_TRY(casefile::ReadOwnFile(options.policy));
  watch::WatchOptions request;
  request.policy = EKSHUME_TRY(watch::ReadPolicy(text));
  if (options.from_input && !options.queue.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "--queue or --stdin, not both");
  }
  EKSHUME_TRY(casefile::Case::OpenOrCreate(options.case_directory));
  if (program.aws.session_name.empty()) {
    program.aws.session_name = RoleSessionName(options.case_directory);
  }
  PassOn(program.aws);
  request.case_directory = options.case_directory;
  request.queue_url = options.queue;
  request.input = options.from_input ? &std::cin : nullptr;
  request.interval_seconds = options.interval;
  request.once = options.once;
  request.run = [&](const std::vector<std::string>& arguments) {
    std::vector<std::string> all = arguments;
    const bool asks_aws = arguments.size() > 1 && arguments[1] != "pod";
    if (asks_aws && !program.aws.role_arn.empty()) {
      all.insert(all.end(), {"--role-arn", program.aws.role_arn});
      if (!program.aws.external_id.empty()) {
        all.insert(all.end(), {"--external-id", program.aws.external_id});
      }
    }
    return RunSelf(std::move(all));
  };
  const auto output = EKSHUME_TRY(program.OpenOutput());
  request.say = [&](const std::string& line) {
    output->Write(EscapeForTerminal(line) + "\n");
    static_cast<void>(output->Descriptor());  // flushes: somebody watches
  };
  const auto connection =
      EKSHUME_TRY(live::aws::Connection::Open(program.aws, program.diagnostics, &program.progress));
  program.progress.SetStage("watching");
  const Result<void> done =
      watch::Watch(request, *connection, program.diagnostics, program.progress);
  EKSHUME_TRY(output->Finish());
  // To be stopped is how a watch ends.
  return !done && done.error().code == ErrorCode::kCancelled ? Result<void>() : done;
}

}  // namespace

void AddWatchVerb(Program& program) {
  CLI::App* verb = program.app.add_subcommand(
      "watch", "start acquisitions when GuardDuty finds something, by a policy file");
  verb->footer(
      "The policy (YAML) says which findings start what; each object is acquired once per case:\n"
      "  webhook: https://hooks.example.org/ir\n"
      "  rules:\n"
      "    - type: 'Execution:Kubernetes/*'\n"
      "      min_severity: 4\n"
      "      acquire: pod            # pod, node or snapshot\n"
      "      arguments: [--memory, anonymous]\n"
      "Without --queue and --stdin, GuardDuty is asked every --interval seconds.\n"
      "Examples:\n"
      "  ekshume watch --policy policy.yaml --case incident-42\n"
      "  ekshume watch --policy policy.yaml --case incident-42 \\\n"
      "    --queue https://sqs.eu-central-1.amazonaws.com/123456789012/findings\n"
      "  tail -F events.jsonl | ekshume watch --policy policy.yaml --case incident-42 --stdin");
  const auto options = std::make_shared<WatchVerbOptions>();
  verb->add_option("--policy", options->policy, "the policy file")->required()->type_name("FILE");
  verb->add_option("--case", options->case_directory, "the case that receives what is acquired")
      ->required()
      ->type_name("DIR");
  verb->add_option("--queue", options->queue, "an SQS queue that EventBridge fills")
      ->type_name("URL");
  verb->add_flag("--stdin", options->from_input, "events from standard input, one a line");
  verb->add_option("--interval", options->interval, "seconds between two looks (default 60)")
      ->check(CLI::Range(1, 86400));
  verb->add_flag("--once", options->once, "look once and end");
  AddAwsOptions(*verb, program.aws);
  program.AddOutputOptions(*verb);
  verb->callback([&program, options] {
    program.action = [&program, options] { return Run(program, *options); };
  });
}

}  // namespace ekshume::cli
