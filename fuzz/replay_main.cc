// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target over the files of the folders that are named on the command line, and over the
// empty input: how corpora and past crashes are tested without libFuzzer. Fails when there is no
// file at all, as a corpus that has moved would otherwise test nothing.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

std::vector<std::filesystem::path> FilesBelow(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<uint8_t> Contents(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

}  // namespace

int main(int argc, char** argv) {
  LLVMFuzzerTestOneInput(nullptr, 0);
  size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    for (const std::filesystem::path& path : FilesBelow(argv[i])) {
      // Named before it runs, so that the last line says which one crashed.
      std::printf("%s\n", path.c_str());
      std::fflush(stdout);
      const std::vector<uint8_t> input = Contents(path);
      LLVMFuzzerTestOneInput(input.data(), input.size());
      ++count;
    }
  }
  if (count == 0) std::fprintf(stderr, "no file to replay\n");
  return count == 0 ? 1 : 0;
}
