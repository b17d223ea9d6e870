// SPDX-License-Identifier: Apache-2.0
#include "io/device.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_eth_bond.h>
#include <rte_eth_vhost.h>
#include <rte_ethdev.h>
#include <rte_vhost.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "io/dpdk_log.h"
#include "io/entropy.h"
#include "io/left_socket.h"
#include "io/pci.h"
#include "io/steering.h"

namespace sluice::io {
namespace {

constexpr uint64_t rx_l4_checksums = RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
constexpr uint64_t rx_checksums = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | rx_l4_checksums;
constexpr uint64_t tx_l4_checksums = RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
constexpr uint64_t tx_checksums = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | tx_l4_checksums;
// What steering.cc computes, and no more: a hash over other fields would disagree with ours.
constexpr uint64_t rss_fields = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP |
                                RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV4_OTHER |
                                RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_FRAG_IPV6 | RTE_ETH_RSS_NONFRAG_IPV6_TCP |
                                RTE_ETH_RSS_NONFRAG_IPV6_UDP | RTE_ETH_RSS_NONFRAG_IPV6_OTHER;

// Of the virtual drivers most compute checksums and cut segments in software, on our core, and some of them
// wrong (see README.md): there the stack does it itself. Only hardware is asked, and the two ends of virtio,
// between which a request travels with its packet and nobody computes anything.
bool worth_asking(DeviceKind kind) {
  return kind == DeviceKind::pci || kind == DeviceKind::virtio_user || kind == DeviceKind::vhost_user;
}

// Either end of virtio, as the driver calls itself.
bool is_virtio(const rte_eth_dev_info& dev) {
  const std::string_view driver{dev.driver_name};
  return driver.starts_with("net_virtio") || driver == "net_vhost";
}

// Below this our own sum costs less than a request, which two drivers look at.
constexpr uint16_t few_octets = 256;

// Each offload by itself: what a device lacks, the stack does.
void choose_offloads(const DeviceRequest& r, const buf::PacketPool& pool, const rte_eth_dev_info& dev,
                     rte_eth_conf& conf) {
  uint64_t &rx = conf.rxmode.offloads, &tx = conf.txmode.offloads;
  tx |= dev.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
  // A frame that does not fit one packet's room arrives as a chain.
  if (r.mtu + 22 > rte_pktmbuf_data_room_size(pool.packets()) - RTE_PKTMBUF_HEADROOM)
    rx |= RTE_ETH_RX_OFFLOAD_SCATTER;
  if (!r.offloads || !worth_asking(r.device.wire())) return;
  const bool virtio = is_virtio(dev);
  tx |= dev.tx_offload_capa & tx_checksums;
  if (r.tags != 0) {
    rx |= dev.rx_offload_capa & RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
    tx |= dev.tx_offload_capa & RTE_ETH_TX_OFFLOAD_VLAN_INSERT;
  }
  // Virtio's other end hands over packets that have no checksum yet (RTE_MBUF_F_RX_L4_CKSUM_NONE) and
  // segments it never cut: right for who consumes them, wrong for who sends them on.
  if (!virtio || !r.forwards) rx |= dev.rx_offload_capa & rx_checksums;
  constexpr uint64_t merged = RTE_ETH_RX_OFFLOAD_TCP_LRO | RTE_ETH_RX_OFFLOAD_SCATTER | rx_l4_checksums;
  if (virtio && !r.forwards && (dev.rx_offload_capa & merged) == merged) rx |= merged;
  // Virtio sums no IPv4 header, nor need it: of an uncut segment ours holds. Elsewhere the device that cuts
  // must sum.
  constexpr uint64_t needs = RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
  if ((tx & needs) == needs && (virtio || (tx & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0))
    tx |= dev.tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_TSO;
}

// net_tap takes the first real-time signal that has its default action, to be told of each packet by a
// signal: a poll-mode driver that interrupts our threads per packet. It falls back to plain polling when no
// signal is free, so none is while it opens its queues.
class WithoutSignals {
 public:
  WithoutSignals() {
    for (int s = SIGRTMIN; s <= SIGRTMAX; ++s) {
      struct sigaction now{};
      if (sigaction(s, nullptr, &now) != 0 || now.sa_handler != SIG_DFL) continue;
      signal(s, SIG_IGN);
      taken_.push_back(s);
    }
  }
  ~WithoutSignals() {
    for (int s : taken_) signal(s, SIG_DFL);
  }
  WithoutSignals(const WithoutSignals&) = delete;
  WithoutSignals& operator=(const WithoutSignals&) = delete;

 private:
  std::vector<int> taken_;
};

// Queue pairs that the kernel's driver has for an interface; 1 when it does not say.
uint16_t kernel_queues(const std::string& interface) {
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  ifreq request{};
  interface.copy(request.ifr_name, sizeof request.ifr_name - 1);
  request.ifr_data = reinterpret_cast<char*>(&channels);
  const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool known = any >= 0 && ioctl(any, SIOCETHTOOL, &request) == 0;
  if (any >= 0) close(any);
  return known ? static_cast<uint16_t>(std::clamp(channels.combined_count, 1u, 1024u)) : uint16_t{1};
}

// Sets an interface's MTU; 0, or why it cannot be.
int kernel_mtu(const std::string& interface, int mtu) {
  ifreq request{};
  interface.copy(request.ifr_name, sizeof request.ifr_name - 1);
  request.ifr_mtu = mtu;
  const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool set = any >= 0 && ioctl(any, SIOCSIFMTU, &request) == 0;
  const int why = errno;
  if (any >= 0) close(any);
  return set ? 0 : why;
}

std::string reason(int error) { return std::strerror(error < 0 ? -error : error); }

std::string open_trouble(const DeviceRequest& r, int error) {
  std::string why = "DPDK cannot open " + device_arguments(r) + ": " + reason(error);
  switch (r.device.kind) {
    case DeviceKind::pci:
      if (std::string wrong = pci_trouble(r.device.target); !wrong.empty()) return wrong;
      return "no DPDK driver took " + r.device.target +
             ": is it supported, may this user open /dev/vfio, is the IOMMU on?";
    case DeviceKind::tap:
      if (access("/dev/net/tun", F_OK) != 0) return why + "; there is no /dev/net/tun: type  modprobe tun";
      return why + "; a tap needs root (CAP_NET_ADMIN), and no other program may hold an interface " +
             r.device.target;
    case DeviceKind::af_packet:
    case DeviceKind::af_xdp:
      if (if_nametoindex(r.device.target.c_str()) == 0)  // of our network namespace, which /sys may not show
        return "there is no interface " + r.device.target + ": type  ip link  to see those there are";
      return why + "; it needs root (CAP_NET_RAW, CAP_NET_ADMIN)";
    default:
      return why;
  }
}

// Whether the device makes the socket that it is named by, and its peer connects to it.
bool listens(const DeviceOptions& o) {
  const auto asks = [&](const char* what) { return o.args.find(what) != std::string::npos; };
  return (o.kind == DeviceKind::vhost_user && !asks("client=1")) ||
         (o.kind == DeviceKind::virtio_user && asks("server=1")) ||
         (o.kind == DeviceKind::memif && asks("role=server"));
}

}  // namespace

std::string device_arguments(const DeviceRequest& r) {
  const std::string& target = r.device.target;
  const std::string queues = std::to_string(r.queues);
  const auto vdev = [&](const char* driver, const std::string& args) {
    return std::string{"net_"} + driver + "_" + r.name + (args.empty() ? "" : ",") + args;
  };
  std::string s;
  switch (r.device.kind) {
    case DeviceKind::pci:
      s = target;
      break;
    case DeviceKind::raw:
      s = target;
      break;
    case DeviceKind::tap:
      s = vdev("tap", "iface=" + target);
      break;
    // Frames that hold the MTU with tags behind the kernel's 66 octets; blocks of whole pages without a gap
    // between frames, for the driver knows of none; 4 MB each way.
    case DeviceKind::af_packet: {
      const unsigned frame = std::max(2048u, (r.mtu + 22u + 66u + 1023u) / 1024 * 1024);
      const unsigned block = frame == 2048 ? 65536 : 4 * frame;
      const unsigned frames = (4u << 20) / block * (block / frame);
      s = vdev("af_packet", "iface=" + target + ",blocksz=" + std::to_string(block) + ",framesz=" +
                                std::to_string(frame) + ",framecnt=" + std::to_string(frames) + ",qpairs=1");
      break;
    }
    case DeviceKind::af_xdp:
      s = vdev("af_xdp", "iface=" + target + ",queue_count=" + queues);
      break;
    case DeviceKind::virtio_user:
      s = vdev("virtio_user", "path=" + target + ",queues=" + queues);
      break;
    case DeviceKind::vhost_user:
      // The guest may leave its segments uncut.
      s = vdev("vhost",
               "iface=" + target + ",queues=" + queues + (r.forwards || !r.offloads ? "" : ",tso=1"));
      break;
    case DeviceKind::memif:
      s = vdev("memif", "socket=" + target + ",socket-abstract=no");
      break;
    case DeviceKind::pcap:
      s = vdev("pcap", "rx_pcap=" + target);
      break;
    case DeviceKind::bond:
      s = vdev("bonding", "");
      break;
    case DeviceKind::null:
      s = vdev("null", target.empty() || target == "0" ? "no-rx=1" : "");
      break;
  }
  return r.device.args.empty() ? s : s + "," + r.device.args;
}

Device::Device(const DeviceRequest& r, buf::PacketPool& pool) : kind_{r.device.wire()} {
  info_.name = r.name;
  const WithoutSignals polled;
  DpdkLog log;  // drivers complain about what we only try
  error_ = r.device.kind == DeviceKind::bond ? open_bond(r) : open(r);
  if (ok()) {
    // A driver says only by refusing that it has no interrupts, or no RSS over our fields.
    const bool interrupts = r.interrupts && parts_.empty();
    error_ = configure(r, pool, {.interrupts = interrupts, .rss = true});
    if (!ok() && info_.rss) error_ = configure(r, pool, {.interrupts = interrupts, .rss = false});
    if (!ok() && interrupts) error_ = configure(r, pool, {.interrupts = false, .rss = true});
    if (!ok() && info_.rss) error_ = configure(r, pool, {.interrupts = false, .rss = false});
  }
  if (ok()) error_ = start(r);
  if (ok())
    describe(r);
  else
    error_ = log.explain(r.name + ": " + error_);
}

namespace {

// Ends a device that rte_dev_probe(), or for PCI the start of EAL, made.
void end(uint16_t id, bool probed_at_start) {
  rte_eth_dev_stop(id);
  rte_eth_dev_info dev{};
  rte_eth_dev_info_get(id, &dev);
  rte_eth_dev_close(id);
  if (!probed_at_start && dev.device != nullptr) rte_dev_remove(dev.device);
}

}  // namespace

Device::~Device() {
  const DpdkLog log;  // a tap whose interface was moved away cannot set it down, and says so
  if (opened_) {
    for (const Part& p : parts_) rte_eth_bond_slave_remove(id_, p.id);
    end(id_, parts_.empty() && kind_ == DeviceKind::pci);
  }
  for (const Part& p : parts_) end(p.id, kind_ == DeviceKind::pci);
}

// The members first, each a device of its own that the bond configures and starts.
std::string Device::open_bond(const DeviceRequest& r) {
  if (r.device.members.size() < 2) return "a bond needs two members at least";
  for (const DeviceOptions& member : r.device.members) {
    DeviceRequest one = r;
    one.name.append("_").append(std::to_string(parts_.size()));
    one.device = member;
    if (std::string wrong = open(one); !wrong.empty()) return wrong;
    parts_.push_back({member.target, std::exchange(id_, uint16_t{UINT16_MAX})});
    opened_ = false;
  }
  info_.bond_lacp = r.device.target == "802.3ad";
  const std::string name = device_arguments(r);
  const int bond =
      rte_eth_bond_create(name.c_str(), info_.bond_lacp ? BONDING_MODE_8023AD : BONDING_MODE_ACTIVE_BACKUP,
                          static_cast<uint8_t>(std::max(rte_eth_dev_socket_id(parts_[0].id), 0)));
  if (bond < 0) return "DPDK makes no bond " + name + ": " + reason(bond);
  id_ = static_cast<uint16_t>(bond);
  opened_ = true;
  for (const Part& p : parts_) {
    // net_tap says that it tells of its link, and in a bond never does: it is asked instead. The driver's own
    // word is no constant, DPDK only shows it as one.
    rte_eth_dev_info dev{};
    if (kind_ == DeviceKind::tap && rte_eth_dev_info_get(p.id, &dev) == 0)
      *const_cast<uint32_t*>(dev.dev_flags) &= ~uint32_t{RTE_ETH_DEV_INTR_LSC};
    if (rte_eth_bond_slave_add(id_, p.id) != 0) return "the bond refuses its member " + p.name;
  }
  constexpr uint32_t monitored_ms = 50;  // where a driver does not tell of its link by itself
  if (rte_eth_bond_link_monitoring_set(id_, monitored_ms) != 0)
    return "the bond does not watch its members' links";
  // Flows, not hosts, are spread: behind a router all frames have one pair of addresses.
  if (info_.bond_lacp) {
    if (rte_eth_bond_xmit_policy_set(id_, BALANCE_XMIT_POLICY_LAYER34) != 0)
      return "the bond does not spread flows over its members";
  } else if (rte_eth_bond_primary_set(id_, parts_[0].id) != 0) {
    return "the bond does not prefer its first member " + parts_[0].name;
  }
  return {};
}

std::string Device::open(const DeviceRequest& r) {
  DeviceRequest possible = r;
  if (r.device.kind == DeviceKind::af_xdp)
    possible.queues = std::min(r.queues, kernel_queues(r.device.target));
  const std::string arguments = device_arguments(possible);
  const std::string name = arguments.substr(0, arguments.find(','));
  if (name.size() >= RTE_DEV_NAME_MAX_LEN) return "the name " + r.name + " is too long for a port";
  if (r.device.kind == DeviceKind::null && !r.device.target.empty() && r.device.target != "0")
    rx_burst_ = static_cast<uint16_t>(
        std::clamp(std::atoi(r.device.target.c_str()), 1, static_cast<int>(buf::burst_size)));
  // Several programs may open one tap, and the kernel would deal its packets out among them.
  if (r.device.kind == DeviceKind::tap && if_nametoindex(r.device.target.c_str()) != 0)
    return "there already is an interface " + r.device.target +
           ", another appliance's perhaps: name another, or type  ip link del " + r.device.target;
  // A PCI device was probed when EAL started, everything else is made now.
  if (r.device.kind != DeviceKind::pci) {
    if (rte_eth_dev_get_port_by_name(name.c_str(), &id_) == 0) return "there already is a device " + name;
    if (listens(r.device))
      if (std::string no = make_way_for_socket(r.device.target); !no.empty()) return no;
    if (const int e = rte_dev_probe(arguments.c_str()); e < 0) return open_trouble(r, e);
  }
  if (rte_eth_dev_get_port_by_name(name.c_str(), &id_) != 0) return open_trouble(r, ENODEV);
  opened_ = true;
  return {};
}

std::string Device::configure(const DeviceRequest& r, buf::PacketPool& pool, Want want) {
  rte_eth_dev_info dev{};
  if (const int e = rte_eth_dev_info_get(id_, &dev); e != 0) return "the device tells nothing: " + reason(e);
  info_.driver = dev.driver_name;
  info_.numa = rte_eth_dev_socket_id(id_);

  // Several queues of a tap, or of an af_packet fan-out, move a flow from one to the other while it lives:
  // packets would overtake each other. One queue, and steering by ring, keeps the order.
  const bool one = kind_ == DeviceKind::tap || kind_ == DeviceKind::af_packet;
  const auto queues =
      static_cast<uint16_t>(std::min<int>({one ? 1 : r.queues, dev.max_rx_queues, dev.max_tx_queues}));
  if (queues == 0) return "the device has no queues";
  info_.rx_queues = info_.tx_queues = queues;

  rte_eth_conf conf{};
  // net_af_packet says that it takes 1500 at most, and carries what its frames hold: see device_arguments().
  conf.rxmode.mtu = kind_ == DeviceKind::af_packet ? std::min<uint16_t>(r.mtu, 1500) : r.mtu;
  conf.intr_conf.rxq = want.interrupts ? 1 : 0;
  // Asked for its state while nobody is connected, virtio_user tries to accept, complains, and races with its
  // own disconnect handler; told by interrupt, it does neither, and asking reads what is known.
  conf.intr_conf.lsc = kind_ == DeviceKind::virtio_user && (*dev.dev_flags & RTE_ETH_DEV_INTR_LSC) != 0;
  choose_offloads(r, pool, dev, conf);
  // A virtio card drops frames of VLANs that nobody has named to it, whether a filter was asked for or not
  // (VIRTIO 1.2 §5.1.6.5.3); the driver passes names on only where one was.
  if (kind_ == DeviceKind::pci && is_virtio(dev))
    conf.rxmode.offloads |= dev.rx_offload_capa & RTE_ETH_RX_OFFLOAD_VLAN_FILTER;
  names_vlans_ = (conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_VLAN_FILTER) != 0;
  std::vector<uint8_t> key(r.rss_key.begin(), r.rss_key.end());
  const uint64_t fields = dev.flow_type_rss_offloads & rss_fields;
  info_.rss = want.rss && queues > 1 && fields != 0 && dev.reta_size != 0;
  if (info_.rss) {
    // Longer keys are for longer inputs than ours; the octets past the 40th do not enter our hashes.
    if (dev.hash_key_size > key.size()) key.resize(dev.hash_key_size, 0x6d);
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rxmode.offloads |= dev.rx_offload_capa & RTE_ETH_RX_OFFLOAD_RSS_HASH;
    conf.rx_adv_conf.rss_conf = {key.data(), static_cast<uint8_t>(key.size()), fields};
  }
  if (const int e = rte_eth_dev_configure(id_, queues, queues, &conf); e != 0)
    return "the device refuses MTU " + std::to_string(r.mtu) + ", " + std::to_string(queues) +
           " queues: " + reason(e);
  if (std::string wrong = set_up_queues(r, pool, dev, conf); !wrong.empty()) return wrong;
  if (const int e = rte_eth_dev_start(id_); e != 0) return "the device does not start: " + reason(e);

  const uint64_t rx = conf.rxmode.offloads, tx = conf.txmode.offloads;
  caps_.rx_ip_checksum = (rx & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM) != 0;
  caps_.rx_l4_checksum = (rx & rx_l4_checksums) == rx_l4_checksums;
  caps_.tx_ip_checksum = (tx & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0;
  caps_.tx_l4_checksum = (tx & tx_l4_checksums) == tx_l4_checksums;
  caps_.tx_multi_segment = (tx & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0;
  caps_.tcp_segmentation = caps_.tcp_segmentation6 = (tx & RTE_ETH_TX_OFFLOAD_TCP_TSO) != 0;
  if (is_virtio(dev)) caps_.sums_from = few_octets;
  info_.lro = (rx & RTE_ETH_RX_OFFLOAD_TCP_LRO) != 0;
  caps_.tx_vlan = (tx & RTE_ETH_TX_OFFLOAD_VLAN_INSERT) != 0;
  info_.vlan = caps_.tx_vlan && (rx & RTE_ETH_RX_OFFLOAD_VLAN_STRIP) != 0;
  info_.scatter = (rx & RTE_ETH_RX_OFFLOAD_SCATTER) != 0;
  return {};
}

std::string Device::set_up_queues(const DeviceRequest& r, buf::PacketPool& pool, const rte_eth_dev_info& dev,
                                  const rte_eth_conf& conf) {
  uint16_t rx = r.rx_descriptors, tx = r.tx_descriptors;
  rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx, &tx);
  // net_tap takes a packet per descriptor to receive one frame into; without scatter one is all it uses.
  if (kind_ == DeviceKind::tap && !(conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_SCATTER)) rx = 1;
  const auto socket = static_cast<unsigned>(info_.numa);
  for (uint16_t q = 0; q < info_.rx_queues; ++q) {
    rte_eth_rxconf rxconf = dev.default_rxconf;
    rxconf.offloads = conf.rxmode.offloads;
    rte_eth_txconf txconf = dev.default_txconf;
    txconf.offloads = conf.txmode.offloads;
    if (const int e = rte_eth_rx_queue_setup(id_, q, rx, socket, &rxconf, pool.packets()); e != 0)
      return "the device's rx queue " + std::to_string(q) + ": " + reason(e);
    if (const int e = rte_eth_tx_queue_setup(id_, q, tx, socket, &txconf); e != 0)
      return "the device's tx queue " + std::to_string(q) + ": " + reason(e);
  }
  return {};
}

std::string Device::set_mtu(const DeviceRequest& r) {
  const std::string refused = "the device refuses MTU " + std::to_string(r.mtu) + ": ";
  if (kind_ == DeviceKind::af_packet) {
    // The kernel allows for one tag; with two, both are part of its MTU.
    const int mtu = r.mtu + (r.tags > 1 ? 8 : 0);
    int e = 0;
    if (parts_.empty()) e = kernel_mtu(r.device.target, mtu);
    for (const Part& p : parts_)
      if (e == 0) e = kernel_mtu(p.name, mtu);
    return e == 0 ? std::string{} : refused + reason(e);
  }
  // Most drivers took the MTU with the configuration; net_tap sets it on the interface only when asked. A
  // device without the call keeps its own, which must then do.
  const int e = rte_eth_dev_set_mtu(id_, r.mtu);
  if (e == 0) return {};
  uint16_t own = 0;
  rte_eth_dev_get_mtu(id_, &own);
  return e == -ENOTSUP && own >= r.mtu ? std::string{} : refused + reason(e);
}

std::string Device::start(const DeviceRequest& r) {
  if (std::string wrong = set_mtu(r); !wrong.empty()) return wrong;
  caps_.mtu = r.mtu;

  rte_ether_addr own{};
  if (const int e = rte_eth_macaddr_get(id_, &own); e != 0) return "the device has no MAC: " + reason(e);
  caps_.mac = Mac::load(own.addr_bytes);
  if (caps_.mac.is_zero()) {  // a driver without a wire, net_ring for one
    random_bytes(caps_.mac.b);
    caps_.mac.b[0] = static_cast<uint8_t>((caps_.mac.b[0] & 0xfe) | 0x02);
  }
  if (kind_ == DeviceKind::tap) {
    // The address DPDK reports is that of the interface at the kernel's end of the wire. Our end is another
    // station: it gets an address of its own, the neighbouring one unless the user named one.
    caps_.mac.b[0] = static_cast<uint8_t>((caps_.mac.b[0] & 0xfe) | 0x02);
    caps_.mac.b[5] ^= 1;
    if (!r.mac.is_zero()) caps_.mac = r.mac;
  } else if (!r.mac.is_zero() && r.mac != caps_.mac) {
    rte_ether_addr wanted{};
    r.mac.store(wanted.addr_bytes);
    if (const int e = rte_eth_dev_default_mac_addr_set(id_, &wanted); e != 0) {
      // It hears every address then; the stack drops what is not for ours.
      warnings_.push_back(r.name + ": the device keeps its own MAC (" + reason(e) +
                          "); listening promiscuously");
      rte_eth_promiscuous_enable(id_);
    }
    caps_.mac = r.mac;
  }
  // With LACP the bond itself drops what is not for the address it knows; a tap's is not the one we use.
  const bool hears_all = r.promiscuous || (info_.bond_lacp && kind_ == DeviceKind::tap);
  if (hears_all && rte_eth_promiscuous_enable(id_) != 0)
    warnings_.push_back(r.name + ": the device cannot be promiscuous");
  // Neighbours ask for us by multicast (RFC 4861 §7.2.2), in groups that come and go with our addresses.
  if ((kind_ == DeviceKind::pci || !parts_.empty()) && rte_eth_allmulticast_enable(id_) != 0 &&
      rte_eth_promiscuous_enable(id_) != 0)
    warnings_.push_back(r.name + ": the device hears no multicast, so IPv6 neighbours may not find us");
  if (info_.rss) steer(r);
  return {};
}

// Writes our table into the device: entry j to the queue of the worker that owns it.
void Device::steer(const DeviceRequest& r) {
  rte_eth_dev_info dev{};
  rte_eth_dev_info_get(id_, &dev);
  std::vector<rte_eth_rss_reta_entry64> reta((dev.reta_size + RTE_ETH_RETA_GROUP_SIZE - 1) /
                                             RTE_ETH_RETA_GROUP_SIZE);
  for (uint16_t j = 0; j < dev.reta_size; ++j) {
    auto& group = reta[j / RTE_ETH_RETA_GROUP_SIZE];
    group.mask |= uint64_t{1} << (j % RTE_ETH_RETA_GROUP_SIZE);
    group.reta[j % RTE_ETH_RETA_GROUP_SIZE] = static_cast<uint16_t>(owner_of_hash(j, info_.rx_queues));
  }
  if (const int e = rte_eth_dev_rss_reta_update(id_, reta.data(), dev.reta_size); e != 0) {
    info_.rss = false;
    warnings_.push_back(r.name + ": the device takes no steering table (" + reason(e) +
                        "); steering in software");
  }
}

void Device::describe(const DeviceRequest& r) {
  info_.mac = caps_.mac;
  info_.mtu = caps_.mtu;
  info_.rx_checksum = caps_.rx_l4_checksum;
  info_.tx_checksum = caps_.tx_l4_checksum;
  info_.tso = caps_.tcp_segmentation;
  info_.multi_segment = caps_.tx_multi_segment;
  rte_eth_link link{};
  rte_eth_link_get_nowait(id_, &link);
  info_.link = !link_up() ? "down"
               : link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN
                   ? "up"
                   : "up " + std::to_string(link.link_speed) + " Mb/s";
  info_.rx_interrupt = r.interrupts && parts_.empty();
  for (uint16_t q = 0; q < info_.rx_queues && info_.rx_interrupt; ++q)
    info_.rx_interrupt = rte_eth_dev_rx_intr_ctl_q_get_fd(id_, q) >= 0;
}

std::string Device::admit_vlan(uint16_t vlan) {
  if (!names_vlans_) return {};
  const int e = rte_eth_dev_vlan_filter(id_, vlan, 1);
  return e == 0 ? "" : "the device does not let VLAN " + std::to_string(vlan) + " in: " + reason(e);
}

bool Device::link_up() const {
  if (kind_ == DeviceKind::tap && parts_.empty()) return true;
  rte_eth_link link{};
  return rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

std::vector<Device::Member> Device::members() const {
  std::vector<Member> all;
  uint16_t active[RTE_MAX_ETHPORTS];
  const int n = parts_.empty() ? 0 : rte_eth_bond_active_slaves_get(id_, active, std::size(active));
  const bool one = !parts_.empty() && rte_eth_bond_mode_get(id_) == BONDING_MODE_ACTIVE_BACKUP;
  const int primary = one ? rte_eth_bond_primary_get(id_) : -1;
  for (const Part& p : parts_) {
    rte_eth_link link{};
    const bool up = rte_eth_link_get_nowait(p.id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
    const bool listed = n > 0 && std::find(active, active + n, p.id) != active + n;
    all.push_back({p.name, up, listed && (!one || primary == p.id)});
  }
  return all;
}

// The driver offers no segmentation; the library below it passes the request on all the same.
void Device::learn_peer() {
  if (kind_ != DeviceKind::vhost_user || !caps_.tx_l4_checksum || !caps_.tx_multi_segment) return;
  const int guest = rte_eth_vhost_get_vid_from_port_id(id_);
  uint64_t features = 0;
  if (guest < 0 || rte_vhost_get_negotiated_features(guest, &features) != 0) return;
  // Virtio 1.1 §5.1.3; the kernel's header for it is no C++.
  constexpr unsigned guest_csum = 1, guest_tso4 = 7, guest_tso6 = 8, mrg_rxbuf = 15;
  const auto takes = [features](unsigned feature) { return (features & uint64_t{1} << feature) != 0; };
  const bool uncut = takes(guest_csum) && takes(mrg_rxbuf);
  caps_.tcp_segmentation = uncut && takes(guest_tso4);
  caps_.tcp_segmentation6 = uncut && takes(guest_tso6);
  info_.tso = caps_.tcp_segmentation;
}

std::vector<std::pair<std::string, uint64_t>> Device::statistics() const {
  const int count = rte_eth_xstats_get(id_, nullptr, 0);
  if (count <= 0) return {};
  std::vector<rte_eth_xstat> values(static_cast<size_t>(count));
  std::vector<rte_eth_xstat_name> names(static_cast<size_t>(count));
  if (rte_eth_xstats_get(id_, values.data(), static_cast<unsigned>(count)) != count ||
      rte_eth_xstats_get_names(id_, names.data(), static_cast<unsigned>(count)) != count)
    return {};
  std::vector<std::pair<std::string, uint64_t>> out;
  for (const rte_eth_xstat& v : values) out.emplace_back(names[v.id].name, v.value);
  return out;
}

}  // namespace sluice::io
