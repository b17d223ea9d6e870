// SPDX-License-Identifier: Apache-2.0
// How much memory a worker needs to hold many connections: a whole stack with its HTTP server in memory, and
// clients without state of their own (all they need is in what they are sent), so that what the process grows
// by is the server's. Each connection fetches a page, then stays. Usage: hold [connections] [half_open].
#include <rte_eal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/check.h"
#include "stack.h"
#include "wire/arp.h"
#include "wire/ethernet.h"
#include "wire/tcp.h"

namespace sluice::perf {
namespace {

constexpr Mac our_mac{{2, 0, 0, 0, 0, 1}}, client_mac{{2, 0, 0, 0, 0, 9}};
constexpr Ip4Addr us = Ip4Addr::of(198, 18, 0, 1);
constexpr size_t l2 = wire::Ethernet::header_len, l4 = l2 + wire::Ip4::min_header_len;
constexpr std::string_view request = "GET / HTTP/1.1\r\nHost: hold.test\r\n\r\n";
constexpr uint32_t ports_each = 50'000, first_port = 1'024;  // of a client's address

Ip4Addr address_of(uint32_t client) { return {us.v + 1 + client}; }

class LinePort final : public buf::NetPort {
 public:
  void rx(buf::Batch& in) override {
    while (!in.full() && !waiting.empty()) {
      in.push(std::move(waiting.back()));
      waiting.pop_back();
    }
  }
  void tx(buf::Batch& out) override {
    for (buf::Packet& p : out) sent.push_back(std::move(p));
    out.clear();
  }
  std::vector<buf::Packet> waiting, sent;
};

// Octets of memory the process has, from the kernel; without hugepages that is all it uses.
uint64_t resident() {
  std::FILE* f = std::fopen("/proc/self/statm", "r");
  unsigned long size = 0, pages = 0;
  if (f == nullptr || std::fscanf(f, "%lu %lu", &size, &pages) != 2) std::abort();
  std::fclose(f);
  return pages * 4096ull;
}

class Hold {
 public:
  Hold(uint32_t connections, uint32_t half_open, buf::PacketPool& pool)
      : connections_{connections}, pool_{pool} {
    interfaces_[0] = {{.mac = our_mac,
                       .rx_ip_checksum = true,
                       .rx_l4_checksum = true,
                       .tx_ip_checksum = true,
                       .tx_l4_checksum = true,
                       .tx_multi_segment = true},
                      {{us, 15}}};
    tcp_.connections = connections;
    tcp_.half_open = half_open;
    http_.idle_timeout = http_.head_timeout = 3'600_s;
    auto content = std::make_unique<serve::Content>();
    const std::string page(1024, 'x');
    check(
        content->add_file("/", "text/plain", {reinterpret_cast<const uint8_t*>(page.data()), page.size()}, 1),
        "memory for a page");
    auto sites = std::make_shared<serve::Sites>();
    sites->add({"hold.test"}, std::move(content));
    auto services = std::make_unique<serve::Services>(connections, chunks_, count_);
    services->add_http(sites, http_);
    std::string wrong;
    const Listen http[] = {{.port = {80}}};
    buf::NetPort* ports[] = {&port_};
    const auto routes = ip::Routes::build(interfaces_, {}, ip_, wrong);
    stack_ = std::make_unique<Stack>(
        StackPlan{.link = link_,
                  .ip = ip_,
                  .udp = udp_,
                  .tcp = tcp_,
                  .interfaces = interfaces_,
                  .routes = routes,
                  .streams = http},
        ports, serve::DnsService{std::vector<std::shared_ptr<const dns::Zones>>{}}, std::move(services), pool,
        links_, count_, rng_, tcp::Keys{{1, 2}, {3, 4}, {5, 6}, {7, 8}});
    stack_->wall_clock(1'000'000'000);
    turn();
    port_.sent.clear();
    for (uint32_t c = 0; c * ports_each < connections; ++c) meet(address_of(c));
  }

  // All of them, `burst` at a time.
  void open() {
    constexpr uint32_t burst = 16;
    for (uint32_t n = 0; n < connections_; n += burst) {
      for (uint32_t i = n; i < std::min(n + burst, connections_); ++i)
        segment(address_of(i / ports_each), static_cast<uint16_t>(first_port + i % ports_each),
                {.seq = {1000}, .flags = wire::tcp_flag::syn},
                {.mss = 1460, .shift = WindowShift{7}, .timestamps = wire::TcpTimestamps{1, 0}});
      // SYN; answer and request; response and its acknowledgement.
      for (int step = 0; step < 3; ++step) {
        turn();
        hear();
      }
      turn();
      hear();
    }
  }
  uint32_t established() const { return stack_->tcp().connections(tcp::State::Established); }
  uint64_t fetched() const { return fetched_; }
  uint64_t cookies() const { return count_[Counter::tcp_cookies_good]; }

 private:
  void turn() {
    now_ = now_ + 50_us;
    stack_->poll(now_);
  }
  void meet(Ip4Addr who) {
    buf::Packet p = pool_.alloc();
    uint8_t* b = p.append(static_cast<uint16_t>(l2 + wire::Arp::len));
    wire::Ethernet::emit(b, our_mac, client_mac, wire::EtherType::Arp);
    wire::Arp::emit(b + l2,
                    {.op = wire::ArpOp::Request, .sender_mac = client_mac, .sender = who, .target = us});
    port_.waiting.push_back(std::move(p));
    turn();
    port_.sent.clear();
  }
  void segment(Ip4Addr from, uint16_t port, wire::Tcp::Value v, const wire::TcpOptions& options,
               std::string_view text = {}) {
    buf::Packet p = pool_.alloc();
    check(static_cast<bool>(p), "the bench has packets");
    v.src = {port};
    v.dst = {80};
    v.window = {65'535};
    v.options = options.size();
    const size_t header = wire::Tcp::header_len + v.options, length = header + text.size();
    uint8_t* b = p.append(static_cast<uint16_t>(l4 + length));
    wire::Ethernet::emit(b, our_mac, client_mac, wire::EtherType::Ip4);
    wire::Ip4::emit(b + l2, {.total_length = static_cast<uint16_t>(l4 - l2 + length),
                             .dont_fragment = true,
                             .proto = 6,
                             .src = from,
                             .dst = us});
    wire::Tcp::emit(b + l4, v);
    options.emit(b + l4 + wire::Tcp::header_len);
    if (!text.empty()) std::memcpy(b + l4 + header, text.data(), text.size());
    p.raw()->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    port_.waiting.push_back(std::move(p));
  }
  // Answers what was sent: SYN and ACK with the request, text with an acknowledgement.
  void hear() {
    std::vector<buf::Packet> sent;
    sent.swap(port_.sent);
    for (const buf::Packet& p : sent) {
      if (load_be<uint16_t>(p.data() + 12) != 0x0800 || p.data()[l2 + 9] != 6) continue;
      const auto h = *wire::Tcp::parse(p.bytes().subspan(l4));
      check(!(h.flags() & (wire::tcp_flag::rst | wire::tcp_flag::fin)), "no connection ends");
      const Ip4Addr who = Ip4Addr::load(p.data() + l2 + 16);
      const auto stamps = wire::TcpOptions::parse(h.options())->timestamps;
      wire::TcpOptions options{};
      if (stamps) options.timestamps = wire::TcpTimestamps{2, stamps->val};
      if (h.flags() & wire::tcp_flag::syn) {
        segment(who, h.dst().v, {.seq = h.ack(), .ack = h.seq() + 1, .flags = wire::tcp_flag::ack}, options,
                request);
        continue;
      }
      const auto text = static_cast<uint32_t>(p.size() - l4 - h.length());
      if (text == 0) continue;
      fetched_ += text;
      segment(who, h.dst().v, {.seq = h.ack(), .ack = h.seq() + text, .flags = wire::tcp_flag::ack}, options);
    }
  }

  uint32_t connections_;
  buf::PacketPool& pool_;
  Counters count_;
  Rng rng_{1};
  link::Options link_;
  ip::Options ip_;
  udp::Options udp_;
  tcp::Options tcp_;
  http::Options http_;
  std::vector<buf::Interface> interfaces_{1};
  LinePort port_;
  buf::LinkPool links_{65'536};
  buf::ChunkPool chunks_{4'096};
  Instant now_{1'000'000'000};
  uint64_t fetched_ = 0;
  std::unique_ptr<Stack> stack_;
};

void run(uint32_t connections, uint32_t half_open) {
  using Clock = std::chrono::steady_clock;
  const auto ms = [](Clock::time_point since) {
    return std::chrono::duration<double, std::milli>(Clock::now() - since).count();
  };
  buf::PacketPool pool{"hold", 16'383, 16'383};
  check(pool.ok(), "packet pools");
  const uint64_t before = resident();
  auto at = Clock::now();
  Hold hold{connections, half_open, pool};
  const double start = ms(at);
  const uint64_t started = resident();
  at = Clock::now();
  hold.open();
  const double opening = ms(at);
  const uint64_t all = resident();
  std::printf("connections          %u held of %u, %lu octets of pages fetched, %lu by cookies\n",
              hold.established(), connections, static_cast<unsigned long>(hold.fetched()),
              static_cast<unsigned long>(hold.cookies()));
  std::printf("start                %.0f ms, %.1f MiB\n", start,
              static_cast<double>(started - before) / 1048576);
  std::printf("opening              %.0f ms, %.2f us each, client included\n", opening,
              opening * 1000 / connections);
  std::printf("a connection         %.0f octets, HTTP session and all tables included\n",
              static_cast<double>(all - before) / connections);
  std::printf("the whole process    %.1f MiB, packet pools and EAL included\n",
              static_cast<double>(all) / 1048576);
  check(hold.established() == connections, "every connection is held");
}

}  // namespace
}  // namespace sluice::perf

int main(int argc, char** argv) {
  const auto number = [&](int i, uint32_t otherwise) {
    return argc > i ? static_cast<uint32_t>(std::strtoul(argv[i], nullptr, 10)) : otherwise;
  };
  std::vector<std::string> words{"hold", "--no-huge", "--no-pci", "--no-telemetry", "--no-shconf", "-m",
                                 "256",  "-l",        "0",        "--log-level",    "error"};
  std::vector<char*> eal;
  for (std::string& w : words) eal.push_back(w.data());
  sluice::check(rte_eal_init(static_cast<int>(eal.size()), eal.data()) >= 0, "EAL starts without devices");
  sluice::perf::run(number(1, 1'000'000), number(2, 4'096));
  return 0;
}
