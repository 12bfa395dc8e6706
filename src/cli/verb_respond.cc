// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "cli/acquire_kubernetes.h"
#include "cli/respond_verbs.h"

namespace ekshume::cli {
namespace {

void AddPlanArgument(CLI::App& verb, RespondOptions& options) {
  verb.add_option("plan", options.plan_path, "the plan's file")->required()->type_name("PLAN");
  verb.add_option("--digest", options.digest,
                  "only if the plan is the one with this digest, which `respond show` says")
      ->type_name("SHA256");
}

void AddCommon(CLI::App& verb, Program& program, RespondOptions& options) {
  verb.add_option("--case", options.case_directory,
                  "the case (default: the one in whose folder respond/ the plan lies)")
      ->type_name("DIR");
  verb.add_option("--operator", options.operator_name,
                  "who answers for it (default: the login name)")
      ->type_name("NAME");
  program.AddOutputOptions(verb);
}

void AddSteps(CLI::App& verb, RespondOptions& options) {
  verb.add_option("--step", options.steps, "only this step (may be repeated)")
      ->type_name("ID")
      ->allow_extra_args(false);
  verb.add_flag("--yes", options.yes, "do it; without it only what would be done is shown");
}

void AddImage(CLI::App& verb, RespondOptions& options) {
  verb.add_option("--image", options.image,
                  fmt::format("of our pod on the node (default {})", kDefaultImage));
}

void AddCloudOptions(CLI::App& verb, RespondOptions& options) {
  live::respond::CloudRequest& cloud = options.request.cloud;
  verb.add_flag("--no-aws", options.no_aws,
                "no steps in AWS for a pod, a node or a service account");
  verb.add_option("--session", cloud.session, "of a role: deny this session of it")
      ->type_name("NAME");
  verb.add_option("--pod-uid", cloud.pod_uid, "of a role: deny this pod's sessions (Pod Identity)")
      ->type_name("UID");
  verb.add_option("--instance", cloud.instance, "of a role: deny this instance's sessions")
      ->type_name("ID");
  verb.add_option("--share-with", cloud.share_with, "of an instance: who may use its snapshots")
      ->type_name("ACCOUNT");
  verb.add_option("--swap-profile", cloud.swap_profile,
                  "of an instance: the profile that it gets, one that denies (default: a step that "
                  "takes its own away, not enabled)")
      ->type_name("NAME");
  verb.add_option("--lock-days", cloud.lock_days, "how long snapshots are locked (default 30)")
      ->check(CLI::Range(1, 36500))
      ->type_name("DAYS");
  verb.add_option("--allow-from", cloud.allow_from,
                  "of a cluster: who may still reach its public endpoint (may be repeated)")
      ->type_name("CIDR")
      ->allow_extra_args(false);
}

}  // namespace

void AddRespondVerb(Program& program) {
  CLI::App* group = program.app.add_subcommand(
      "respond", "contain and remediate by a plan that can be read, approved and undone");
  group->require_subcommand(1);
  const auto options = std::make_shared<RespondOptions>();
  const auto add = [&](const char* name, const char* description,
                       Result<void> (*run)(Program&, RespondOptions&)) {
    CLI::App* verb = group->add_subcommand(name, description);
    AddCommon(*verb, program, *options);
    verb->callback([&program, options, run] {
      program.action = [&program, options, run] { return run(program, *options); };
    });
    return verb;
  };

  CLI::App* plan =
      add("plan",
          "make a plan for a case, a pod, a node, an identity, a workload, ...; changes nothing",
          MakeThePlan);
  plan->footer(
      "The plan is a YAML file: read it, change `enabled`, have it approved, apply it.\n"
      "Examples:\n"
      "  ekshume respond plan pod/shop/web-5d9c7 --case incident-42 --probe 192.0.2.7:443\n"
      "  ekshume respond plan incident-42\n"
      "  ekshume respond plan incident-42 --region eu-central-1   # the identities in AWS too\n"
      "  ekshume respond plan serviceaccount/shop/deployer --case incident-42\n"
      "  ekshume respond plan deployment/shop/web --revision 3 --case incident-42\n"
      "  ekshume respond plan aws-auth/arn:aws:iam::123456789012:role/ci --case incident-42\n"
      "  ekshume respond plan webhook/injector --case incident-42\n"
      "  ekshume respond plan role/app --session web-1 --case incident-42 --region eu-central-1\n"
      "  ekshume respond plan instance/i-0abc --share-with 123456789012 --case incident-42\n"
      "  ekshume respond plan clusterrolebinding/backdoor --case incident-42 --plan-file p.yaml");
  plan->add_option("target", options->request.target,
                   fmt::format("the folder of a case, or {}; in AWS {}", live::respond::kTargets,
                               live::respond::kCloudTargets))
      ->required()
      ->type_name("TARGET");
  plan->add_option("--plan-file", options->plan_path, "where it goes (default: the case)")
      ->type_name("FILE");
  plan->add_option("--probe", options->request.probes,
                   "what the pod must not reach any more, besides the API server (may be repeated)")
      ->type_name("HOST:PORT")
      ->allow_extra_args(false);
  plan->add_option("--memory", options->request.memory, "memory that is acquired")
      ->check(CLI::IsMember({"none", "anonymous", "all"}));
  AddCloudOptions(*plan, *options);
  AddKubernetesOptions(*plan, program, options->kubernetes);
  plan->add_option("--revision", options->request.revision,
                   "of a workload to go back to (default: the one before)")
      ->type_name("N");
  plan->add_option("--kill", options->request.kills,
                   "a process of the pod to kill, as live/processes.jsonl has it (may be repeated)")
      ->type_name("PID:START_TICKS")
      ->allow_extra_args(false);

  AddPlanArgument(*add("show", "the steps of a plan, and what became of them", ShowPlan), *options);
  CLI::App* approve =
      add("approve", "sign a plan off, as somebody who did not make it", ApprovePlan);
  AddPlanArgument(*approve, *options);
  approve->footer("Example:\n  ekshume respond approve incident-42/respond/P.yaml --operator bob");

  CLI::App* apply =
      add("apply", "carry a plan out, step by step; dry run without --yes", ApplyPlan);
  AddPlanArgument(*apply, *options);
  AddSteps(*apply, *options);
  apply->add_option("--up-to", options->up_to, "the steps up to this one")->type_name("ID");
  apply->add_option("--done", options->done, "record that people did this manual step")
      ->type_name("ID")
      ->allow_extra_args(false);
  apply
      ->add_option("--confirm", options->confirmed,
                   "the object whose evidence a step may destroy although it was not acquired")
      ->type_name("OBJECT")
      ->allow_extra_args(false);
  AddImage(*apply, *options);
  AddKubernetesOptions(*apply, program, options->kubernetes);
  apply->footer(
      "Stops at the first step that fails and says what stands. Every request is in the journal\n"
      "CASE/respond/PLAN.jsonl before it is made; after a crash the same command goes on.\n"
      "Examples:\n"
      "  ekshume respond apply incident-42/respond/P.yaml\n"
      "  ekshume respond apply incident-42/respond/P.yaml --up-to acquire-pod --yes\n"
      "  ekshume respond apply incident-42/respond/P.yaml --step delete-pod --yes\n"
      "  ekshume respond apply incident-42/respond/P.yaml --digest 7c0f... --yes   # as it was "
      "read");

  CLI::App* verify = add("verify", "test in the data plane that a pod is cut off", VerifyPlan);
  AddPlanArgument(*verify, *options);
  AddImage(*verify, *options);
  AddKubernetesOptions(*verify, program, options->kubernetes);

  CLI::App* undo =
      add("undo", "take back what a plan did, last step first; dry run without --yes", UndoPlan);
  AddPlanArgument(*undo, *options);
  AddSteps(*undo, *options);
  AddImage(*undo, *options);
  undo->add_flag("--force", options->force,
                 "put the old values back although others changed them since");
  AddKubernetesOptions(*undo, program, options->kubernetes);

  CLI::App* status = add("status", "what is in force, since when and by whom", ShowStatus);
  status->get_option("--case")->required();

  CLI::App* resources =
      group->add_subcommand("resources", "the things in AWS that steps of a plan can change");
  program.AddOutputOptions(*resources);
  resources->footer(
      "Each is named by its parameters and has a state, which a step of kind `aws` changes.\n"
      "Example:\n  ekshume respond resources --format json");
  resources->callback([&program, options] {
    program.action = [&program, options] { return ListResources(program, *options); };
  });
}

}  // namespace ekshume::cli
