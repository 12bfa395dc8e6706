// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "live/cloud_state/resource.h"

// ECR: whether tags of a repository can be moved, and an image of it.
namespace ekshume::live::cloud_state {
namespace {

using wire::ArrayOf;
using wire::TextOf;

std::string ArnOfRepository(const Json& parameters, std::string_view region,
                            std::string_view account) {
  return fmt::format("arn:{}:ecr:{}:{}:repository/{}", aws::PartitionOf(region), region, account,
                     TextOf(parameters, "repositoryName"));
}

Result<Json> ReadMutability(const Asker& asker, const Json& parameters) {
  const std::string name = TextOf(parameters, "repositoryName");
  const Json answer =
      EKSHUME_TRY(asker.Ask("ecr", "DescribeRepositories", {{"repositoryNames", {name}}}));
  const Json& repository = Among(ArrayOf(answer, "repositories"), "repositoryName", name);
  if (repository.is_null()) {
    return Fail(ErrorCode::kNotFound, fmt::format("there is no repository {}", name));
  }
  return Json{{"tags", TextOf(repository, "imageTagMutability")}};
}

std::vector<ServiceCall> ChangeMutability(const Json& parameters, const Json&, const Json& to) {
  return {Changing("ecr", "PutImageTagMutability",
                   {{"repositoryName", TextOf(parameters, "repositoryName")},
                    {"imageTagMutability", TextOf(to, "tags")}})};
}

// The manifest is part of the state, so it is in the journal before the image is deleted.
Result<Json> ReadImage(const Asker& asker, const Json& parameters) {
  const std::string digest = TextOf(parameters, "imageDigest");
  const Json answer =
      EKSHUME_TRY(asker.Ask("ecr", "BatchGetImage",
                            {{"repositoryName", TextOf(parameters, "repositoryName")},
                             {"imageIds", Json::array({{{"imageDigest", digest}}})},
                             {"acceptedMediaTypes",
                              {"application/vnd.docker.distribution.manifest.v2+json",
                               "application/vnd.docker.distribution.manifest.list.v2+json",
                               "application/vnd.oci.image.manifest.v1+json",
                               "application/vnd.oci.image.index.v1+json"}}}));
  // One entry for each tag.
  std::vector<std::string> tags;
  Json state;
  for (const Json& image : ArrayOf(answer, "images")) {
    const Json& id = wire::ObjectOf(image, "imageId");
    if (TextOf(id, "imageDigest") != digest) continue;
    if (const std::string tag = TextOf(id, "imageTag"); !tag.empty()) tags.push_back(tag);
    state["manifest"] = TextOf(image, "imageManifest");
    if (const std::string type = TextOf(image, "imageManifestMediaType"); !type.empty()) {
      state["media_type"] = type;
    }
  }
  if (state.is_null()) return Json();
  // BatchGetImage may name one tag only.
  const Json described = EKSHUME_TRY(
      NullWhenMissing(asker.Ask("ecr", "DescribeImages",
                                {{"repositoryName", TextOf(parameters, "repositoryName")},
                                 {"imageIds", Json::array({{{"imageDigest", digest}}})}})));
  for (const Json& detail : ArrayOf(described, "imageDetails")) {
    if (TextOf(detail, "imageDigest") != digest) continue;
    for (const Json& tag : ArrayOf(detail, "imageTags")) {
      if (tag.is_string()) tags.push_back(tag.get<std::string>());
    }
  }
  std::ranges::sort(tags);
  const auto repeated = std::ranges::unique(tags);
  tags.erase(repeated.begin(), repeated.end());
  state["tags"] = tags;
  return state;
}

std::vector<ServiceCall> ChangeImage(const Json& parameters, const Json& from, const Json& to) {
  const std::string repository = TextOf(parameters, "repositoryName");
  const std::string digest = TextOf(parameters, "imageDigest");
  if (to.is_null()) {
    return {Changing(
        "ecr", "BatchDeleteImage",
        {{"repositoryName", repository}, {"imageIds", Json::array({{{"imageDigest", digest}}})}})};
  }
  Json tags = Without(ArrayOf(to, "tags"), ArrayOf(from, "tags"));
  if (tags.empty() && from.is_null()) tags.push_back("");
  std::vector<ServiceCall> calls;
  for (const Json& tag : tags) {
    Json request = {{"repositoryName", repository},
                    {"imageManifest", TextOf(to, "manifest")},
                    {"imageDigest", digest}};
    if (to.contains("media_type")) request["imageManifestMediaType"] = TextOf(to, "media_type");
    if (tag != "") request["imageTag"] = tag;
    calls.push_back(Changing("ecr", "PutImage", std::move(request)));
  }
  return calls;
}

}  // namespace

std::vector<Resource> ImageResources() {
  return {
      {.name = "repository-tags",
       .parameters = {"repositoryName"},
       .read_with = "ecr:DescribeRepositories",
       .read = ReadMutability,
       .change = ChangeMutability,
       .arn = ArnOfRepository},
      {.name = "repository-image",
       .parameters = {"repositoryName", "imageDigest"},
       .read_with = "ecr:BatchGetImage",
       .also_needs = {"ecr:DescribeImages"},
       .read = ReadImage,
       .change = ChangeImage,
       .arn = ArnOfRepository},
  };
}

}  // namespace ekshume::live::cloud_state
