// SPDX-License-Identifier: Apache-2.0
// tap and af_packet against a real kernel: what it puts on the wire, what it takes from us, what rest costs.
// Everything lives in network namespaces that are held by descriptors of this process alone and vanish with
// it, however it ends. Without the right to make them the tests are skipped.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <thread>

#include "io/clock.h"
#include "io/eal.h"
#include "io/frames.h"
#include "io/idle.h"
#include "io/queue_port.h"

namespace sluice::io {
namespace {

using buf::Batch;
using buf::Packet;

constexpr Ip4Addr us = Ip4Addr::of(198, 18, 77, 1), peer = Ip4Addr::of(198, 18, 77, 2);
constexpr uint16_t our_port = 6000, peer_port = 5000;
constexpr Duration patience = 10_s;  // for what a working kernel does in microseconds

std::string text(const Mac& m) {
  char s[18];
  std::snprintf(s, sizeof s, "%02x:%02x:%02x:%02x:%02x:%02x", m.b[0], m.b[1], m.b[2], m.b[3], m.b[4], m.b[5]);
  return s;
}

// The namespace the Linux end lives in.
class PeerNamespace {
 public:
  PeerNamespace() {
    std::thread{[this] {
      if (unshare(CLONE_NEWNET) == 0) fd_ = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    }}.join();
  }
  ~PeerNamespace() {
    if (fd_ >= 0) close(fd_);
  }
  PeerNamespace(const PeerNamespace&) = delete;
  PeerNamespace& operator=(const PeerNamespace&) = delete;
  bool ok() const { return fd_ >= 0; }
  std::string path() const { return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd_); }
  void inside(const std::function<void()>& f) const {
    std::thread{[&] {
      if (setns(fd_, CLONE_NEWNET) == 0) f();
    }}.join();
  }
  bool run(const std::string& command) const {
    int status = -1;
    inside([&] { status = std::system(command.c_str()); });
    return status == 0;
  }

 private:
  int fd_ = -1;
};

class KernelSocket {
 public:
  KernelSocket(const PeerNamespace& ns, int type) {
    ns.inside([&] { fd_ = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); });
    const sockaddr_in local = address(peer, peer_port), remote = address(us, our_port);
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&local), sizeof local), 0);
    // A stream only begins to connect: its SYN is what we want.
    const int c = connect(fd_, reinterpret_cast<const sockaddr*>(&remote), sizeof remote);
    EXPECT_TRUE(c == 0 || errno == EINPROGRESS) << std::strerror(errno);
  }
  ~KernelSocket() { close(fd_); }
  KernelSocket(const KernelSocket&) = delete;
  KernelSocket& operator=(const KernelSocket&) = delete;
  int fd() const { return fd_; }
  void send(const std::vector<uint8_t>& b) const {
    EXPECT_EQ(::send(fd_, b.data(), b.size(), 0), static_cast<ssize_t>(b.size())) << std::strerror(errno);
  }
  // Empty when nothing came in time; sent datagrams here are never empty.
  std::vector<uint8_t> receive() const {
    std::vector<uint8_t> b(65536);
    for (const Instant start = now(); now() - start < patience; std::this_thread::yield()) {
      const ssize_t n = recv(fd_, b.data(), b.size(), 0);
      if (n < 0) continue;
      b.resize(static_cast<size_t>(n));
      return b;
    }
    return {};
  }

 private:
  static sockaddr_in address(Ip4Addr a, uint16_t port) {
    sockaddr_in s{};
    s.sin_family = AF_INET;
    s.sin_addr.s_addr = htonl(a.v);
    s.sin_port = htons(port);
    return s;
  }
  int fd_ = -1;
};

