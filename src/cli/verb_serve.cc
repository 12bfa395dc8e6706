// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "cli/serve_verb.h"
#include "server/serve.h"

namespace ekshume::cli {

void AddServeVerb(Program& program) {
  const auto options = std::make_shared<server::ServeOptions>();
  CLI::App* verb = program.app.add_subcommand("serve", "a case as a page in the browser");
  verb->footer(
      "The link works once, in one browser of this machine; the page makes further ones. For "
      "other\n"
      "machines: TLS, and users who log in (`ekshume users`, docs/serve.md). Evidence is added\n"
      "from the page, out of the folders of --evidence; until Ctrl-C `investigate` cannot.\n"
      "Examples:\n"
      "  ekshume serve mycase\n"
      "  ekshume serve mycase --port 8437 --operator ana\n"
      "  ekshume serve mycase --evidence /mnt/evidence --evidence ~/logs\n"
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
  verb->add_option("--users", options->users, "who may log in (`ekshume users add` makes it)")
      ->type_name("FILE");
  verb->add_option("--tls-certificate", options->certificate, "our certificate and its chain, PEM")
      ->type_name("FILE");
  verb->add_option("--tls-key", options->key, "its private key, PEM")->type_name("FILE");
  verb->add_option("--host", options->host,
                   "the name by which browsers ask for us (default: the address)")
      ->type_name("NAME");
  verb->callback([&program, options] {
    options->command_line = program.command_line;
    program.action = [&program, options] {
      return server::Serve(*options, program.remote.get(), program.progress,
                           [](const std::string& link) {
                             fmt::print("{}\n", link);
                             std::fflush(stdout);
                           });
    };
  });
}

}  // namespace ekshume::cli
