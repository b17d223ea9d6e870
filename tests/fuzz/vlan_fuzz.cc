// SPDX-License-Identifier: Apache-2.0
// Any frame into a trunk: it comes out by one port at most, shorter by its tags and otherwise the same; what
// goes out by a port and comes back over the wire comes in by that port as it was.
//
// Input: two octets of a TCI that the device took off, if the first is odd, then the frame.
#include <algorithm>

#include "base/check.h"
#include "link/vlan.h"
#include "support/eal.h"
#include "support/memory_port.h"

namespace sluice::test {
namespace {

class Wire final : public buf::NetPort {
 public:
  void rx(buf::Batch& in) override { in = std::move(arriving); }
  void tx(buf::Batch& out) override { arriving = std::move(out); }
  buf::Batch arriving;
};

std::vector<uint8_t> octets(const buf::Packet& p) { return {p.bytes().begin(), p.bytes().end()}; }

void one(Bytes input) {
  if (input.size() < 2 || input.size() > 2000) return;
  Counters count;
  Wire wire;
  link::Trunk trunk{wire, count};
  link::SubPort a{{.vlan = 1}, false, count}, b{{.vlan = 1, .outer_vlan = 2}, false, count},
      c{{.vlan = 0x101, .outer_vlan = 0x101, .outer_type = wire::EtherType::Vlan}, false, count};
  link::SubPort* const all[] = {&a, &b, &c};
  trunk.sub_ports(all);

  const std::vector<uint8_t> frame(input.begin() + 2, input.end());
  buf::Packet p = packet_of(frame);
  if (input[0] & 1) {
    p.raw()->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
    p.raw()->vlan_tci = load_be<uint16_t>(input.data());
  }
  wire.arriving.push(std::move(p));
  buf::Batch in;
  trunk.rx(in);
  size_t out = in.size();
  for (const buf::Packet& q : in)
    check(octets(q).size() <= frame.size(), "a tag that goes makes a frame shorter");
  in.clear();
  for (link::SubPort* port : all) {
    buf::Batch got;
    port->rx(got);
    out += got.size();
    if (got.empty()) continue;
    const auto inside = octets(got[0]);
    check(inside.size() >= 14 && std::equal(inside.begin(), inside.begin() + 12, frame.begin()),
          "the MACs stay");
    check(std::equal(inside.rbegin(), inside.rend() - 12, frame.rbegin()), "what is behind the tags stays");
    // A frame that still looks tagged would be another one with its tag in front of it.
    if (link::tagged(got[0])) continue;
    port->tx(got);
    trunk.rx(in);
    check(in.empty(), "what left tagged does not come back untagged");
    buf::Batch again;
    port->rx(again);
    check(again.size() == 1 && octets(again[0]) == inside, "what left by a port comes back by it");
  }
  check(out + count[Counter::link_vlan] == 1, "a frame comes out once or is counted");
}

}  // namespace
}  // namespace sluice::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sluice::test::start_eal();
  sluice::test::one({data, size});
  return 0;
}
