// SPDX-License-Identifier: Apache-2.0
// The room in virtual time: what it gets, what it sends.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "link/link.h"
#include "support/frames.h"

namespace sluice::link {

using test::mac;
using test::Octets;
using test::our_mac;
using test::peer;
using test::peer_mac;
using test::us;
using wire::Arp;
using wire::ArpOp;
using wire::Ethernet;
using wire::EtherType;

class LinkTest : public test::PacketTest {
 protected:
  explicit LinkTest(std::vector<buf::Interface> p) : ports{std::move(p)} {}
  void TearDown() override { room.reset(); }

  void gets(const Octets& frame, uint16_t port = 0) {
    buf::Batch b;
    b.push(test::packet_of(frame));
    room->input(port, b, in);
    EXPECT_TRUE(b.empty());
    room->arp(in.arp, now, tx);
    tx.flush();
  }
  void gets_arp(const Arp::Value& v, uint16_t port = 0) {
    gets(test::arp(v, v.op == ArpOp::Reply ? our_mac : Mac::broadcast()), port);
  }
  // Our own datagram to a neighbour.
  void outputs(std::string_view text, IpAddr next_hop = IpAddr{peer}, uint16_t port = 0) {
    buf::Egresses e;
    buf::Packet p = test::packet_of(as_bytes(text));
    p.headers(0, 20, 8);
    e.push(buf::Egress{std::move(p), port, next_hop});
    room->output(e, now, tx);
    EXPECT_TRUE(e.empty());
    tx.flush();
  }
  void passes(Duration d) {
    const Instant end = now + d;
    while (room->deadline() <= end) {
      now = std::max(now, room->deadline());
      room->expire(now, tx);
    }
    now = end;
    tx.flush();
  }

  Options options;
  std::vector<buf::Interface> ports;
  Counters count;
  Rng rng{1};
  Instant now{1'000'000'000};
  std::vector<Octets> sent;
  TxOut tx{ports.size(),
           [](void* self, uint16_t, buf::Batch& b) {
             for (const buf::Packet& p : b)
               static_cast<LinkTest*>(self)->sent.push_back(test::copy(p.bytes()));
             b.clear();
           },
           this};
  In in;
  std::unique_ptr<Link> room;
};

}  // namespace sluice::link