// The IPv4 packet of a frame, without padding.
std::vector<uint8_t> packet_of(const std::vector<uint8_t>& f) {
  const size_t length = load_be<uint16_t>(&f[16]);
  return {f.begin() + 14, f.begin() + 14 + static_cast<ptrdiff_t>(std::min(length, f.size() - 14))};
}
bool header_sum_right(const std::vector<uint8_t>& p) {
  return wire::Sum{}.add(Bytes{p}.first(20)).folded() == 0xffff;
}
bool payload_sum_right(const std::vector<uint8_t>& p) {
  const Bytes l4 = Bytes{p}.subspan(20);
  return wire::pseudo_header(Ip4Addr::load(&p[12]), Ip4Addr::load(&p[16]), p[9],
                             static_cast<uint32_t>(l4.size()))
             .add(l4)
             .folded() == 0xffff;
}
std::vector<uint8_t> pattern(size_t n) {
  std::vector<uint8_t> b(n);
  for (size_t i = 0; i < n; ++i) b[i] = static_cast<uint8_t>(i * 31 + n);
  return b;
}

class Kernel : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (unshare(CLONE_NEWNET) != 0) return;  // before EAL's threads: they come along
    cpu_set_t set;
    sched_getaffinity(0, sizeof set, &set);
    unsigned cpu = 0;
    while (!CPU_ISSET(cpu, &set)) ++cpu;
    eal = std::make_unique<Eal>(EalOptions{.cores = {cpu}, .hugepages = Hugepages::off, .memory_mb = 128});
    ASSERT_TRUE(eal->ok()) << eal->error();
    pool = std::make_unique<buf::PacketPool>("kernel", 16383, 1023);
    ASSERT_TRUE(pool->ok()) << pool->error();
  }
  static void TearDownTestSuite() {
    pool.reset();
    eal.reset();
  }
  void SetUp() override {
    if (eal == nullptr || !ns_.ok()) GTEST_SKIP() << "no right to make network namespaces";
    free_ = pool->packets_free();
  }
  void TearDown() override {
    port_.reset();
    device_.reset();
    if (linux_end_ == "slpeer") std::system("ip link del slours");
    if (eal != nullptr) {
      EXPECT_EQ(pool->packets_free(), free_) << "every packet went back to the pool";
    }
  }

  void open(DeviceKind kind, const std::string& interface) {
    DeviceRequest r;
    r.name = "lan";
    r.device = {kind, interface, ""};
    r.queues = 2;
    device_ = std::make_unique<Device>(r, *pool);
    ASSERT_TRUE(device_->ok()) << device_->error();
    port_ = std::make_unique<QueuePort>(*device_, uint16_t{0}, uint16_t{0}, count_);
  }
  void open_tap() {
    open(DeviceKind::tap, "sltap");
    if (HasFatalFailure()) return;
    ASSERT_EQ(std::system(("ip link set sltap netns " + ns_.path()).c_str()), 0);
    address("sltap");
  }
  void open_af_packet() {
    ASSERT_EQ(std::system("ip link add slours type veth peer name slpeer"), 0);
    ASSERT_EQ(std::system(("ip link set slpeer netns " + ns_.path() + " && ip link set slours up").c_str()),
              0);
    address("slpeer");
    open(DeviceKind::af_packet, "slours");
    if (HasFatalFailure()) return;
    address("slpeer");  // now that our address is known
  }
  // Gives the Linux end its address, and ours as a neighbour, so that no ARP is needed.
  void address(const std::string& interface) {
    linux_end_ = interface;
    const Mac ours = device_ ? device_->caps().mac : test::mac_a;
    ASSERT_TRUE(ns_.run("ip addr replace 198.18.77.2/24 dev " + interface + " && ip link set " + interface +
                        " up && ip neigh replace 198.18.77.1 lladdr " + text(ours) + " dev " + interface));
  }
  Mac linux_mac() {
    Mac m;
    ns_.inside([&] {
      FILE* f = popen(
          ("ip -o link show " + linux_end_ + " | sed 's/.*ether \\([0-9a-f:]*\\).*/\\1/'").c_str(), "r");
      unsigned b[6] = {};
      EXPECT_EQ(std::fscanf(f, "%x:%x:%x:%x:%x:%x", b, b + 1, b + 2, b + 3, b + 4, b + 5), 6);
      for (int i = 0; i < 6; ++i) m.b[i] = static_cast<uint8_t>(b[i]);
      pclose(f);
    });
    return m;
  }
  // The next IPv4 frame from the peer to us of that protocol; the kernel's own chatter is passed over. Empty
  // when none came.
  std::vector<uint8_t> next(uint8_t proto) {
    for (const Instant start = now(); now() - start < patience;) {
      if (waiting_.empty()) {
        Batch in;
        port_->rx(in);
        for (Packet& p : in) waiting_.push_back(test::bytes_of(p));
        continue;
      }
      auto f = waiting_.front();
      waiting_.pop_front();
      if (f.size() >= 34 && load_be<uint16_t>(&f[12]) == 0x0800 && f[23] == proto &&
          Ip4Addr::load(&f[30]) == us)
        return f;
    }
    return {};
  }
  void reply(const std::vector<uint8_t>& payload) {
    const auto f = test::frame(linux_mac_, device_->caps().mac, wire::EtherType::Ip4,
                               test::ip4(us, peer, 17, test::udp(us, peer, our_port, peer_port, payload)));
    Packet p = Packet{rte_pktmbuf_alloc(pool->packets())};
    std::copy(f.begin(), f.end(), p.append(static_cast<uint16_t>(f.size())));
    Batch out;
    out.push(std::move(p));
    port_->tx(out);
  }
  void expect_datagrams_of_all_sizes_both_ways() {
    linux_mac_ = linux_mac();
    EXPECT_NE(linux_mac_, device_->caps().mac) << "two stations, two addresses";
    const KernelSocket s{ns_, SOCK_DGRAM};
    for (const size_t size : {1u, 2u, 17u, 100u, 1471u, 1472u}) {
      s.send(pattern(size));
      const auto f = next(17);
      ASSERT_FALSE(f.empty()) << size;
      const auto p = packet_of(f);
      EXPECT_EQ(p.size(), 28 + size);
      EXPECT_TRUE(header_sum_right(p));
      EXPECT_TRUE(payload_sum_right(p)) << size;
      reply(pattern(size));
      EXPECT_EQ(s.receive(), pattern(size));
    }
  }
  // A worker's loop with nothing to do: its share of a core, 0 to 1.
  double share_at_rest(IdleMode mode) {
    Waker waker;
    Idle idle{mode, waker, count_};
    idle.watch(*device_, 0);
    const auto cpu = [] {
      timespec t{};
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
    };
    const double before = cpu();
    const Instant start = now();
    Instant at = start;
    for (; at - start < 2_s; at = now()) {
      Batch in;
      port_->rx(in);
      idle.rest(!in.empty(), at, Instant::never());
    }
    return (cpu() - before) / (at - start).seconds();
  }

  static std::unique_ptr<Eal> eal;
  static std::unique_ptr<buf::PacketPool> pool;
  PeerNamespace ns_;
  Counters count_;
  std::unique_ptr<Device> device_;
  std::unique_ptr<QueuePort> port_;
  std::deque<std::vector<uint8_t>> waiting_;
  std::string linux_end_;
  Mac linux_mac_;
  uint32_t free_ = 0;
};
std::unique_ptr<Eal> Kernel::eal;
std::unique_ptr<buf::PacketPool> Kernel::pool;

