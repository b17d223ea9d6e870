// SPDX-License-Identifier: Apache-2.0
// Whole journeys of datagrams in fragments: to us, from us, through us.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "journey.h"
#include "wire/icmp6.h"
#include "wire/ip6_ext.h"

namespace sluice::test {
namespace {

using wire::Ip6;

constexpr Ip6Addr us6 = Ip6Addr::of(0x2001, 2, 0, 1, 0, 0, 0, 1),
                  peer6 = Ip6Addr::of(0x2001, 2, 0, 1, 0, 0, 0, 9);

Octets pattern(size_t n) {
  Octets b(n);
  for (size_t i = 0; i < n; ++i) b[i] = static_cast<uint8_t>(i * 13 + i / 256);
  return b;
}

// An IPv4 payload as frames of fragments.
std::vector<Octets> pieces4(Ip4Spec spec, const Octets& payload, size_t each = 1480) {
  std::vector<Octets> frames;
  for (size_t at = 0; at < payload.size(); at += each) {
    const size_t n = std::min(each, payload.size() - at);
    spec.fragment = static_cast<uint16_t>(at / 8 | (at + n < payload.size() ? 0x2000 : 0));
    frames.push_back(frame(ip4(spec, Bytes{payload}.subspan(at, n))));
  }
  return frames;
}

std::vector<Octets> pieces6(uint8_t next, const Octets& payload) {
  constexpr size_t each = 1448;
  std::vector<Octets> frames;
  for (size_t at = 0; at < payload.size(); at += each) {
    const size_t n = std::min(each, payload.size() - at);
    Octets b(48);
    Ip6::emit(b.data(),
              {.payload_length = static_cast<uint16_t>(8 + n), .next_header = 44, .src = peer6, .dst = us6});
    wire::Ip6Fragment::emit(b.data() + 40, next, static_cast<uint16_t>(at), at + n < payload.size(), 77);
    frames.push_back(frame(join(std::move(b), Bytes{payload}.subspan(at, n)), wire::EtherType::Ip6));
  }
  return frames;
}

class FragmentJourney : public WholeStack {
 protected:
  // The payload of the fragments that were sent by this port, in order of their offsets.
  Octets joined(size_t port = 0) {
    std::map<size_t, Octets> parts;
    for (const Octets& f : sent(port)) {
      if (f[12] == 0x86) {
        const Bytes packet = Bytes{f}.subspan(14);
        wire::Ip6Chain chain;
        EXPECT_FALSE(wire::walk_extensions(packet, {}, chain));
        const size_t from = chain.fragmented ? chain.fragment.at + wire::Ip6Fragment::len : chain.upper_at;
        parts[chain.fragmented ? chain.fragment.offset : 0] = copy(packet.subspan(from));
      } else if (f[13] == 0) {
        const auto ip = ip_of(f);
        parts[ip.fragment_offset()] = copy(ip.payload());
      }
    }
    frames = parts.size();
    Octets all;
    for (auto& [at, b] : parts) {
      EXPECT_EQ(at, all.size()) << "no hole";
      all = join(std::move(all), b);
    }
    return all;
  }
  size_t frames = 0;
};

TEST_F(FragmentJourney, pings_of_any_size_are_answered) {
  for (const size_t size : {size_t{1473}, size_t{4000}, size_t{65507}}) {
    const Octets request = icmp(8, 0, 0x00010002, pattern(size));
    for (Octets& f : pieces4({.proto = IpProto::Icmp}, request)) gets(std::move(f));
    const Octets reply = joined();
    ASSERT_EQ(reply.size(), request.size());
    EXPECT_EQ(reply[0], 0);
    EXPECT_EQ(Octets(reply.begin() + 4, reply.end()), Octets(request.begin() + 4, request.end()));
    EXPECT_EQ(wire::Sum{}.add(reply).folded(), 0xffff);
    EXPECT_EQ(frames, (request.size() + 1479) / 1480);
  }
}

TEST_F(FragmentJourney, a_long_datagram_is_echoed_and_one_to_nobody_is_refused) {
  const Octets to_echo = udp(peer, us, 4000, 7, std::string(5000, 'e'));
  for (Octets& f : pieces4({}, to_echo)) gets(std::move(f));
  const Octets echoed = joined();
  ASSERT_EQ(echoed.size(), to_echo.size());
  EXPECT_EQ(Octets(echoed.begin() + 8, echoed.end()), Octets(5000, 'e'));
  for (Octets& f : pieces4({}, udp(peer, us, 4000, 99, std::string(5000, 'e')))) gets(std::move(f));
  const Octets refusal = joined();
  ASSERT_EQ(refusal.size(), 576u - 20) << "it quotes no more than the least host must take";
  EXPECT_EQ(refusal[0], 3);
  EXPECT_EQ(refusal[1], 3);
  // A query may come in pieces and be answered in one.
  const Octets query = {0,   1,   1,   0,   0,   1,   0,   0, 0,   0,   0,   0,   3, 'w', 'w', 'w', 7,
                        'e', 'x', 'a', 'm', 'p', 'l', 'e', 4, 't', 'e', 's', 't', 0, 0,   1,   0,   1};
  const Octets asked = udp(peer, us, 4000, 53, {reinterpret_cast<const char*>(query.data()), query.size()});
  for (Octets& f : pieces4({}, asked, 24)) gets(std::move(f));
  const Octets answer = joined();
  EXPECT_EQ(frames, 1u);
  ASSERT_GT(answer.size(), asked.size());
  EXPECT_EQ(answer[8 + 3] & 15, 0) << "no error";
  EXPECT_EQ(counted(Counter::ip_reassembled), 3u);
}

TEST_F(FragmentJourney, what_does_not_come_in_time_is_told_if_its_first_fragment_came) {
  auto first = pieces4({.proto = IpProto::Icmp}, icmp(8, 0, 1, pattern(4000)));
  gets(first[0]);
  gets(first[2]);
  worker.run(now, 29_s);
  EXPECT_EQ(counted(Counter::icmp_reassembly_time), 0u);
  worker.run(now, 2_s);
  const Octets told = joined();
  ASSERT_GE(told.size(), 8u);
  EXPECT_EQ(told[0], 11);
  EXPECT_EQ(told[1], 1);
  EXPECT_EQ(counted(Counter::icmp_reassembly_time), 1u);
  gets(first[1]);
  worker.run(now, 31_s);
  EXPECT_EQ(counted(Counter::icmp_reassembly_time), 1u) << "nobody is told of a middle";
  EXPECT_EQ(counted(Counter::ip_fragment_timeout), 3u);
}

TEST_F(FragmentJourney, what_passes_to_a_narrower_link_is_cut) {
  VirtualWorker narrow{[] {
    WorkerPlan p{two_ports()};
    p.interfaces[1].caps.mtu = 600;
    return p;
  }()};
  // The peer behind the narrow link is known.
  narrow.port(1).arrive(arp_from(far_mac, far, us_wan));
  narrow.run(now, 5_s);
  (void)narrow.sent(1);
  const Octets payload = udp(peer, far, 1, 2, std::string(1400, 'p'));
  for (Octets& f : pieces4({.dst = far}, join(Octets(payload), {}))) narrow.port(0).arrive(std::move(f));
  narrow.turn(now);
  Octets all;
  for (const Octets& f : narrow.sent(1)) all = join(std::move(all), ip_of(f).payload());
  EXPECT_EQ(all, payload);
  EXPECT_EQ(narrow.count[Counter::ip_fragments_out], 3u);
  EXPECT_EQ(narrow.drops(), 0u);
}

TEST_F(FragmentJourney, fragments_through_us_wait_for_the_first_and_go_on) {
  const Octets payload = udp(peer, far, 1, 2, std::string(4000, 'p'));
  auto parts = pieces4({.dst = far}, payload);
  std::reverse(parts.begin(), parts.end());
  gets(parts[0]);
  gets(parts[1]);
  EXPECT_EQ(sent(1).size(), 0u);
  gets(parts[2]);
  EXPECT_EQ(joined(1), payload);
  // Those without ports need not wait.
  gets(pieces4({.dst = far, .proto = IpProto::Icmp}, icmp(8, 0, 1, pattern(4000)))[1]);
  EXPECT_EQ(sent(1).size(), 1u);
}

TEST_F(FragmentJourney, what_belongs_to_another_worker_is_passed_on_once_that_is_known) {
  worker.port(0).all_is_others();
  const auto passed = [&] { return worker.port(0).take_passed(); };
  // For us: a datagram put together is what a frame would have brought, its connection may be anybody's.
  const Octets segment(wire::Tcp::header_len + 500, 0x50);
  const auto parts = pieces4({.proto = IpProto::Tcp}, segment, 400);
  gets(parts[1]);
  EXPECT_TRUE(passed().empty());
  gets(parts[0]);
  const auto whole = passed();
  ASSERT_EQ(whole.size(), 1u);
  EXPECT_EQ(whole[0].frame, frame(ip4({.proto = IpProto::Tcp}, segment)));
  // Longer ones are answered where they are: their transport keeps no state.
  for (Octets& f : pieces4({}, udp(peer, us, 4000, 7, std::string(5000, 'e')))) gets(std::move(f));
  EXPECT_TRUE(passed().empty());
  EXPECT_EQ(joined().size(), 5008u);
  // Through us: every fragment, as it came, with the ports of the first.
  const auto through = pieces4({.dst = far}, udp(peer, far, 7, 9, std::string(4000, 'p')));
  gets(through[2]);
  gets(through[0]);
  gets(through[1]);
  const auto pieces = passed();
  ASSERT_EQ(pieces.size(), 3u);
  const size_t order[] = {0, 2, 1};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(pieces[i].frame, through[order[i]]);
    EXPECT_EQ(pieces[i].ports, 7u << 16 | 9);
  }
  EXPECT_TRUE(sent(1).empty());
}

class FragmentJourney6 : public FragmentJourney {
 protected:
  FragmentJourney6() {
    WorkerPlan p{two_ports()};
    p.interfaces[0].addresses.push_back({us6, 64});
    p.interfaces[0].ip6 = true;
    p.nd.dad_transmits = 0;
    six.emplace(std::move(p));
    six->run(now, 10_s);
    (void)six->sent(0);
  }
  std::optional<VirtualWorker> six;
};

TEST_F(FragmentJourney6, pings_and_datagrams_of_any_size_are_answered) {
  Octets request(8);
  request[0] = 128;
  request = join(std::move(request), pattern(4000));
  const auto seal = [](Octets& m, uint8_t proto, size_t at) {
    store_be<uint16_t>(m.data() + at, 0);
    store_be<uint16_t>(
        m.data() + at,
        wire::pseudo_header(peer6, us6, proto, static_cast<uint32_t>(m.size())).add(m).checksum());
  };
  seal(request, 58, 2);
  Octets to_echo(8);
  wire::Udp::emit(to_echo.data(), {4000}, {7}, 5008);
  to_echo = join(std::move(to_echo), pattern(5000));
  seal(to_echo, 17, 6);
  for (const auto& [proto, message] : {std::pair{uint8_t{58}, request}, {uint8_t{17}, to_echo}}) {
    auto parts = pieces6(proto, message);
    std::swap(parts[0], parts[2]);
    for (Octets& f : parts) six->port(0).arrive(std::move(f));
    six->turn(now);
    // Who we are to answer is not known yet: a solicitation first.
    std::map<size_t, Octets> got;
    const auto collect = [&] {
      for (const Octets& f : six->sent(0)) {
        const Bytes packet = Bytes{f}.subspan(14);
        wire::Ip6Chain chain;
        if (f[12] != 0x86 || wire::walk_extensions(packet, {}, chain)) continue;
        if (chain.fragmented) {
          got[chain.fragment.offset] = copy(packet.subspan(48));
          continue;
        }
        if (packet[chain.upper_at] != 135) continue;
        Octets na(72);
        Ip6::emit(na.data(),
                  {.payload_length = 32, .next_header = 58, .hop_limit = 255, .src = peer6, .dst = us6});
        na[40] = 136;
        na[44] = 0x60;
        std::copy(peer6.b.begin(), peer6.b.end(), na.begin() + 48);
        na[64] = 2, na[65] = 1;
        std::copy(peer_mac.b.begin(), peer_mac.b.end(), na.begin() + 66);
        store_be<uint16_t>(na.data() + 42,
                           wire::pseudo_header(peer6, us6, 58, 32).add(Bytes{na}.subspan(40)).checksum());
        six->port(0).arrive(frame(na, wire::EtherType::Ip6));
      }
    };
    collect();
    six->turn(now);
    collect();
    Octets all;
    for (auto& [at, b] : got) all = join(std::move(all), b);
    ASSERT_EQ(all.size(), message.size()) << int{proto};
    EXPECT_EQ(Octets(all.begin() + 8, all.end()), Octets(message.begin() + 8, message.end()));
    EXPECT_EQ(wire::pseudo_header(us6, peer6, proto, static_cast<uint32_t>(all.size())).add(all).folded(),
              0xffff);
  }
  EXPECT_EQ(six->count[Counter::ip_reassembled], 2u);
  six.reset();
}

}  // namespace
}  // namespace sluice::test
