// SPDX-License-Identifier: Apache-2.0
// A DPDK device: made from what the user said, configured with what it really can do, started. Its queues are
// QueuePorts. Control thread only, but for what the caller hands to workers.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "buf/pool.h"
#include "buf/port.h"
#include "io/options.h"
#include "wire/tuple.h"

struct rte_eth_conf;
struct rte_eth_dev_info;

namespace sluice::io {

// A port as wanted.
struct DeviceRequest {
  std::string name;  // of the port: letters, digits, '_' and '-'; unique
  DeviceOptions device;
  Mac mac;                                                // zero: the device's own
  uint16_t mtu = 1500;                                    // octets of an IP packet, 68 to 9000
  uint16_t queues = 1;                                    // one per worker; the device may have fewer
  uint16_t rx_descriptors = 1024, tx_descriptors = 1024;  // per queue
  bool interrupts = true;  // ask for rx interrupts, so that an idle worker can sleep
  bool promiscuous = false;
  bool offloads = true;  // ask for what the device does better than the stack; false: behind a bad line
  bool forwards = true;  // what comes may be sent on, so it must come whole: summed, and not merged
  uint8_t tags =
      0;  // VLAN tags that frames of ours may have, up to two: taken and put by the device if it can
  RssKey rss_key{};
};

// What was found, for the table at start and for metrics.
struct DeviceInfo {
  std::string name, driver;
  Mac mac;
  uint16_t mtu = 0;
  std::string link;  // "up 10000 Mb/s", "down"
  uint16_t rx_queues = 0, tx_queues = 0;
  bool rss = false;                               // the device hashes with our key and steers by our table
  bool rx_checksum = false, tx_checksum = false;  // of TCP and UDP
  bool tso = false, lro = false, multi_segment = false, scatter = false;
  bool vlan = false;          // takes VLAN tags off and puts them in front
  bool rx_interrupt = false;  // of every queue
  // A bond of this kind sends something of its own ten times a second: it must be asked to send that often.
  bool bond_lacp = false;
  int numa = -1;  // node; -1: unknown or none
};

// One aligned table, a line per device.
void print_table(std::ostream& out, std::span<const DeviceInfo> devices);

class Device {
 public:
  // Packets come from `pool`, which outlives the device. On failure !ok() and error() says what is wrong and
  // what to type.
  Device(const DeviceRequest& request, buf::PacketPool& pool);
  ~Device();  // stops and closes it; a tap's interface goes with it
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  bool ok() const { return error_.empty(); }
  const std::string& error() const { return error_; }
  const std::vector<std::string>& warnings() const { return warnings_; }

  uint16_t id() const { return id_; }  // DPDK's number of it
  const buf::PortCaps& caps() const { return caps_; }
  const DeviceInfo& info() const { return info_; }
  // Packets one rx call may bring; only the null device has less than a burst.
  uint16_t rx_burst() const { return rx_burst_; }

  // Asks the driver. A tap has no carrier of its own: it is always up, wherever its interface was moved. Not
  // so in a bond, which must know: there it is up while its interface is, in our network namespace.
  bool link_up() const;
  // Of a bond, in the order in which they were named: whether each has a link, and carries packets.
  struct Member {
    std::string name;
    bool up, active;
  };
  std::vector<Member> members() const;
  // From now on frames whose outer tag is this one come in; only cards that filter by themselves need to be
  // told. Empty, or what is wrong. Workers may poll the device meanwhile.
  std::string admit_vlan(uint16_t vlan);
  // A vhost port's guest says only when it connects whether it takes segments uncut. To be called when the
  // link is up, before anybody makes use of caps(): the guest that comes after this one may take less.
  void learn_peer();
  // The driver's own numbers, by DPDK's names: rx_good_packets, rx_missed_errors,
  // rx_mbuf_allocation_errors...
  std::vector<std::pair<std::string, uint64_t>> statistics() const;

 private:
  std::string open(const DeviceRequest&);
  std::string open_bond(const DeviceRequest&);
  struct Want {
    bool interrupts, rss;
  };
  std::string configure(const DeviceRequest&, buf::PacketPool&, Want);
  std::string set_up_queues(const DeviceRequest&, buf::PacketPool&, const rte_eth_dev_info&,
                            const rte_eth_conf&);
  std::string set_mtu(const DeviceRequest&);
  std::string start(const DeviceRequest&);
  void steer(const DeviceRequest&);
  void describe(const DeviceRequest&);

  std::string error_;
  std::vector<std::string> warnings_;
  uint16_t id_ = UINT16_MAX;
  bool opened_ = false;
  bool names_vlans_ = false;  // admit_vlan() has to
  DeviceKind kind_;           // what the packets come by
  struct Part {
    std::string name;  // as the user said it
    uint16_t id;
  };
  std::vector<Part> parts_;  // of a bond
  uint16_t rx_burst_ = buf::burst_size;
  buf::PortCaps caps_;
  DeviceInfo info_;
};

// The DPDK name and arguments a request becomes: "net_tap_lan,iface=sluice-lan". A PCI address stays one.
std::string device_arguments(const DeviceRequest& request);

}  // namespace sluice::io
