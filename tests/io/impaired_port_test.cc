// SPDX-License-Identifier: Apache-2.0
#include "io/impaired_port.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "io/frames.h"

namespace sluice::io {
namespace {

using buf::Batch;
using buf::Packet;
using test::bytes_of;

Instant virtual_now;
Instant clock() { return virtual_now; }

// A packet that carries its number, `size` octets long.
Packet numbered(uint32_t n, size_t size = 64) {
  std::vector<uint8_t> b(size, 0xa5);
  store_be(b.data(), n);
  return test::packet_of(b);
}
uint32_t number(const Packet& p) { return load_be<uint32_t>(p.data()); }

class Impaired : public testing::Test {
 protected:
  Impaired() {
    virtual_now = {1'000'000'000};
    free_ = test::packet_pool().packets_free();
  }
  ~Impaired() override {
    port_.reset();
    under_.sent.clear();
    under_.arriving.clear();
    received_.clear();
    EXPECT_EQ(test::packet_pool().packets_free(), free_) << "every packet went back to the pool";
  }

  void line(const ImpairOptions& o) { port_.emplace(under_, o, clock, test::packet_pool(), count_); }
  void send(uint32_t first, uint32_t n, size_t size = 64) {
    for (uint32_t i = 0; i < n; ++i) {
      Batch b;
      b.push(numbered(first + i, size));
      port_->tx(b);
    }
  }
  // Polls as a worker would; nothing arrives, what is due leaves.
  void poll() {
    Batch in;
    port_->rx(in);
    for (Packet& p : in) received_.push_back(std::move(p));
  }
  void advance(Duration d) {
    virtual_now = virtual_now + d;
    poll();
  }
  std::vector<uint32_t> sent() const {
    std::vector<uint32_t> n;
    for (const Packet& p : under_.sent) n.push_back(number(p));
    return n;
  }

  test::FakePort under_;
  Counters count_;
  std::optional<ImpairedPort> port_;
  std::vector<Packet> received_;
  uint32_t free_;
};

TEST_F(Impaired, without_impairment_all_passes_at_once_and_in_order) {
  line({});
  send(0, 100);
  ASSERT_EQ(sent().size(), 100u);
  EXPECT_TRUE(std::ranges::is_sorted(sent()));
  for (uint32_t i = 0; i < 100; ++i) under_.arriving.push_back(numbered(i));
  poll();
  poll();
  ASSERT_EQ(received_.size(), 100u);
  for (uint32_t i = 0; i < 100; ++i) EXPECT_EQ(number(received_[i]), i);
}

TEST_F(Impaired, the_same_seed_loses_the_same_packets_and_about_the_asked_share) {
  std::vector<uint32_t> first;
  for (int run = 0; run < 2; ++run) {
    line({.loss = 0.1, .seed = 7});
    under_.sent.clear();
    send(0, 2000);
    if (run == 0) first = sent();
  }
  EXPECT_EQ(sent(), first);
  const uint64_t lost = 2000 - first.size();
  EXPECT_NEAR(static_cast<double>(lost), 200.0, 45.0);  // three standard deviations
  EXPECT_EQ(count_[Counter::io_impair_lost], 2 * lost);
  line({.loss = 0.1, .seed = 8});
  under_.sent.clear();
  send(0, 2000);
  EXPECT_NE(sent(), first);
}

TEST_F(Impaired, a_line_that_loses_all_loses_all_both_ways) {
  line({.loss = 1.0});
  send(0, 10);
  for (uint32_t i = 0; i < 10; ++i) under_.arriving.push_back(numbered(i));
  poll();
  EXPECT_TRUE(under_.sent.empty());
  EXPECT_TRUE(received_.empty());
  EXPECT_EQ(count_[Counter::io_impair_lost], 20u);
}

TEST_F(Impaired, delay_holds_to_the_nanosecond_and_keeps_the_order) {
  line({.delay = 10_ms});
  const Instant start = virtual_now;
  send(1, 3);
  EXPECT_EQ(port_->deadline(), start + 10_ms);
  advance(Duration{9'999'999});
  EXPECT_TRUE(sent().empty());
  advance(Duration{1});
  EXPECT_EQ(sent(), (std::vector<uint32_t>{1, 2, 3}));
  EXPECT_EQ(port_->deadline(), Instant::never());
}

TEST_F(Impaired, what_arrives_is_delayed_too) {
  line({.delay = 5_ms});
  under_.arriving.push_back(numbered(1));
  poll();
  EXPECT_TRUE(received_.empty());
  advance(5_ms);
  ASSERT_EQ(received_.size(), 1u);
}

TEST_F(Impaired, jitter_alone_spreads_but_never_reorders) {
  line({.jitter = 10_ms, .seed = 3});
  for (uint32_t i = 0; i < 200; ++i) {
    send(i, 1);
    advance(100_us);
  }
  advance(10_ms);
  const auto order = sent();
  ASSERT_EQ(order.size(), 200u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST_F(Impaired, a_chosen_packet_is_overtaken_and_none_is_lost) {
  line({.reorder = 0.2, .seed = 5});
  for (uint32_t i = 0; i < 200; ++i) {
    send(i, 1);
    advance(100_us);
  }
  advance(1_s);
  auto order = sent();
  ASSERT_EQ(order.size(), 200u);
  EXPECT_FALSE(std::ranges::is_sorted(order));
  EXPECT_GT(count_[Counter::io_impair_reordered], 20u);
  std::ranges::sort(order);
  for (uint32_t i = 0; i < 200; ++i) EXPECT_EQ(order[i], i);
}

TEST_F(Impaired, rate_spaces_packets_by_their_time_on_the_line) {
  line({.rate = 1'000'000});  // 125 octets take a millisecond
  send(0, 4, 125);
  advance(Duration{999'999});
  EXPECT_EQ(sent().size(), 0u);
  for (size_t n = 1; n <= 4; ++n) {
    advance(n == 1 ? Duration{1} : 1_ms);
    EXPECT_EQ(sent().size(), n);
  }
}

TEST_F(Impaired, a_full_line_loses_what_does_not_fit) {
  line({.rate = 1000, .queue = 10});
  send(0, 15);
  EXPECT_EQ(count_[Counter::io_impair_queue], 5u);
  advance(3600_s);
  ASSERT_EQ(sent().size(), 10u);
  EXPECT_EQ(sent().back(), 9u);
}

TEST_F(Impaired, a_duplicate_is_a_deep_copy_right_behind_its_original) {
  line({.duplicate = 1.0});
  send(1, 2, 300);
  ASSERT_EQ(sent(), (std::vector<uint32_t>{1, 1, 2, 2}));
  EXPECT_EQ(count_[Counter::io_impair_duplicated], 2u);
  EXPECT_EQ(bytes_of(under_.sent[0]), bytes_of(under_.sent[1]));
  EXPECT_NE(under_.sent[0].data(), under_.sent[1].data());
  under_.sent[0].data()[5] ^= 0xff;
  EXPECT_NE(bytes_of(under_.sent[0]), bytes_of(under_.sent[1]));
}

TEST_F(Impaired, corruption_flips_exactly_one_bit) {
  line({.corrupt = 1.0, .seed = 11});
  size_t places[64] = {};
  for (int run = 0; run < 200; ++run) {
    send(0, 1, 64);
    const auto was = bytes_of(numbered(0, 64)), is = bytes_of(under_.sent.back());
    int bits = 0;
    for (size_t i = 0; i < 64; ++i) {
      const int here = std::popcount(static_cast<unsigned>(was[i] ^ is[i]));
      bits += here;
      places[i] += static_cast<size_t>(here);
    }
    EXPECT_EQ(bits, 1);
  }
  EXPECT_GT(std::ranges::count_if(places, [](size_t n) { return n > 0; }), 40);
  EXPECT_EQ(count_[Counter::io_impair_corrupted], 200u);
}

TEST_F(Impaired, what_a_device_said_of_checksums_does_not_outlive_the_damage) {
  for (const double share : {0.0, 1.0}) {
    line({.corrupt = share});
    Packet p = numbered(1);
    p.raw()->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_NONE;
    under_.arriving.push_back(std::move(p));
    received_.clear();
    poll();
    ASSERT_EQ(received_.size(), 1u);
    const auto said = share == 0.0 ? buf::RxChecksum::Good : buf::RxChecksum::Unknown;
    EXPECT_EQ(received_[0].rx_ip_checksum(), said);
    EXPECT_EQ(received_[0].rx_l4_checksum(), said);
  }
}

TEST_F(Impaired, corruption_leaves_bytes_that_others_own_alone) {
  buf::ChunkPool chunks{1};
  buf::Chunk* c = chunks.alloc();
  std::fill_n(c->data, c->size, uint8_t{0x11});
  buf::Slice kept{*c, 0, 1000};
  line({.corrupt = 1.0});
  for (int i = 0; i < 50; ++i) {
    Packet p = test::packet_of(std::vector<uint8_t>(14, 0x22));
    buf::Slice part = kept.clone(0, 1000);
    ASSERT_TRUE(test::packet_pool().attach(p, part));
    Batch b;
    b.push(std::move(p));
    port_->tx(b);
    ASSERT_EQ(under_.sent.back().size(), 1014u);
  }
  EXPECT_TRUE(std::ranges::all_of(kept.bytes(), [](uint8_t x) { return x == 0x11; }));
  under_.sent.clear();
}

}  // namespace
}  // namespace sluice::io
