// SPDX-License-Identifier: Apache-2.0
// Every script under tests/tcp/pkt is a test of its own, named after its folder and file.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tcp/packetdrill/player.h"

namespace sluice::test::pkt {
namespace {

std::string contents(const std::filesystem::path& file) {
  std::ifstream in{file};
  std::ostringstream s;
  s << in.rdbuf();
  return s.str();
}

class Scripted : public testing::Test {
 public:
  explicit Scripted(std::filesystem::path file) : file_{std::move(file)} {}
  void TestBody() override {
    const Verdict v = play(contents(file_));
    if (v.kind != Verdict::Kind::Passed) ADD_FAILURE() << file_.string() << ":" << v.line << ": " << v.why;
  }

 private:
  std::filesystem::path file_;
};

std::string name_of(const std::filesystem::path& p) {
  std::string s = p.string();
  std::replace_if(s.begin(), s.end(), [](char c) { return !isalnum(static_cast<unsigned char>(c)); }, '_');
  return s;
}

void register_scripts(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& e : std::filesystem::recursive_directory_iterator{folder})
    if (e.path().extension() == ".pkt") files.push_back(e.path());
  std::sort(files.begin(), files.end());
  for (const auto& f : files)
    testing::RegisterTest(("Pkt_" + name_of(f.parent_path().filename())).c_str(), name_of(f.stem()).c_str(),
                          nullptr, nullptr, f.c_str(), 1,
                          [f]() -> testing::Test* { return new Scripted{f}; });
}

}  // namespace
}  // namespace sluice::test::pkt

int main(int argc, char** argv) {
  sluice::test::pkt::register_scripts(PKT_FOLDER);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
