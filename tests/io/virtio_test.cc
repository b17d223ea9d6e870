// SPDX-License-Identifier: Apache-2.0
// The two ends of virtio in one process: what one leaves to the other, and what of it arrives.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>

#include "buf/sum.h"
#include "io/device.h"
#include "io/frames.h"
#include "io/queue_port.h"
#include "wire/ip4.h"
#include "wire/tcp.h"

namespace sluice::io {
namespace {

using buf::Batch;
using buf::Packet;
using buf::RxChecksum;

const Ip4Addr here = Ip4Addr::of(198, 18, 0, 1), there = Ip4Addr::of(198, 18, 0, 2);

class VirtioPair : public testing::Test {
 public:
  struct Ends {
    bool guest_forwards = false, host_forwards = false, guest_offloads = true;
  };
  void open(Ends e) {
    test::start_eal();
    free_ = test::packet_pool().packets_free();
    socket_ = std::filesystem::temp_directory_path() / ("sluice-virtio-" + std::to_string(getpid()));
    const auto end = [&](DeviceKind kind, const char* name, bool forwards, bool offloads) {
      DeviceRequest r;
      r.name = name;
      r.device = {kind, socket_.string(), ""};
      r.interrupts = false;
      r.forwards = forwards;
      r.offloads = offloads;
      return std::make_unique<Device>(r, test::packet_pool());
    };
    host_ = end(DeviceKind::vhost_user, "host", e.host_forwards, true);
    ASSERT_TRUE(host_->ok()) << host_->error();
    guest_ = end(DeviceKind::virtio_user, "guest", e.guest_forwards, e.guest_offloads);
    ASSERT_TRUE(guest_->ok()) << guest_->error();
    host_port_.emplace(*host_, 0, 0, count);
    guest_port_.emplace(*guest_, 0, 0, count);
    for (int i = 0; i < 1000 && !host_->link_up(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ASSERT_TRUE(host_->link_up());
  }
  void TearDown() override {
    host_port_.reset();
    guest_port_.reset();
    guest_.reset();
    host_.reset();
    std::filesystem::remove(socket_);
  }
  // A frame with `text` octets of TCP text, its headers and pseudo-header sum as the stack makes them;
  // `mss`: to be cut, 0: only to be summed.
  static Packet segment(uint32_t text, uint16_t mss) {
    Packet p = test::packet_pool().alloc();
    uint8_t* b = p.append(14 + 20 + 20);
    wire::Ethernet::emit(b, test::mac_b, test::mac_a, wire::EtherType::Ip4);
    wire::Ip4::emit(
        b + 14, {.total_length = static_cast<uint16_t>(40 + text), .proto = 6, .src = here, .dst = there});
    wire::Tcp::emit(b + 34, {.src = {80}, .dst = {1000}, .flags = wire::tcp_flag::ack});
    for (uint32_t at = 0; at < text;) {
      Packet more = test::packet_pool().alloc();
      const auto n = static_cast<uint16_t>(std::min<size_t>(more.tailroom(), text - at));
      uint8_t* t = more.append(n);
      for (uint16_t i = 0; i < n; ++i) t[i] = octet(at + i);
      check(rte_pktmbuf_chain(p.raw(), more.release()) == 0, "a chain of a segment");
      at += n;
    }
    const auto pseudo = wire::pseudo_header(here, there, 6, mss != 0 ? 0 : 20 + text);
    store_be<uint16_t>(b + 34 + wire::Tcp::checksum_at, pseudo.folded());
    p.headers(14, 20, 20);
    mss != 0 ? p.offload_tcp_segmentation(mss) : p.offload_tcp_checksum();
    return p;
  }
  static uint8_t octet(uint32_t at) { return static_cast<uint8_t>(at * 2654435761u >> 24); }

  static Packet carry(QueuePort& from, QueuePort& to, Packet p) {
    Batch out, in;
    out.push(std::move(p));
    from.tx(out);
    for (int i = 0; i < 1000 && in.empty(); ++i) {
      to.rx(in);
      if (in.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return in.empty() ? Packet{} : std::move(in[0]);
  }
  static void expect_text(const Packet& p, uint32_t text) {
    ASSERT_EQ(p.size(), 54 + text);
    uint32_t at = 0, wrong = 0;
    p.for_each_segment([&](Bytes b) {
      for (const uint8_t o : b) {
        if (at >= 54 && o != octet(at - 54)) ++wrong;
        ++at;
      }
    });
    EXPECT_EQ(wrong, 0u);
    EXPECT_TRUE(wire::Ip4::parse_header(p.bytes().subspan(14))->good_checksum()) << "IPv4's own sum is ours";
  }
  static bool summed(const Packet& p) {
    const auto length = p.size() - 34;
    return buf::sum_of(p, wire::pseudo_header(here, there, 6, length), 34).folded() == 0xffff;
  }

  Counters count;
  std::unique_ptr<Device> host_, guest_;
  std::optional<QueuePort> host_port_, guest_port_;
  std::filesystem::path socket_;
  uint32_t free_ = 0;
};

TEST_F(VirtioPair, a_guest_that_ends_streams_is_given_every_offload_virtio_has) {
  open({});
  const auto& g = guest_->caps();
  EXPECT_TRUE(g.tx_l4_checksum && g.rx_l4_checksum && g.tcp_segmentation && g.tcp_segmentation6 &&
              g.tx_multi_segment);
  EXPECT_FALSE(g.tx_ip_checksum || g.rx_ip_checksum) << "virtio sums no IPv4 header";
  EXPECT_TRUE(guest_->info().lro);
  EXPECT_TRUE(host_->caps().rx_l4_checksum && host_->caps().tx_l4_checksum);
}

TEST_F(VirtioPair, a_router_gets_its_packets_whole) {
  open({.guest_forwards = true, .host_forwards = true});
  EXPECT_FALSE(guest_->info().lro || guest_->caps().rx_l4_checksum);
  EXPECT_TRUE(guest_->caps().tx_l4_checksum);
  EXPECT_FALSE(guest_->caps().tcp_segmentation) << "the host that forwards takes no uncut segments";
  const Packet p = carry(*host_port_, *guest_port_, segment(1000, 0));
  ASSERT_TRUE(p);
  EXPECT_TRUE(summed(p)) << "whoever does not take partial checksums gets whole ones";
  const Packet q = carry(*guest_port_, *host_port_, segment(1000, 0));
  ASSERT_TRUE(q);
  EXPECT_TRUE(summed(q));
}

TEST_F(VirtioPair, behind_a_bad_line_nothing_is_asked_for) {
  open({.guest_offloads = false});
  const auto& g = guest_->caps();
  EXPECT_FALSE(g.tx_l4_checksum || g.rx_l4_checksum || g.tcp_segmentation || guest_->info().lro);
}

TEST_F(VirtioPair, a_checksum_left_to_the_device_arrives_as_known_good) {
  open({});
  for (auto [from, to] : {std::pair{&*guest_port_, &*host_port_}, std::pair{&*host_port_, &*guest_port_}}) {
    const Packet p = carry(*from, *to, segment(1000, 0));
    ASSERT_TRUE(p);
    EXPECT_EQ(p.rx_l4_checksum(), RxChecksum::Good);
    EXPECT_EQ(p.rx_merged(), 0);
    expect_text(p, 1000);
  }
}

TEST_F(VirtioPair, a_segment_that_nobody_cut_arrives_in_one_and_says_of_what_size_it_would_have_been) {
  open({});
  const Packet p = carry(*guest_port_, *host_port_, segment(60'000, 1448));
  ASSERT_TRUE(p);
  EXPECT_EQ(p.rx_l4_checksum(), RxChecksum::Good);
  EXPECT_EQ(p.rx_merged(), 1448);
  expect_text(p, 60'000);
}

}  // namespace
}  // namespace sluice::io
