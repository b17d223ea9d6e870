// SPDX-License-Identifier: Apache-2.0
#include "app/load/headers.h"

#include "wire/checksum.h"

namespace sluice::load {

Headers::Headers(const Mac& src, const Mac& dst, bool four, uint8_t proto) : four_{four} {
  uint8_t* p = octets_.data();
  wire::Ethernet::emit(p, dst, src, four ? wire::EtherType::Ip4 : wire::EtherType::Ip6);
  if (!four) {
    wire::Ip6::emit(p + l2, {.next_header = proto, .src = {}, .dst = {}});
    return;
  }
  wire::Ip4::emit(p + l2, {.dont_fragment = true, .proto = proto, .src = {}, .dst = {}}, false);
  sum_ = wire::Sum{}.add(Bytes{p + l2, wire::Ip4::min_header_len}).folded();
}

}  // namespace sluice::load
