// SPDX-License-Identifier: Apache-2.0
// Any frames at any pace into a whole stack: what it sends is proper, what it holds is bounded and comes back
// with time, and nothing is left when it ends.
//
// Input: an octet of modes (1: checksums are made to fit; 2: TCP numbers are offsets to what the stack said
// last; 4: frames come by the second port; 8: few packets; 16: no handshake is remembered; 32: each port has
// a VRF of its own; 64: the second port clamps the MSS of SYNs through us), then records: an octet of time
// (low four bits n: 2^(n-1) ms, 0: none; 0x10: what was sent meanwhile is not noted for mode 2), a length of
// two octets, little end first, and a frame of that length.
#include "base/check.h"
#include "support/fuzz_input.h"
#include "support/mender.h"
#include "support/virtual_worker.h"

namespace sluice::test {
namespace {

struct Input : FuzzInput {
  std::vector<uint8_t> frame() {
    const size_t length = std::min<size_t>(u16(), left.size());
    std::vector<uint8_t> f(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(length));
    left = left.subspan(length);
    return f;
  }
};

std::vector<buf::Interface> interfaces() {
  std::vector<buf::Interface> ports(2);
  ports[0] = {{.mac = {{2, 0, 0, 0, 0, 1}}}, {{Ip4Addr::of(198, 18, 0, 1), 24}}};
  ports[1] = {{.mac = {{2, 0, 0, 0, 0, 2}}}, {{Ip4Addr::of(198, 19, 0, 1), 24}}};
  return ports;
}

// A table of 16 million entries: built once.
std::shared_ptr<const ip::Routes> routes() {
  static const auto built = [] {
    std::string wrong;
    return ip::Routes::build(
        interfaces(), std::vector<ip::Route>{{*parse_prefix("203.0.113.0/24"), Ip4Addr::of(198, 19, 0, 2)}},
        {}, wrong);
  }();
  return built;
}

WorkerPlan plan(bool cookies, bool two_vrfs, bool clamps) {
  start_eal();
  WorkerPlan p{interfaces()};
  p.interfaces[1].mss_clamp.to_mtu = clamps;
  if (two_vrfs) {
    p.interfaces[1].vrf = 1;
    p.listens_in = {0, 1};
  } else {
    p.routes = routes();
  }
  p.link.neighbours = 16;
  p.link.queue_total = 32;
  p.tcp.connections = p.tcp.time_waits = 8;
  p.tcp.half_open = cookies ? 0 : 4;
  p.tcp.receive_buffer = p.tcp.send_buffer = 16'384;
  p.tcp.send_buffer_most = 32'768;
  p.tcp.held_pieces = 16;
  p.ip.reassembly_packets = 64;
  p.ip.follow_packets = 16;
  return p;
}

buf::PacketPool& few_packets() {
  start_eal();
  static buf::PacketPool pool{"few", 400, 400};
  check(pool.ok(), "a small packet pool");
  return pool;
}

class Run {
 public:
  explicit Run(Bytes in)
      : in_{in},
        modes_{in_.u8()},
        pool_{modes_ & 8 ? few_packets() : packet_pool()},
        packets_{pool_.packets_free()},
        headers_{pool_.headers_free()},
        worker_{std::in_place, plan((modes_ & 16) != 0, (modes_ & 32) != 0, (modes_ & 64) != 0), pool_} {
    while ((modes_ & 8) && pool_.packets_free() > 12) others_.push_back(pool_.alloc());
  }

  void through() {
    while (!in_.left.empty()) step();
    // Nothing that came can hold on for ever.
    others_.clear();
    worker_->run(now_, 2000_s);
    (void)worker_->sent(0), (void)worker_->sent(1);
    check(worker_->connections() == 0, "connections end");
    all_back("with time, packets come back");
    worker_->stack().shut_down(now_);
    worker_.reset();
    all_back("a stack that is gone holds nothing");
  }

 private:
  void step() {
    const uint8_t time = in_.u8();
    std::vector<uint8_t> frame = in_.frame();
    if (modes_ & 2) mender_.follow(frame);
    if (modes_ & 1) Mender::mend(frame);
    worker_->port((modes_ & 4) != 0).arrive(std::move(frame));
    worker_->turn(now_);
    if (const int n = time & 15; n != 0) worker_->run(now_, Duration::from_ms(1) * (1 << (n - 1)));
    for (size_t port = 0; port < 2; ++port)
      for (const auto& sent : worker_->sent(port))
        if (!(time & 0x10)) mender_.saw(sent);
    // Each connection's held pieces, and what waits for neighbours and for other fragments.
    const size_t held = packets_ - others_.size() - pool_.packets_free();
    check(held <= 8 * 16 * 2 + 32 + 64 + 64 + 16, "what is held is bounded");
  }
  void all_back(const char* claim) const {
    check(pool_.packets_free() == packets_ && pool_.headers_free() == headers_, claim);
  }

  Input in_;
  uint8_t modes_;
  buf::PacketPool& pool_;
  uint32_t packets_, headers_;
  Instant now_{1'000'000'000};
  Mender mender_;
  std::vector<buf::Packet> others_;  // what is not there in times of few packets
  std::optional<VirtualWorker> worker_;
};

}  // namespace
}  // namespace sluice::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* d, size_t n) {
  if (n > 16'384) return 0;
  sluice::test::Run{{d, n}}.through();
  return 0;
}
