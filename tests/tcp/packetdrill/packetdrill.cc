// SPDX-License-Identifier: Apache-2.0
// Plays scripts and says of each whether it passed, failed or was skipped, and why.
// Usage: packetdrill [--linux] FILE...
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

#include "tcp/packetdrill/player.h"

using sluice::test::pkt::Manners;
using sluice::test::pkt::Verdict;

int main(int argc, char** argv) {
  Manners manners;
  int counts[3] = {};
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--linux") == 0) {
      manners.linux_house = true;
      continue;
    }
    std::ifstream in{argv[i]};
    if (!in) {
      std::fprintf(stderr, "packetdrill: cannot read %s\n", argv[i]);
      return 2;
    }
    std::ostringstream text;
    text << in.rdbuf();
    const Verdict v = sluice::test::pkt::play(text.str(), manners);
    constexpr const char* words[] = {"passed", "failed", "skipped"};
    ++counts[static_cast<int>(v.kind)];
    std::printf("%s %s", words[static_cast<int>(v.kind)], argv[i]);
    if (v.kind != Verdict::Kind::Passed) std::printf(":%d: %s", v.line, v.why.c_str());
    std::printf("\n");
  }
  if (counts[0] + counts[1] + counts[2] == 0) {
    std::fprintf(stderr, "usage: packetdrill [--linux] FILE...\n");
    return 2;
  }
  std::printf("%d passed, %d failed, %d skipped\n", counts[0], counts[1], counts[2]);
  return counts[1] == 0 ? 0 : 1;
}
