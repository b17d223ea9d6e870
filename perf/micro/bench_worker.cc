// SPDX-License-Identifier: Apache-2.0
#include "perf/micro/bench_worker.h"

#include <rte_eal.h>
#include <sched.h>
#include <unistd.h>

#include <thread>

#include "base/rng.h"
#include "dns/zone_check.h"
#include "io/clock.h"
#include "perf/micro/frames.h"
#include "wire/arp.h"

namespace sluice::perf {
namespace {

std::vector<buf::Interface> interfaces(bool device_sums, bool ip6) {
  std::vector<buf::Interface> ports(2);
  ports[0] = {{.mac = our_mac}, {{us, 16}}};
  ports[1] = {{.mac = our_far_mac}, {{us_far, 24}}};
  for (buf::Interface& i : ports) {
    i.caps.tx_multi_segment = true;
    i.caps.rx_ip_checksum = i.caps.rx_l4_checksum = i.caps.tx_ip_checksum = i.caps.tx_l4_checksum =
        device_sums;
    i.ip6 = ip6;
  }
  ports[1].neighbours = {{other_gateway, far_mac}};
  if (ip6) {
    ports[0].addresses.push_back({us6, 64});
    ports[1].addresses.push_back({us6_far, 64});
    for (const Ip6Addr& a : {gateway6, other_gateway6}) ports[1].neighbours.push_back({a, far_mac});
  }
  return ports;
}

}  // namespace

void start_eal(bool huge) {
  std::vector<std::string> words{"bench", "--no-pci", "--no-telemetry", "-l", "0", "--log-level", "error"};
  if (huge)
    words.insert(words.end(), {"--in-memory", "-m", "1024"});
  else
    words.insert(words.end(), {"--no-huge", "--no-shconf", "-m", "1024"});
  std::vector<char*> argv;
  for (std::string& w : words) argv.push_back(w.data());
  check(rte_eal_init(static_cast<int>(argv.size()), argv.data()) >= 0, "EAL starts without devices");
}

std::shared_ptr<const dns::Zones> bench_zones(size_t names) {
  dns::Name apex;
  check(dns::Name::parse("bench.test", dns::Name{}, apex) == nullptr, "a name");
  std::string text = "$TTL 3600\n@ SOA ns1 host 1 7200 900 604800 300\n@ NS ns1\nns1 A 192.0.2.1\n";
  char line[64];
  for (size_t i = 0; i < names; ++i) {
    const int n = std::snprintf(line, sizeof line, "h%06zx A 10.%zu.%zu.%zu\n", i, i >> 16 & 255,
                                i >> 8 & 255, i & 255);
    text.append(line, static_cast<size_t>(n));
  }
  dns::Complaints complaints;
  const auto zone = dns::load_zone(text, "zone", apex, {}, {}, complaints);
  check(zone != nullptr, "the bench's zone is good");
  return std::make_shared<const dns::Zones>(std::vector{zone});
}

std::shared_ptr<const serve::Sites> bench_sites() {
  auto content = std::make_unique<serve::Content>();
  for (const auto& [path, size] :
       {std::pair{"/1k", 1024u}, std::pair{"/100k", 102'400u}, std::pair{"/10m", 10u << 20}})
    check(content->add_file(path, "application/octet-stream", as_bytes(std::string(size, 'x')), 784111777),
          "memory");
  auto all = std::make_shared<serve::Sites>();
  all->add({"www.bench.test"}, std::move(content));
  check(all->ok(), "memory");
  return all;
}

BenchWorker::BenchWorker(WorkerPlan p, buf::PacketPool& pool) : plan_{std::move(p)}, pool_{pool} {
  if (!plan_.zones) plan_.zones = bench_zones(16);
  if (!plan_.sites) plan_.sites = bench_sites();
  const auto ports = interfaces(plan_.device_sums, plan_.ip6);
  std::string wrong;
  const ip::Options ip;
  std::vector<ip::Route> routes;
  for (size_t n = 0; n < plan_.routes; ++n) routes.push_back(route(n, false));
  turned_.resize(plan_.routes);
  table_ = ip::Routes::build(ports, routes, ip, wrong);
  check(table_ != nullptr, "the bench's routes are good");
  std::vector<buf::NetPort*> net_ports;
  for (size_t i = 0; i < ports.size(); ++i)
    net_ports.push_back(ports_.emplace_back(std::make_unique<BenchPort>(plan_.burst)).get());
  auto services = std::make_unique<serve::Services>(plan_.tcp.connections, chunks_, count_);
  services->add_http(plan_.sites, {});
  const Listen dns[] = {{.port = {53}}}, http[] = {{.port = {80}}};
  static const link::Options link;
  static const ip::Options ip_options;
  static const udp::Options udp;
  stack_ = std::make_unique<Stack>(StackPlan{.link = link,
                                             .ip = ip_options,
                                             .udp = udp,
                                             .tcp = plan_.tcp,
                                             .interfaces = ports,
                                             .routes = table_,
                                             .dns = dns,
                                             .streams = http},
                                   net_ports, serve::DnsService{{plan_.zones}}, std::move(services), pool_,
                                   links_, count_, rng_, tcp::Keys{{1, 2}, {3, 4}, {5, 6}, {7, 8}});
  stack_->wall_clock(951782400);
  for (const Instant end = now_ + 5_s; now_ < end; pass(10_ms)) stack_->poll(now_);  // announcements
  meet(0, client_mac, client, us);
  meet(1, far_mac, gateway, us_far);
  for (auto& port : ports_) port->sent().clear();
}

ip::Route BenchWorker::route(size_t n, bool other) const {
  if (plan_.ip6) return {.to = {network6(n), 48}, .via = other ? other_gateway6 : gateway6, .port = 1};
  return {.to = {network(n), 24}, .via = other ? other_gateway : gateway};
}

void BenchWorker::turn_route(size_t n) {
  turned_[n] = !turned_[n];
  check(table_->set(route(n, turned_[n])).empty(), "a route changes");
}

void BenchWorker::turn_routes_beside(size_t per_second) {
  grace_.emplace(1);
  table_->readers_from_now_on(&*grace_);
  grace_->enter(0);
  cpu_set_t elsewhere;
  CPU_ZERO(&elsewhere);
  for (long cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN); ++cpu)
    if (cpu != sched_getcpu()) CPU_SET(static_cast<size_t>(cpu), &elsewhere);
  check(CPU_COUNT(&elsewhere) != 0, "there is another CPU");
  std::thread{[this, per_second, elsewhere] {
    check(sched_setaffinity(0, sizeof elsewhere, &elsewhere) == 0, "the other CPU is ours");
    Rng rng{11};
    const Instant begun = io::now();
    for (uint64_t made = 0;;) {
      const double due = (io::now() - begun).seconds() * static_cast<double>(per_second);
      if (static_cast<double>(made) >= due) continue;
      turn_route(rng() % plan_.routes);
      changes_.store(++made, std::memory_order_relaxed);
    }
  }}.detach();  // until the process ends
}

void BenchWorker::meet(size_t port, Mac who, Ip4Addr sender, Ip4Addr target) {
  buf::Packet p = pool_.alloc();
  uint8_t* frame = p.append(wire::Ethernet::header_len + 28);
  wire::Ethernet::emit(frame, Mac::broadcast(), who, wire::EtherType::Arp);
  wire::Arp::emit(frame + wire::Ethernet::header_len,
                  {.op = wire::ArpOp::Request, .sender_mac = who, .sender = sender, .target = target});
  give(port, std::move(p));
  stack_->poll(now_);
}

}  // namespace sluice::perf
