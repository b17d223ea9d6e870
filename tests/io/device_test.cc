// SPDX-License-Identifier: Apache-2.0
#include "io/device.h"

#include <gtest/gtest.h>

#include <sstream>

#include "io/frames.h"

namespace sluice::io {
namespace {

TEST(device, arguments_name_the_driver_the_port_and_the_target) {
  struct Case {
    DeviceOptions device;
    const char* arguments;
  };
  const Case cases[] = {
      {{DeviceKind::tap, "sluice-lan", ""}, "net_tap_lan,iface=sluice-lan"},
      {{DeviceKind::af_packet, "veth0", ""},
       "net_af_packet_lan,iface=veth0,blocksz=65536,framesz=2048,framecnt=2048,qpairs=1"},
      {{DeviceKind::af_xdp, "eth1", "start_queue=1"},
       "net_af_xdp_lan,iface=eth1,queue_count=2,start_queue=1"},
      {{DeviceKind::virtio_user, "run/v.sock", ""}, "net_virtio_user_lan,path=run/v.sock,queues=2"},
      {{DeviceKind::vhost_user, "run/v.sock", ""}, "net_vhost_lan,iface=run/v.sock,queues=2"},
      {{DeviceKind::memif, "run/m.sock", "role=server"},
       "net_memif_lan,socket=run/m.sock,socket-abstract=no,role=server"},
      {{DeviceKind::pcap, "in.pcap", ""}, "net_pcap_lan,rx_pcap=in.pcap"},
      {{DeviceKind::null, "0", ""}, "net_null_lan,no-rx=1"},
      {{DeviceKind::null, "8", ""}, "net_null_lan"},
      {{DeviceKind::pci, "0000:3b:00.0", ""}, "0000:3b:00.0"},
      {{DeviceKind::raw, "net_ring0", "x=1"}, "net_ring0,x=1"},
  };
  for (const Case& c : cases) {
    DeviceRequest r;
    r.name = "lan";
    r.device = c.device;
    r.queues = 2;
    EXPECT_EQ(device_arguments(r), c.arguments);
  }
  DeviceRequest host;
  host.name = "lan";
  host.device = {DeviceKind::vhost_user, "run/v.sock", ""};
  host.forwards = false;
  EXPECT_EQ(device_arguments(host), "net_vhost_lan,iface=run/v.sock,queues=1,tso=1");
  host.offloads = false;
  EXPECT_EQ(device_arguments(host), "net_vhost_lan,iface=run/v.sock,queues=1") << "behind a bad line";
}

TEST(device, errors_say_what_to_type) {
  test::start_eal();
  struct Case {
    DeviceOptions device;
    const char* said;
  };
  const Case cases[] = {
      {{DeviceKind::af_packet, "no-such-if", ""}, "there is no interface no-such-if: type  ip link"},
      {{DeviceKind::pci, "0000:ff:1f.7", ""}, "there is no PCI device 0000:ff:1f.7: type  dpdk-devbind.py"},
      {{DeviceKind::raw, "net_nosuchdriver0", ""}, "DPDK cannot open net_nosuchdriver0"},
      {{DeviceKind::pcap, "no/such/file.pcap", ""}, "no/such/file.pcap"},
  };
  for (const Case& c : cases) {
    DeviceRequest r;
    r.name = "wan";
    r.device = c.device;
    const Device d{r, test::packet_pool()};
    EXPECT_FALSE(d.ok());
    EXPECT_TRUE(d.error().starts_with("wan: ")) << d.error();
    EXPECT_NE(d.error().find(c.said), std::string::npos) << d.error();
  }
}

TEST(device, a_name_is_taken_once_and_free_again_after_closing) {
  test::start_eal();
  DeviceRequest r;
  r.name = "twice";
  {
    const Device first{r, test::packet_pool()};
    ASSERT_TRUE(first.ok()) << first.error();
    const Device second{r, test::packet_pool()};
    EXPECT_FALSE(second.ok());
    EXPECT_TRUE(first.link_up());
  }
  const Device third{r, test::packet_pool()};
  EXPECT_TRUE(third.ok()) << third.error();
}

TEST(device, has_as_many_queues_as_it_can_and_at_most_those_asked_for) {
  test::start_eal();
  DeviceRequest r;
  r.name = "many";
  r.queues = 3;
  const Device d{r, test::packet_pool()};
  ASSERT_TRUE(d.ok()) << d.error();
  EXPECT_EQ(d.info().rx_queues, 3u);
  EXPECT_EQ(d.info().driver, "net_null");
  DeviceRequest cap;
  cap.name = "one";
  cap.device = {DeviceKind::raw, "net_ring_one", ""};
  cap.queues = 1;
  const Device one{cap, test::packet_pool()};
  ASSERT_TRUE(one.ok()) << one.error();
  EXPECT_EQ(one.info().rx_queues, 1u);
  EXPECT_FALSE(one.caps().mac.is_zero()) << "a driver without an address gets one";
  EXPECT_FALSE(one.caps().mac.is_group());
}

TEST(device, the_table_is_aligned) {
  DeviceInfo a;
  a.name = "lan";
  a.driver = "net_tap";
  a.mtu = 1500;
  a.link = "up 10000 Mb/s";
  a.rx_queues = a.tx_queues = 1;
  a.rx_interrupt = true;
  DeviceInfo b = a;
  b.name = "a-longer-name";
  b.driver = "net_i40e";
  b.tso = b.rss = true;
  b.numa = 0;
  const DeviceInfo both[] = {a, b};
  std::ostringstream out;
  print_table(out, both);
  std::vector<std::string> lines;
  std::string line;
  for (std::istringstream in{out.str()}; std::getline(in, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 3u);
  for (const char* column : {"driver", "mac", "rss", "tso"}) {
    const size_t at = lines[0].find(column);
    ASSERT_NE(at, std::string::npos);
    for (const std::string& l : lines) {
      EXPECT_EQ(l[at - 1], ' ');
      EXPECT_NE(l[at], ' ');
    }
  }
  EXPECT_NE(lines[2].find("net_i40e"), std::string::npos);
}

}  // namespace
}  // namespace sluice::io
