// SPDX-License-Identifier: Apache-2.0
#include "live/aws/connection.h"

#include <array>
#include <utility>

namespace ekshume::live::aws {
namespace {

// The names that SDKs give services in variables, and the hosts' prefixes.
constexpr std::array<std::pair<const char*, const char*>, 16> kServices = {
    {{"EC2", "ec2"},
     {"EBS", "ebs"},
     {"STS", "sts"},
     {"S3", "s3"},
     {"CLOUDWATCH_LOGS", "logs"},
     {"CLOUDTRAIL", "cloudtrail"},
     {"GUARDDUTY", "guardduty"},
     {"SSM", "ssm"},
     {"ECS", "ecs"},
     {"SQS", "sqs"},
     {"IAM", "iam"},
     {"EKS", "eks"},
     {"ECR", "api.ecr"},
     {"AUTO_SCALING", "autoscaling"},
     {"ELASTIC_LOAD_BALANCING_V2", "elasticloadbalancing"},
     {"SSO", "portal.sso"}}};

}  // namespace

EndpointOptions EndpointsOf(const wire::Surroundings& surroundings, const std::string& url) {
  EndpointOptions out;
  out.url = url;
  if (!url.empty()) return out;
  out.url = surroundings.variable("AWS_ENDPOINT_URL").value_or("");
  for (const auto& [name, prefix] : kServices) {
    if (const auto own = surroundings.variable(std::string("AWS_ENDPOINT_URL_") + name)) {
      out.by_service[prefix] = *own;
    }
  }
  return out;
}

Connection::Connection(Progress* progress)
    : surroundings_(wire::Surroundings::OfProcess()),
      transport_(http::TransportOptions{.progress = progress}) {}

Result<std::unique_ptr<Connection>> Connection::Open(const ConnectionOptions& options,
                                                     DiagnosticSink& diagnostics,
                                                     Progress* progress) {
  std::unique_ptr<Connection> made(new Connection(progress));
  made->settings_.endpoints = EndpointsOf(made->surroundings_, options.endpoint_url);
  made->settings_.diagnostics = &diagnostics;
  made->settings_.progress = progress;
  ChainOptions chain;
  chain.profile = options.profile;
  chain.role_arn = options.role_arn;
  chain.external_id = options.external_id;
  chain.session_name = options.session_name;
  chain.region = options.region;
  chain.client = made->settings_;
  made->chain_ =
      EKSHUME_TRY(CredentialChain::Open(std::move(chain), made->surroundings_, made->transport_));
  return made;
}

Result<const Client*> Connection::client() {
  if (client_ == nullptr) {
    EKSHUME_TRY(chain_->Get());  // an instance's region comes with its credentials
    if (chain_->region().empty()) {
      return Fail(ErrorCode::kInvalidArgument, "no AWS region: give --region or set AWS_REGION");
    }
    client_ = EKSHUME_TRY(ClientOf(chain_->region()));
  }
  return client_.get();
}

Result<std::unique_ptr<Client>> Connection::ClientOf(const std::string& region) {
  if (!IsRegion(region)) {
    return Fail(ErrorCode::kInvalidArgument, "\"" + region + "\" is no AWS region");
  }
  ClientSettings settings = settings_;
  settings.region = region;
  return std::make_unique<Client>(transport_, *chain_, std::move(settings));
}

}  // namespace ekshume::live::aws
