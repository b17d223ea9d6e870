// SPDX-License-Identifier: Apache-2.0
// What stands between %{ and }%: of Python as much as scripts use: assert, assignment and print over
// integers.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "tcp/packetdrill/script.h"

namespace sluice::test::pkt {

class Assertions {
 public:
  // What a name stands for; nothing: no such name.
  using Lookup = std::function<std::optional<int64_t>(std::string_view)>;

  // Throws Fault: an assertion that does not hold, with the values of the names in it; or code that is not
  // understood, or a name that is not had, both as lacking.
  void run(const Code& code, int line, const Lookup& names);

 private:
  std::map<std::string, int64_t, std::less<>> variables_;
};

}  // namespace sluice::test::pkt
