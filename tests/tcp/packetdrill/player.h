// SPDX-License-Identifier: Apache-2.0
// Plays a script against a whole TCP room in virtual time: what the script says comes in is put in, what it
// says goes out must go out, then and so.
#pragma once

#include <string>
#include <string_view>

namespace sluice::test::pkt {

struct Manners {
  // As scripts written against Linux want it: its defaults as far as sluice has the option; PSH, which RFC
  // 9293 §3.9.1.2 leaves to the sender, may differ; segments left over at the end are no fault.
  bool linux_house = false;
};

struct Verdict {
  enum class Kind { Passed, Failed, Skipped };
  Kind kind = Kind::Passed;
  int line = 0;
  std::string why;  // of a failure or of skipping; more than one line when segments are compared
};

Verdict play(std::string_view text, const Manners& = {});

}  // namespace sluice::test::pkt
