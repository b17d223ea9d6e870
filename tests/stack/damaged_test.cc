// SPDX-License-Identifier: Apache-2.0
// Frames of every kind, damaged by chance, at any pace: each is counted, none stays.
#include "journey.h"
#include "support/mender.h"

namespace sluice::test {
namespace {

using namespace wire::tcp_flag;

// One of everything, to be damaged.
std::vector<Octets> samples() {
  const Octets quoted = ip4({.src = us, .dst = peer}, udp(us, peer, 53, 4000, "answer"));
  std::vector<Octets> all{
      arp_from(peer_mac, peer, us),
      arp({wire::ArpOp::Reply, mac(0x33), Ip4Addr::of(198, 18, 0, 33), our_mac, us}, our_mac),
      frame(ip4({.proto = IpProto::Icmp}, icmp(8, 0, 1, as_bytes("ping")))),
      frame(ip4({.proto = IpProto::Icmp}, icmp(3, 3, 0, quoted))),
      frame(udp4({}, 4000, 53, query({"www", "example", "test"}))),
      frame(udp4({}, 4000, 53, query({"x", "wild", "example", "test"}))),
      frame(udp4({}, 4000, 54, "anybody?")),
      frame(udp4({.dst = far}, 7, 7, "through")),
      frame(udp4({.dst = silent}, 7, 7, "through")),
      frame(udp4({.fragment = 0x2000}, 7, 7, "first of many")),
      frame(ip4({.proto = static_cast<IpProto>(99), .options = {7, 4, 4, 0}}, as_bytes("what is this")))};
  for (uint16_t from = 4000; from < 4004; ++from) {  // numbers are for Mender::follow
    const auto segment = [&](uint8_t flags, std::string_view text = {}) {
      all.push_back(tcp4({.src = {from}, .dst = {80}, .flags = flags, .window = {65535}}, text));
    };
    segment(syn);
    segment(ack);
    segment(ack | psh, "GET /big HTTP/1.1\r\nHost: www.example.test\r\n\r\n");
    segment(ack | psh,
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    segment(ack | fin);
  }
  return all;
}

class Damaged : public WholeStack, public ::testing::WithParamInterface<uint64_t> {
 protected:
  void damage(Octets& f) {
    for (auto n = rng.below(4); n > 0; --n) {
      uint8_t& octet = f[rng.below(f.size())];
      octet = static_cast<uint8_t>(rng.chance(0.5) ? octet ^ 1u << rng.below(8) : rng());
    }
    if (rng.chance(0.1)) f.resize(rng.below(f.size()) + 1);
    if (rng.chance(0.1)) f.resize(f.size() + rng.below(1514 - f.size()), 0xa5);
  }
  uint64_t everything_counted() const {
    uint64_t n = 0;
    for (size_t i = 0; i < counter_count; ++i) n += worker.count[static_cast<Counter>(i)];
    return n;
  }
  Rng rng{GetParam()};
};

TEST_P(Damaged, frames_are_counted_one_by_one_and_hold_nothing_for_ever) {
  const std::vector<Octets> originals = samples();
  Mender mender;
  for (int i = 0; i < 20'000; ++i) {
    Octets f = originals[rng.below(originals.size())];
    mender.follow(f);
    if (rng.chance(0.7)) damage(f);
    if (rng.chance(0.8)) Mender::mend(f);
    const size_t port = rng.below(8) == 0;
    const uint64_t before = everything_counted();
    worker.port(port).arrive(f);
    worker.turn(now);
    EXPECT_GT(everything_counted(), before) << "frame " << i << " went without a trace";
    for (const Octets& out : sent(0)) mender.saw(out);
    sent(1);
    worker.run(now, Duration::from_us(static_cast<int64_t>(rng.below(1000) << rng.below(12))));
  }
  EXPECT_GT(counted(Counter::http_connections), 100u) << "some get deep";
  EXPECT_GT(counted(Counter::icmp_unreachable_host), 100u);
  EXPECT_EQ(worker.port(0).lost() + worker.port(1).lost(), 0u);
}
INSTANTIATE_TEST_SUITE_P(Seeds, Damaged, ::testing::Values(1, 2, 3));

}  // namespace
}  // namespace sluice::test
