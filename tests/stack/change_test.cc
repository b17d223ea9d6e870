// SPDX-License-Identifier: Apache-2.0
// A whole stack whose ports and addresses change while it runs.
#include "ip6.h"
#include "support/tags.h"

namespace sluice::test {
namespace {

constexpr Ip6Addr office6 = Ip6Addr::of(0x2001, 2, 0, 0x100, 0, 0, 0, 1);
constexpr uint16_t dot1q = 0x8100;

// Port 0 is a trunk from the first change on, and port 2 its VLAN 100.
class Changing : public Stack6 {
 protected:
  Changing() {
    start();
    trunk.emplace(worker->port(0), worker->count);
    office.emplace(link::Tags{.vlan = 100}, false, worker->count);
    change.wiring = {.ports = {&*trunk, &worker->port(1)}, .trunks = {{&*trunk, {}}}};
    for (buf::Interface& i : change.interfaces) i.caps.tx_multi_segment = true;
  }
  void changes() {
    worker->stack().change(change, now);
    worker->turn(now);
  }
  void office_comes() {
    change.wiring.ports.push_back(&*office);
    change.wiring.trunks[0].ports = {&*office};
    change.interfaces.push_back({{.mac = our_mac}, {{office6, 64}}});
    change.interfaces[2].ip6 = true;
    change.advertise[2] = {.enabled = true, .head = {.lifetime = 1800}};
    changes();
    worker->run(now, 5_s);
  }
  // The lifetimes of the router advertisements that left with the VLAN's tag.
  std::vector<uint16_t> advertised() {
    std::vector<uint16_t> lifetimes;
    for (const Octets& f : worker->port(0).take_sent()) {
      if (load_be<uint16_t>(f.data() + 12) != dot1q || load_be<uint16_t>(f.data() + 14) != 100) continue;
      const Octets plain = without_tags(f, 1);
      if (is_icmp6(plain, Icmp6Type::RouterAdvertisement))
        lifetimes.push_back(load_be<uint16_t>(upper(plain).data() + 6));
    }
    return lifetimes;
  }

  std::optional<link::Trunk> trunk;
  std::optional<link::SubPort> office;
  StackChange change{{}, ports(), std::vector<link::Advertise>(3), serve::DnsService{{example_zones()}}};
};

TEST_F(Changing, a_vlan_that_goes_says_to_its_hosts_that_we_are_no_router_there_any_more) {
  office_comes();
  EXPECT_EQ(advertised(), std::vector<uint16_t>{1800});
  change.interfaces[2] = {{.mac = our_mac}, {}};
  change.advertise[2] = {};
  change.wiring.trunks[0].ports.clear();
  changes();
  EXPECT_EQ(advertised(), std::vector<uint16_t>{0});
  EXPECT_EQ(counted(Counter::link_vlan), 0u) << "nothing was sent by a port that is nobody's";
}

// What a peer is told comes from the address it speaks to, or does not come.
TEST_F(Changing, a_connection_to_an_address_that_is_gone_sends_from_no_other) {
  const auto syn4 =
      tcp4({.src = {1'000}, .dst = {80}, .seq = {100}, .flags = wire::tcp_flag::syn, .window = {60'000}});
  const auto syn6 = frame6(tcp6(
      {}, {.src = {1'000}, .dst = {80}, .seq = {100}, .flags = wire::tcp_flag::syn, .window = {60'000}}));
  gets(arp_from(peer_mac, peer, us));
  gets(syn4);
  gets(syn6);
  EXPECT_EQ(worker->connections(), 2u);
  sent(0);
  change.interfaces[0].addresses = {{Ip4Addr::of(198, 18, 0, 2), 24},
                                    {Ip6Addr::of(0x2001, 2, 0, 1, 0, 0, 0, 2), 64}};
  changes();
  worker->run(now, 2_s);  // SYN-ACKs are due again
  for (const Octets& f : worker->port(0).take_sent()) {
    const auto type = wire::Ethernet::parse(f)->type();
    EXPECT_FALSE(type == wire::EtherType::Ip4 && ip_of(f).proto() == 6) << "from a foreign address";
    EXPECT_FALSE(type == wire::EtherType::Ip6 && ip6_of(f).next_header() == 6) << "from a foreign address";
  }
  EXPECT_GE(counted(Counter::ip_no_source), 2u);
}

// A port that carries less than it did: nobody sends an ICMP error about our own port.
TEST_F(Changing, a_connection_in_the_middle_of_a_page_goes_on_over_a_narrower_port) {
  using namespace wire::tcp_flag;
  constexpr uint16_t narrow = 400;  // less than what a SYN without an MSS allows us
  for (const bool six : {false, true}) {
    const auto segment = [&](const wire::Tcp::Value& v, std::string_view text = {}) {
      return six ? frame6(tcp6({}, v, text)) : tcp4(v, text);
    };
    wire::Tcp::Value v{.src = {static_cast<uint16_t>(six ? 2'000 : 1'000)},
                       .dst = {80},
                       .seq = {100},
                       .flags = syn,
                       .window = {65'535}};
    change.interfaces[0].caps.mtu = 1500;
    changes();
    if (!six) gets(arp_from(peer_mac, peer, us));
    sent(0);
    size_t longest = 0;
    std::string page;
    SeqNum expected{};
    // Takes what is in order; true when there was any of it.
    const auto hear = [&] {
      bool news = false;
      for (const Octets& f : worker->sent(0)) {
        const auto type = wire::Ethernet::parse(f)->type();
        if (type != (six ? wire::EtherType::Ip6 : wire::EtherType::Ip4)) continue;
        if (six && ip6_of(f).next_header() != 6) continue;
        const auto s = *wire::Tcp::parse(six ? upper(f) : ip_of(f).payload());
        longest = std::max(longest, f.size() - 14);
        if (s.flags() & syn) expected = s.seq() + 1, news = true;
        if (s.text().empty() || s.seq() != expected) continue;
        page += as_text(s.text());
        expected = expected + static_cast<uint32_t>(s.text().size());
        news = true;
      }
      return news;
    };
    gets(segment(v));
    ASSERT_TRUE(hear());
    v.seq = v.seq + 1, v.flags = ack | psh, v.ack = expected;
    constexpr std::string_view request = "GET /big HTTP/1.1\r\nHost: www.example.test\r\n\r\n";
    gets(segment(v, request));
    ASSERT_TRUE(hear());
    EXPECT_EQ(longest, six ? 596u : 576u);
    v.seq = v.seq + static_cast<uint32_t>(request.size()), v.flags = ack;
    const uint64_t too_big = counted(Counter::ip_too_big);
    change.interfaces[0].caps.mtu = narrow;
    changes();
    longest = 0;
    for (bool more = true; more;) {
      v.ack = expected;
      gets(segment(v));
      more = hear();
    }
    EXPECT_TRUE(page.ends_with(big_page())) << page.size();
    EXPECT_EQ(longest, narrow);
    EXPECT_EQ(counted(Counter::ip_too_big), too_big);
    v.flags = rst;
    gets(segment(v));
  }
}

}  // namespace
}  // namespace sluice::test
