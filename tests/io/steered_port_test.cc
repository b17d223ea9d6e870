// SPDX-License-Identifier: Apache-2.0
#include "io/steered_port.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <optional>

#include "base/rng.h"
#include "io/frames.h"

namespace sluice::io {
namespace {

using buf::Batch;
using buf::Packet;

constexpr Ip4Addr us = Ip4Addr::of(198, 18, 0, 1), peer = Ip4Addr::of(198, 18, 0, 2);
constexpr RssKey key{0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
                     0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
                     0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

// A device with `queues` queues under `workers` workers, all turned by hand on one thread.
class Steered : public testing::Test {
 protected:
  Steered() { free_ = test::packet_pool().packets_free(); }
  ~Steered() override {
    got_.clear();
    ports_.clear();
    for (auto& q : queue_) q.sent.clear(), q.arriving.clear();
    exchange_.reset();
    EXPECT_EQ(test::packet_pool().packets_free(), free_) << "every packet went back to the pool";
  }

  void build(size_t workers, size_t queues, uint32_t room = 256, bool device_steers = false) {
    steering_.emplace(key, workers);
    exchange_.emplace(uint16_t{1}, workers, queues, room);
    ASSERT_TRUE(exchange_->ok()) << exchange_->error();
    for (size_t w = 0; w < workers; ++w) wakers_[w] = &waker_[w];
    for (size_t w = 0; w < workers; ++w)
      ports_.push_back(std::make_unique<SteeredPort>(SteeredPort::Parts{
          .worker = w,
          .queue = w < queues ? &queue_[w] : nullptr,
          .device_steers = device_steers,
          .exchange = *exchange_,
          .steering = *steering_,
          .wakers = wakers_,
          .pool = test::packet_pool(),
          .count = count_[w],
      }));
    got_.resize(workers);
  }
  void turn(size_t worker) {
    Batch in;
    ports_[worker]->rx(in);
    for (Packet& p : in) got_[worker].push_back(std::move(p));
  }
  void turn_all(int times = 8) {
    for (int i = 0; i < times; ++i)
      for (size_t w = 0; w < ports_.size(); ++w) turn(w);
  }
  static Packet flow_packet(uint16_t port, uint8_t number) {
    return test::packet_of(test::udp_frame(peer, us, port, 53, {number}));
  }

  test::FakePort queue_[4];
  Waker waker_[4];
  std::array<Waker*, 4> wakers_{};
  Counters count_[4];
  std::optional<Steering> steering_;
  std::optional<Exchange> exchange_;
  std::vector<std::unique_ptr<SteeredPort>> ports_;
  std::vector<std::vector<Packet>> got_;
  uint32_t free_;
};

TEST_F(Steered, what_is_moved_for_another_worker_is_work_too) {
  build(2, 1);
  // A port whose flow the worker with the queue does not own.
  uint16_t port = 1000;
  while (steering_->owner(test::udp_frame(peer, us, port, 53, {0})) != 1) ++port;
  for (uint8_t i = 0; i < 100; ++i) queue_[0].arriving.push_back(flow_packet(port, i));
  turn(0);
  EXPECT_TRUE(got_[0].empty());
  EXPECT_EQ(ports_[0]->take_moved(), 64u) << "and 36 wait in the queue";
  turn(0);
  EXPECT_EQ(ports_[0]->take_moved(), 36u);
  turn(0);
  EXPECT_EQ(ports_[0]->take_moved(), 0u);

  for (int burst = 0; burst < 2; ++burst) {
    Batch out;
    for (uint8_t i = 0; i < 50; ++i) out.push(flow_packet(port, i));
    ports_[1]->tx(out);
  }
  EXPECT_EQ(ports_[1]->take_moved(), 0u) << "its own packets are counted by who made them";
  turn(0);
  EXPECT_EQ(ports_[0]->take_moved(), 64u) << "and 36 wait in the ring";
  turn(0);
  EXPECT_EQ(ports_[0]->take_moved(), 36u);
}

TEST_F(Steered, one_queue_feeds_two_workers_each_with_its_own_flows_in_order) {
  build(2, 1);
  Rng rng{3};
  std::map<uint16_t, uint8_t> next;
  for (int i = 0; i < 500; ++i) {
    const auto port = static_cast<uint16_t>(1000 + rng.below(20));
    queue_[0].arriving.push_back(flow_packet(port, next[port]++));
    if (i % 50 == 0) turn_all(1);
  }
  turn_all();
  size_t total = 0;
  for (size_t w = 0; w < 2; ++w) {
    std::map<uint16_t, uint8_t> expected;
    EXPECT_GT(got_[w].size(), 100u) << "both workers are busy";
    for (const Packet& p : got_[w]) {
      EXPECT_EQ(steering_->owner(p.bytes()), w);
      const uint16_t port = load_be<uint16_t>(p.data() + 34);
      EXPECT_EQ(p.data()[42], expected[port]++) << "flow " << port << " keeps its order";
    }
    total += got_[w].size();
  }
  EXPECT_EQ(total, 500u);
  EXPECT_EQ(count_[0][Counter::io_handed_over], got_[1].size());
}

TEST_F(Steered, what_learns_its_flow_late_is_passed_on_to_its_owner) {
  build(3, 1);
  for (uint16_t port = 1000; port < 1040; ++port) {
    const auto whole = test::udp_frame(peer, us, port, 53, {1});
    const size_t owner = steering_->owner(whole);
    // A datagram put together, and a fragment that knows its ports, at each worker, those without a queue
    // too.
    for (size_t w = 0; w < 3; ++w)
      for (const bool fragment : {false, true}) {
        Packet p = test::packet_of(fragment ? test::frame(test::mac_b, test::mac_a, wire::EtherType::Ip4,
                                                          test::ip4(peer, us, 17, {1}, 0x2005))
                                            : whole);
        p.headers(14, 0, 0);
        if (fragment) p.flow_ports(uint32_t{port} << 16 | 53);
        EXPECT_EQ(ports_[w]->pass_on(p), owner != w);
        EXPECT_EQ(static_cast<bool>(p), owner == w) << "what is ours stays here";
        turn_all(1);
        if (owner == w) continue;
        ASSERT_EQ(got_[owner].size(), 1u);
        EXPECT_EQ(got_[owner][0].knows_flow(), fragment);
        EXPECT_TRUE(!fragment || got_[owner][0].flow_ports() == (uint32_t{port} << 16 | 53));
        got_[owner].clear();
      }
  }
}

TEST_F(Steered, a_full_ring_drops_and_counts_and_waits_for_nobody) {
  build(2, 1, 16);
  uint16_t theirs = 1000;
  while (steering_->owner(flow_packet(theirs, 0).bytes()) != 1) ++theirs;
  for (uint8_t i = 0; i < 40; ++i) queue_[0].arriving.push_back(flow_packet(theirs, i));
  turn(0);
  EXPECT_EQ(count_[0][Counter::io_handed_over], 16u);
  EXPECT_EQ(count_[0][Counter::io_ring_full], 24u);
  turn(1);
  ASSERT_EQ(got_[1].size(), 16u);
  for (uint8_t i = 0; i < 16; ++i) EXPECT_EQ(got_[1][i].data()[42], i) << "the oldest are kept";
}

TEST_F(Steered, a_saturated_queue_does_not_starve_the_rings) {
  build(2, 2);
  uint16_t first = 1000, second = 1000;
  while (steering_->owner(flow_packet(first, 0).bytes()) != 0) ++first;
  while (steering_->owner(flow_packet(second, 0).bytes()) != 1) ++second;
  for (int i = 0; i < 640; ++i) queue_[1].arriving.push_back(flow_packet(second, 0));
  for (uint8_t i = 0; i < 10; ++i) queue_[0].arriving.push_back(flow_packet(second, i));
  turn(0);
  turn(1);
  turn(1);
  size_t handed = 0;
  for (const Packet& p : got_[1]) handed += p.data()[42] != 0;
  EXPECT_EQ(handed, 9u) << "all but the one numbered 0";
}

TEST_F(Steered, a_full_ring_does_not_starve_the_others) {
  build(3, 2, 256);
  uint16_t port = 1000;
  while (steering_->owner(test::udp_frame(peer, us, port, 53, {0})) != 2) ++port;
  for (int i = 0; i < 64; ++i) queue_[1].arriving.push_back(flow_packet(port, 1));
  turn(1);
  for (int t = 0; t < 4; ++t) {  // the first worker's ring is never empty
    for (int i = 0; i < 128; ++i) queue_[0].arriving.push_back(flow_packet(port, 0));
    turn(0), turn(0);
    turn(2);
  }
  std::map<uint8_t, size_t> from;
  for (const Packet& p : got_[2]) ++from[p.data()[42]];
  EXPECT_EQ(from[1], 64u);
  EXPECT_GE(from[0], 128u);
}

TEST_F(Steered, a_worker_without_a_queue_sends_through_one_that_has) {
  build(3, 2);
  Batch out;
  for (uint8_t i = 0; i < 20; ++i) out.push(flow_packet(7, i));
  ports_[2]->tx(out);
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(count_[2][Counter::io_sent_by_other], 20u);
  EXPECT_TRUE(queue_[0].sent.empty());
  turn(0);
  ASSERT_EQ(queue_[0].sent.size(), 20u);
  for (uint8_t i = 0; i < 20; ++i) EXPECT_EQ(queue_[0].sent[i].data()[42], i);
  EXPECT_TRUE(queue_[1].sent.empty());
}

TEST_F(Steered, a_full_sending_ring_drops_and_counts) {
  build(2, 1, 8);
  Batch out;
  for (uint8_t i = 0; i < 20; ++i) out.push(flow_packet(7, i));
  ports_[1]->tx(out);
  EXPECT_EQ(count_[1][Counter::io_sent_by_other], 8u);
  EXPECT_EQ(count_[1][Counter::io_tx_ring_full], 12u);
}

TEST_F(Steered, slices_of_chunks_never_cross_to_another_worker) {
  build(2, 1);
  buf::ChunkPool chunks{1};
  buf::Chunk* c = chunks.alloc();
  for (uint32_t i = 0; i < c->size; ++i) c->data[i] = static_cast<uint8_t>(i * 7);
  {
    Batch out;
    Packet p = test::packet_of(std::vector<uint8_t>(54, 0x33));
    p.headers(14, 20, 20);
    buf::Slice part{*c, 5, 1400};
    ASSERT_TRUE(test::packet_pool().attach(p, part));
    const auto was = test::bytes_of(p);
    out.push(std::move(p));
    ports_[1]->tx(out);
    EXPECT_EQ(chunks.free(), 1u) << "the chunk came back before the other worker saw anything";
    turn(0);
    ASSERT_EQ(queue_[0].sent.size(), 1u);
    EXPECT_EQ(test::bytes_of(queue_[0].sent[0]), was);
    EXPECT_EQ(queue_[0].sent[0].l3_len(), 20u);
    for (const rte_mbuf* m = queue_[0].sent[0].raw(); m != nullptr; m = m->next)
      EXPECT_TRUE(RTE_MBUF_DIRECT(m));
  }
  EXPECT_EQ(count_[1][Counter::io_flattened], 1u);
}

// A packet as a device that hashes would deliver it.
Packet hashed(Packet p, uint32_t hash) {
  p.raw()->hash.rss = hash;
  p.raw()->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
  return p;
}

TEST_F(Steered, a_device_whose_hashes_agree_is_trusted_after_the_test) {
  build(2, 2, 1024, true);
  EXPECT_EQ(ports_[0]->trust(), SteeredPort::Trust::Testing);
  for (uint16_t i = 0; i < 300; ++i) {
    Packet p = flow_packet(i, 0);
    const uint32_t h = steering_->hash(p.bytes()).value;
    queue_[0].arriving.push_back(hashed(std::move(p), h));
  }
  turn_all(20);
  EXPECT_EQ(ports_[0]->trust(), SteeredPort::Trust::Device);
  // From now on the device's word counts: the same flow follows the hash it is given.
  got_[0].clear(), got_[1].clear();
  queue_[0].arriving.push_back(hashed(flow_packet(1, 0), 0));
  queue_[0].arriving.push_back(hashed(flow_packet(1, 0), 1));
  turn_all(2);
  EXPECT_EQ(got_[0].size(), 1u);
  EXPECT_EQ(got_[1].size(), 1u);
  EXPECT_EQ(count_[0][Counter::io_rss_mismatch], 0u);
}

TEST_F(Steered, one_hash_that_differs_ends_the_trust_and_is_counted_once) {
  build(2, 2, 1024, true);
  for (uint16_t i = 0; i < 300; ++i) queue_[0].arriving.push_back(hashed(flow_packet(i, 0), 12345));
  turn_all(20);
  EXPECT_EQ(ports_[0]->trust(), SteeredPort::Trust::Software);
  EXPECT_EQ(count_[0][Counter::io_rss_mismatch], 1u);
  for (size_t w = 0; w < 2; ++w)
    for (const Packet& p : got_[w]) EXPECT_EQ(steering_->owner(p.bytes()), w);
  EXPECT_EQ(got_[0].size() + got_[1].size(), 300u);
}

// virtio steers and tells no hash: what there is to compare is the queue.
TEST_F(Steered, a_device_without_hashes_is_proven_by_the_queues_its_flows_come_by) {
  build(2, 2, 1024, true);
  for (uint16_t i = 0; i < 300; ++i) {
    Packet p = flow_packet(i, 0);
    queue_[steering_->owner(p.bytes())].arriving.push_back(std::move(p));
  }
  turn_all(20);
  for (size_t w = 0; w < 2; ++w) {
    EXPECT_EQ(ports_[w]->trust(), SteeredPort::Trust::Queue);
    EXPECT_EQ(count_[w][Counter::io_rss_mismatch], 0u);
    EXPECT_EQ(count_[w][Counter::io_handed_over], 0u);
  }
  EXPECT_EQ(got_[0].size() + got_[1].size(), 300u);
}

TEST_F(Steered, few_flows_prove_no_queue_however_many_packets_they_have) {
  build(2, 2, 1024, true);
  for (int i = 0; i < 600; ++i) {
    Packet p = flow_packet(static_cast<uint16_t>(i % 3), 0);
    queue_[steering_->owner(p.bytes())].arriving.push_back(std::move(p));
  }
  turn_all(20);
  for (size_t w = 0; w < 2; ++w) EXPECT_EQ(ports_[w]->trust(), SteeredPort::Trust::Testing);
}

TEST_F(Steered, one_flow_at_another_workers_queue_ends_the_trust_and_still_finds_its_owner) {
  build(2, 2, 1024, true);
  Packet astray = flow_packet(7, 0);
  const size_t owner = steering_->owner(astray.bytes());
  queue_[1 - owner].arriving.push_back(std::move(astray));
  turn_all(2);
  EXPECT_EQ(ports_[1 - owner]->trust(), SteeredPort::Trust::Software);
  EXPECT_EQ(count_[1 - owner][Counter::io_rss_mismatch], 1u);
  EXPECT_EQ(got_[owner].size(), 1u);
}

TEST_F(Steered, workers_without_a_queue_do_not_spoil_the_proof) {
  build(4, 2, 1024, true);
  for (uint16_t i = 0; i < 600; ++i) {
    Packet p = flow_packet(i, 0);
    const size_t q = owner_of_hash(steering_->hash(p.bytes()).value, 2);
    queue_[q].arriving.push_back(std::move(p));
  }
  turn_all(40);
  for (size_t w = 0; w < 2; ++w) EXPECT_EQ(ports_[w]->trust(), SteeredPort::Trust::Queue);
}

}  // namespace
}  // namespace sluice::io