TEST_F(Kernel, a_tap_in_a_namespace_carries_datagrams_of_all_sizes_with_full_checksums) {
  open_tap();
  if (HasFatalFailure()) return;
  EXPECT_TRUE(device_->link_up());
  expect_datagrams_of_all_sizes_both_ways();
}

TEST_F(Kernel, a_tap_is_given_whole_checksums_and_no_super_frames) {
  open_tap();
  if (HasFatalFailure()) return;
  const KernelSocket stream{ns_, SOCK_STREAM};
  const auto syn = packet_of(next(6));
  ASSERT_GE(syn.size(), 40u);
  EXPECT_TRUE(payload_sum_right(syn));
  // Three segments in one call, which the kernel hands down as one piece to devices that can cut.
  const KernelSocket s{ns_, SOCK_DGRAM};
  const int segment = 1000;
  ASSERT_EQ(setsockopt(s.fd(), IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment), 0);
  s.send(pattern(3000));
  for (int i = 0; i < 3; ++i) {
    const auto p = packet_of(next(17));
    EXPECT_EQ(p.size(), 1028u);
    EXPECT_TRUE(payload_sum_right(p));
  }
}

TEST_F(Kernel, a_tap_leaves_checksums_and_segmentation_to_us) {
  open_tap();
  if (HasFatalFailure()) return;
  EXPECT_FALSE(device_->caps().tx_ip_checksum || device_->caps().tx_l4_checksum);
  EXPECT_FALSE(device_->caps().rx_ip_checksum || device_->caps().rx_l4_checksum);
  EXPECT_FALSE(device_->caps().tcp_segmentation);
  EXPECT_TRUE(device_->caps().tx_multi_segment);
  EXPECT_EQ(device_->info().rx_queues, 1u) << "several queues of a tap would reorder";
}

