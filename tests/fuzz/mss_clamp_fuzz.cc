// SPDX-License-Identifier: Apache-2.0
// A bound of two octets, little end first, and any octets as a TCP segment: of all of them only sizes above
// the bound and the checksum change, and what it sums to does not.
#include <algorithm>
#include <vector>

#include "base/check.h"
#include "support/fuzz_input.h"
#include "wire/mss_clamp.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  test::FuzzInput in{{data, size}};
  const uint16_t most = in.u16();
  const std::vector<uint8_t> sent(in.left.begin(), in.left.end());
  std::vector<uint8_t> got = sent;
  if (!wire::clamp_mss(got, most)) {
    check(got == sent, "what is not clamped is as it was");
    return 0;
  }
  const auto before = *wire::Tcp::parse(sent), after = *wire::Tcp::parse(got);
  check((before.flags() & wire::tcp_flag::syn) != 0, "a SYN was clamped");
  check(*wire::TcpOptions::parse(after.options())->mss <= most, "within its bound");
  check(wire::Sum{}.add(got).folded() == wire::Sum{}.add(sent).folded(), "as right or wrong as it was");
  bool lowered = false;
  std::vector<uint8_t> back = got;
  std::copy_n(sent.begin() + wire::Tcp::checksum_at, 2, back.begin() + wire::Tcp::checksum_at);
  wire::TcpOptions::for_each_mss(before.options(), [&](size_t at) {
    const size_t value = wire::Tcp::header_len + at;
    const auto was = load_be<uint16_t>(sent.data() + value), is = load_be<uint16_t>(got.data() + value);
    check(is == std::min(was, most), "lowered to its bound, or left");
    lowered |= is != was;
    store_be<uint16_t>(back.data() + value, was);
  });
  check(lowered && back == sent, "nothing else changed");
  return 0;
}
