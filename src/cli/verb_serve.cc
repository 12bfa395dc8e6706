// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/acquire_kubernetes.h"
#include "cli/serve_verb.h"
#include "server/serve.h"

namespace ekshume::cli {
namespace {

// Which cluster and which account, as whom, and our image: `respond apply` and `undo` get those
// that `serve` was given.
constexpr std::string_view kResponseOptions[] = {
    "--kubeconfig", "--context",  "--eks-cluster", "--exec-plugin",  "--region",
    "--profile",    "--role-arn", "--external-id", "--endpoint-url", "--image"};

// Those of the options that the command line gave, as one word each.
std::vector<std::string> GivenOptions(const CLI::App& verb,
                                      std::span<const std::string_view> names) {
  std::vector<std::string> given;
  for (const std::string_view name : names) {
    const CLI::Option* option = verb.get_option(std::string(name));
    if (option->count() == 0) continue;
    const bool is_flag = option->get_items_expected_max() == 0;
    given.push_back(is_flag ? std::string(name)
                            : fmt::format("{}={}", name, option->results().back()));
  }
  return given;
}

}  // namespace

void AddServeVerb(Program& program) {
  const auto options = std::make_shared<server::ServeOptions>();
  CLI::App* verb = program.app.add_subcommand("serve", "a case as a page in the browser");
  verb->footer(
      "The link works once, in one browser of this machine; the page makes further ones. For "
      "other\n"
      "machines: TLS, and users who log in (`ekshume users`, docs/serve.md). Evidence is added\n"
      "from the page, out of the folders of --evidence; until Ctrl-C `investigate` cannot.\n"
      "With --allow-response the page applies plans with the credentials that this server has;\n"
      "--kubeconfig and the options of AWS are those of `ekshume respond`.\n"
      "Examples:\n"
      "  ekshume serve mycase\n"
      "  ekshume serve mycase --port 8437 --operator ana\n"
      "  ekshume serve mycase --evidence /mnt/evidence --evidence ~/logs\n"
      "  ekshume serve mycase --allow-response --kubeconfig ~/.kube/config\n"
      "  ekshume serve mycase --allow-response --eks-cluster prod --region eu-central-1\n"
      "  ssh -L 8437:127.0.0.1:8437 workstation ekshume serve mycase --port 8437\n"
      "  ekshume serve mycase --listen 0.0.0.0 --port 8437 --host soc.example \\\n"
      "    --tls-certificate soc.pem --tls-key soc.key --users users.json");
  verb->add_option("case", options->case_path, "a case made by `investigate`")
      ->required()
      ->type_name("CASE");
  verb->add_option("--listen", options->address,
                   "127.0.0.1 (default) or ::1; any other one needs TLS and users")
      ->type_name("ADDRESS");
  verb->add_option("--port", options->port, "the port (default: a free one)")
      ->check(CLI::Range(0, 65535))
      ->type_name("N");
  verb->add_option("--operator", options->analyst,
                   "under which name changes are recorded (default: your user name)")
      ->type_name("NAME");
  verb->add_option(
          "--evidence", options->evidence,
          "a folder that evidence may be added from on the page (may be repeated; default: "
          "the working directory, with users none)")
      ->type_name("FOLDER")
      ->allow_extra_args(false);
  verb->add_flag("--allow-response", options->allow_response,
                 "plans of response may be approved, applied and undone on the page; with users, "
                 "by responders");
  const auto kubernetes = std::make_shared<KubernetesOptions>();
  AddKubernetesOptions(*verb, program, *kubernetes);
  const auto image = std::make_shared<std::string>(kDefaultImage);
  verb->add_option("--image", *image,
                   fmt::format("of the pods that plans put on nodes (default {})", kDefaultImage))
      ->type_name("IMAGE");
  verb->add_option("--users", options->users, "who may log in (`ekshume users add` makes it)")
      ->type_name("FILE");
  verb->add_option("--tls-certificate", options->certificate, "our certificate and its chain, PEM")
      ->type_name("FILE");
  verb->add_option("--tls-key", options->key, "its private key, PEM")->type_name("FILE");
  verb->add_option("--host", options->host,
                   "the name by which browsers ask for us (default: the address)")
      ->type_name("NAME");
  verb->callback([&program, options, kubernetes, image, verb] {
    options->command_line = program.command_line;
    options->response_arguments = GivenOptions(*verb, kResponseOptions);
    program.action = [&program, options] {
      return server::Serve(
          *options, program.remote.get(), program.progress,
          [](const std::string& link) {
            fmt::print("{}\n", link);
            std::fflush(stdout);
          },
          [](std::string_view text) { fmt::print(stderr, "ekshume: {}\n", text); });
    };
  });
}

}  // namespace ekshume::cli
