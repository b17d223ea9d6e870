// SPDX-License-Identifier: Apache-2.0
// Any fragments in any order, at any pace, into reassembly, for us and virtual: what is put together is what
// was sent, what is held is bounded, and time takes back everything.
//
// Input: records of 6 octets: what (1: IPv6, 2: more follow, 4: the first one's ports are other ones, 8:
// other octets, high half n: 2^n ms pass before), identification and source (a half each), offset in units of
// 8 (two octets), size less one (two octets, modulo 1,900).
#include <cstring>
#include <vector>

#include "base/check.h"
#include "ip/reassembly.h"
#include "ip/virtual_reassembly.h"
#include "support/eal.h"

namespace sluice::test {
namespace {

constexpr Ip4Addr us = Ip4Addr::of(198, 18, 0, 1);

uint8_t octet(size_t at, bool other) {
  return static_cast<uint8_t>((at * 7 + at / 256) << 1 | (other ? 1 : 0));
}

ip::Options options() {
  ip::Options o;
  o.reassembly_packets = 64;
  o.reassembly_datagrams = 16;
  o.reassembly_per_source = 40;
  o.reassembly_fragments = 20;
  o.follow_packets = 16;
  o.follow_datagrams = 16;
  o.follow_per_source = 12;
  return o;
}

struct Record {
  bool six, more, other_ports, other_octets;
  uint32_t id, at, size;
  IpAddr src;

  explicit Record(const uint8_t* d)
      : six{(d[0] & 1) != 0},
        more{(d[0] & 2) != 0},
        other_ports{(d[0] & 4) != 0},
        other_octets{(d[0] & 8) != 0},
        id{d[1] & 15u},
        at{(d[2] << 8 | d[3]) % 8192u * 8},
        size{1 + (d[4] << 8 | d[5]) % 1900u} {
    if (more) size = (size + 7) & ~7u;
    const auto host = static_cast<uint16_t>(d[1] >> 4);
    src = six ? IpAddr{Ip6Addr::of(0x2001, 2, 0, host, 0, 0, 0, 9)} : IpAddr{Ip4Addr{0xc6120000u + host}};
  }

  // With a header of the family's least length, as reassembly finds it.
  buf::Packet packet() const {
    const size_t header = six ? 40 : 20;
    std::vector<uint8_t> b(14 + header + (six ? 8 : 0) + size);
    b[14] = six ? 0x60 : 0x45;
    for (size_t i = 0; i < size; ++i) b[b.size() - size + i] = octet(at + i, other_octets);
    buf::Packet p = packet_of(b);
    p.headers(14, 0, 0);
    return p;
  }
  ip::Reassembly::Fragment fragment() const {
    const auto header = static_cast<uint16_t>(14 + (six ? 40 : 20));
    return {.id = {src, IpAddr{us}, id, static_cast<uint8_t>(six ? 0 : 17)},
            .at = at,
            .size = static_cast<uint16_t>(size),
            .from = static_cast<uint16_t>(header + (six ? 8 : 0)),
            .more = more,
            .header = header,
            .patch_at = static_cast<uint16_t>(six ? 20 : 0),
            .patch = 17};
  }
  uint32_t ports() const { return id << 16 | (other_ports ? 1u : 0u); }
};

class Run {
 public:
  void step(const uint8_t* d) {
    const Record r{d};
    now_ = now_ + Duration::from_ms(d[0] >> 4 == 0 ? 0 : 1 << (d[0] >> 4));
    expire();
    if (const buf::Packet whole = us_.add(r.packet(), r.fragment(), now_)) judge(whole, r);
    through_.add(r.packet(), {r.fragment().id, r.at == 0, r.ports()}, now_);
    for (buf::Batch b; through_.take(b); b.clear())
      for (const buf::Packet& p : b)
        check(p.knows_flow() && p.flow_ports() >> 16 == r.id, "it follows its own first");
    check(us_.pieces().packets() <= 64 && us_.pieces().datagrams() <= 16, "what waits for us is bounded");
    check(through_.pieces().packets() <= 16 && through_.pieces().datagrams() <= 16, "what passes is bounded");
    // Counting the pool is slow.
    if (++steps_ % 64 == 0) check(packets_ - packet_pool().packets_free() <= 64 + 16, "so is memory");
  }
  ~Run() {
    now_ = now_ + 200_s;
    expire();
    check(us_.deadline() == Instant::never() && through_.deadline() == Instant::never(),
          "time takes all back");
    check(
        packet_pool().packets_free() == packets_ && packet_pool().large_free() == packet_pool().large_size(),
        "every packet is back");
  }

 private:
  // Each octet is one that was sent for its place.
  static void judge(const buf::Packet& whole, const Record& last) {
    check(whole.contiguous(), "a datagram in one piece");
    const Bytes b = whole.l3();
    const size_t header = last.six ? 40 : 20;
    check(b.size() >= header + last.size, "at least what came last");
    if (last.six)
      check(load_be<uint16_t>(b.data() + 4) == b.size() - 40 && b[6] == 17,
            "IPv6's header says what follows");
    else
      check(load_be<uint16_t>(b.data() + 2) == b.size() && load_be<uint16_t>(b.data() + 6) == 0,
            "nor is it a fragment");
    for (size_t i = header; i < b.size(); ++i)
      check((b[i] & 0xfe) == (octet(i - header, false) & 0xfe), "octets stand where they were sent for");
    check(
        std::memcmp(b.data() + header + last.at, last.packet().data() + last.fragment().from, last.size) == 0,
        "the last fragment is in it");
  }
  void expire() {
    through_.expire(now_);
    for (bool more = true; more;) {
      buf::Batch first;
      more = us_.expire(now_, first);
    }
  }

  const ip::Options options_ = options();
  const uint32_t packets_ = packet_pool().packets_free();
  uint32_t steps_ = 0;
  Counters count_;
  Instant now_{1'000'000'000};
  ip::Reassembly us_{options_, packet_pool(), {1, 2}, count_};
  ip::VirtualReassembly through_{options_, {3, 4}, count_};
};

}  // namespace
}  // namespace sluice::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* d, size_t n) {
  if (n > 6 * 400) return 0;
  sluice::test::start_eal();
  sluice::test::Run run;
  for (; n >= 6; d += 6, n -= 6) run.step(d);
  return 0;
}
