// SPDX-License-Identifier: Apache-2.0
#include "io/queue_port.h"

#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include <cstdio>
#include <fstream>

#include "io/frames.h"

namespace sluice::io {
namespace {

using buf::Batch;
using buf::Packet;

// A device that receives what it sends.
DeviceRequest loopback() {
  DeviceRequest r;
  r.name = "loop";
  r.device = {DeviceKind::raw, "net_ring_loop", ""};
  return r;
}

std::vector<uint8_t> numbered(uint8_t n, size_t size = 64) {
  std::vector<uint8_t> b(size, 0x5a);
  b[0] = n;
  return b;
}

TEST(queue_port, carries_packets_out_and_in_with_the_stacks_number_on_them) {
  test::start_eal();
  const uint32_t free = test::packet_pool().packets_free();
  {
    Device device{loopback(), test::packet_pool()};
    ASSERT_TRUE(device.ok()) << device.error();
    Counters count;
    QueuePort port{device, 0, 7, count};
    Batch out;
    for (uint8_t i = 0; i < 64; ++i) out.push(test::packet_of(numbered(i)));
    port.tx(out);
    EXPECT_TRUE(out.empty());
    Batch in;
    port.rx(in);
    ASSERT_EQ(in.size(), 64u);
    for (uint8_t i = 0; i < 64; ++i) {
      EXPECT_EQ(test::bytes_of(in[i]), numbered(i));
      EXPECT_EQ(in[i].ingress(), 7u);
    }
    EXPECT_EQ(count[Counter::io_tx_packets], 64u);
    EXPECT_EQ(count[Counter::io_tx_octets], 64u * 64);
    EXPECT_EQ(count[Counter::io_rx_packets], 64u);
    EXPECT_EQ(count[Counter::io_rx_octets], 64u * 64);
  }
  EXPECT_EQ(test::packet_pool().packets_free(), free);
}

TEST(queue_port, what_a_full_device_does_not_take_is_dropped_and_counted) {
  test::start_eal();
  const uint32_t free = test::packet_pool().packets_free();
  {
    Device device{loopback(), test::packet_pool()};
    ASSERT_TRUE(device.ok()) << device.error();
    Counters count;
    QueuePort port{device, 0, 0, count};
    uint64_t offered = 0;
    for (int burst = 0; burst < 20; ++burst) {
      Batch out;
      for (uint8_t i = 0; i < 64; ++i, ++offered) out.push(test::packet_of(numbered(i)));
      port.tx(out);
    }
    EXPECT_GT(count[Counter::io_tx_full], 0u);
    EXPECT_EQ(count[Counter::io_tx_full] + count[Counter::io_tx_packets], offered);
    EXPECT_EQ(count[Counter::io_tx_octets], count[Counter::io_tx_packets] * 64);
    uint64_t received = 0;
    for (int i = 0; i < 40; ++i) {
      Batch in;
      port.rx(in);
      received += in.size();
    }
    EXPECT_EQ(received, count[Counter::io_tx_packets]);
  }
  EXPECT_EQ(test::packet_pool().packets_free(), free);
}

TEST(queue_port, a_frame_longer_than_the_mtu_dies_alone) {
  test::start_eal();
  Device device{loopback(), test::packet_pool()};
  ASSERT_TRUE(device.ok()) << device.error();
  Counters count;
  QueuePort port{device, 0, 0, count};
  Batch out;
  out.push(test::packet_of(numbered(1, 1514)));
  out.push(test::packet_of(numbered(2, 1523)));
  out.push(test::packet_of(numbered(3)));
  port.tx(out);
  EXPECT_EQ(count[Counter::io_tx_oversize], 1u);
  EXPECT_EQ(count[Counter::io_tx_packets], 2u);
  Batch in;
  port.rx(in);
  ASSERT_EQ(in.size(), 2u);
  EXPECT_EQ(in[1].data()[0], 3u);
}

TEST(queue_port, the_null_device_swallows_and_makes_as_many_as_was_said) {
  test::start_eal();
  DeviceRequest r;
  r.name = "nul";
  r.device = {DeviceKind::null, "5", ""};
  Device device{r, test::packet_pool()};
  ASSERT_TRUE(device.ok()) << device.error();
  Counters count;
  QueuePort port{device, 0, 0, count};
  Batch in;
  port.rx(in);
  EXPECT_EQ(in.size(), 5u);
}

TEST(queue_port, plays_a_capture_file) {
  test::start_eal();
  const std::string path = testing::TempDir() + "sluice_queue_port_test.pcap";
  const auto f = numbered(9, 77);
  {
    // The classic file format: a header, then per packet seconds, microseconds, and the length twice.
    std::ofstream file{path, std::ios::binary};
    const uint32_t header[] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};
    const uint32_t packet[] = {1, 2, 77, 77};
    file.write(reinterpret_cast<const char*>(header), sizeof header);
    file.write(reinterpret_cast<const char*>(packet), sizeof packet);
    file.write(reinterpret_cast<const char*>(f.data()), static_cast<std::streamsize>(f.size()));
  }
  DeviceRequest r;
  r.name = "cap";
  r.device = {DeviceKind::pcap, path, ""};
  {
    Device device{r, test::packet_pool()};
    ASSERT_TRUE(device.ok()) << device.error();
    Counters count;
    QueuePort port{device, 0, 0, count};
    Batch in;
    port.rx(in);
    ASSERT_EQ(in.size(), 1u);
    EXPECT_EQ(test::bytes_of(in[0]), f);
    EXPECT_FALSE(device.statistics().empty());
  }
  std::remove(path.c_str());
}

}  // namespace
}  // namespace sluice::io
