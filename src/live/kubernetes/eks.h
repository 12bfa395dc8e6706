// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "base/time.h"
#include "live/aws/connection.h"
#include "live/aws/endpoint.h"
#include "live/aws/sigv4.h"
#include "live/kubernetes/kubeconfig.h"

// Clusters of EKS without the programs `aws` and `aws-iam-authenticator`: their tokens are made
// here, from our own AWS credentials.
namespace ekshume::live::kubernetes {

// "k8s-aws-v1." and a GetCallerIdentity of STS that is signed for this cluster (header
// x-k8s-aws-id), which EKS makes itself to learn who we are ("aws-iam-authenticator", API
// authorization of tokens). EKS takes it for fifteen minutes; it proves nothing elsewhere.
std::string EksToken(const aws::Credentials& credentials, const aws::Endpoint& sts,
                     const std::string& region, const std::string& cluster, Timestamp now);

// What a credential plugin of a kubeconfig is asked to make a token for; "" where it does not say.
struct EksTokenRequest {
  std::string cluster;
  std::string region;
  std::string profile;
  std::string role_arn;
};
// Reads the command lines `aws eks get-token --cluster-name ...` and `aws-iam-authenticator token
// -i ...`. None for other programs, and for options and variables that would change what they do in
// a way that is not known here.
std::optional<EksTokenRequest> ReadEksPlugin(
    const std::vector<std::string>& arguments,
    const std::vector<std::pair<std::string, std::string>>& environment);

// Answers credential plugins of EKS. Any number of threads; `diagnostics` and `progress` must
// outlive it.
class EksTokens {
 public:
  // `options`: what the user says about AWS; a kubeconfig's own region, profile and role go first.
  EksTokens(aws::ConnectionOptions options, DiagnosticSink& diagnostics, Progress* progress)
      : options_(std::move(options)), diagnostics_(diagnostics), progress_(progress) {}

  // Runs credential plugins by `otherwise`, but makes tokens of EKS itself. When that fails, the
  // plugin is run after all, and when that fails too, our failure is told. Must not outlive us.
  RunProgram Runner(RunProgram otherwise);

  // How to reach a cluster: eks:DescribeCluster. kNotFound, kInvalidArgument (no name of a
  // cluster); kIo with the missing permission.
  Result<Access> Find(const std::string& cluster);

 private:
  Result<aws::Connection*> ConnectionFor(const EksTokenRequest& request);
  Result<std::string> Credential(const EksTokenRequest& request);

  const aws::ConnectionOptions options_;
  DiagnosticSink& diagnostics_;
  Progress* const progress_;
  std::mutex mutex_;  // guards what follows
  std::map<std::string, std::unique_ptr<aws::Connection>> connections_;
};

}  // namespace ekshume::live::kubernetes