TEST_F(Kernel, a_tap_goes_with_its_device) {
  open_tap();
  if (HasFatalFailure()) return;
  ASSERT_TRUE(ns_.run("ip link show sltap >/dev/null 2>&1"));
  port_.reset();
  device_.reset();
  EXPECT_FALSE(ns_.run("ip link show sltap >/dev/null 2>&1"));
}

TEST_F(Kernel, a_worker_at_rest_on_a_tap_costs_little) {
  open_tap();
  if (HasFatalFailure()) return;
  EXPECT_TRUE(device_->info().rx_interrupt);
  for (const IdleMode mode : {IdleMode::balanced, IdleMode::efficient}) {
    const double share = share_at_rest(mode);
    EXPECT_LT(share, 0.05);
    std::printf("tap at rest: %.2f %% of a core\n", share * 100);
  }
}

TEST_F(Kernel, a_packet_on_a_tap_ends_the_sleep_of_its_worker) {
  open_tap();
  if (HasFatalFailure()) return;
  const KernelSocket s{ns_, SOCK_DGRAM};
  std::atomic<int> taken{0};
  std::thread sender{[&] {
    for (int i = 0; i < 20; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds{5});  // the worker falls asleep, for up to 100 ms
      s.send(pattern(10));
      const Instant start = now();
      while (taken.load() == i && now() - start < patience) std::this_thread::yield();
    }
  }};
  Waker waker;
  Idle idle{IdleMode::efficient, waker, count_};
  idle.watch(*device_, 0);
  const Instant start = now();
  while (taken.load() < 20 && now() - start < patience) {
    Batch in;
    port_->rx(in);
    for (const Packet& p : in) taken.fetch_add(p.size() == 52 ? 1 : 0);
    idle.rest(!in.empty(), now(), Instant::never());
  }
  sender.join();
  EXPECT_EQ(taken.load(), 20);
  EXPECT_GE(count_[Counter::io_wakeups], 10u) << "a datagram may also meet a worker that is awake";
}

TEST_F(Kernel, no_packet_reaches_a_tap_by_signal) {
  open_tap();
  if (HasFatalFailure()) return;
  for (int s = SIGRTMIN; s <= SIGRTMAX; ++s) {
    struct sigaction action{};
    ASSERT_EQ(sigaction(s, nullptr, &action), 0);
    EXPECT_EQ(action.sa_handler, SIG_DFL) << "signal " << s;
  }
}

TEST_F(Kernel, af_packet_over_veth_needs_the_peers_transmit_offloads_off) {
  open_af_packet();
  if (HasFatalFailure()) return;
  {
    const KernelSocket s{ns_, SOCK_DGRAM};
    s.send(pattern(100));
    const auto f = next(17);
    ASSERT_FALSE(f.empty());
    EXPECT_FALSE(payload_sum_right(packet_of(f)))
        << "veth leaves the checksum to the other end: is it fixed?";
  }
  ASSERT_TRUE(ns_.run("ethtool -K slpeer tx off >/dev/null"));
  expect_datagrams_of_all_sizes_both_ways();
}

TEST_F(Kernel, a_worker_at_rest_on_af_packet_costs_little) {
  open_af_packet();
  if (HasFatalFailure()) return;
  EXPECT_FALSE(device_->info().rx_interrupt);
  for (const IdleMode mode : {IdleMode::balanced, IdleMode::efficient}) {
    const double share = share_at_rest(mode);
    EXPECT_LT(share, 0.05);
    std::printf("af_packet at rest: %.2f %% of a core\n", share * 100);
  }
}

}  // namespace
}  // namespace sluice::io
