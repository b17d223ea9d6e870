// SPDX-License-Identifier: Apache-2.0
#include "app/appliance.h"

#include <algorithm>
#include <iostream>

#include "app/estimate.h"
#include "app/gauges.h"
#include "app/version.h"
#include "io/clock.h"
#include "io/entropy.h"
#include "serve/folder.h"
#include "tcp/route_hints.h"

namespace sluice::app {
namespace {

io::Hugepages hugepages(config::Hugepages h) {
  switch (h) {
    case config::Hugepages::On:
      return io::Hugepages::on;
    case config::Hugepages::Off:
      return io::Hugepages::off;
    case config::Hugepages::Auto:
      break;
  }
  return io::Hugepages::automatic;
}

io::IdleMode idle_mode(config::Mode m) {
  switch (m) {
    case config::Mode::Latency:
      return io::IdleMode::latency;
    case config::Mode::Efficient:
      return io::IdleMode::efficient;
    case config::Mode::Balanced:
      break;
  }
  return io::IdleMode::balanced;
}

ip::RouteKind route_kind(config::RouteKind k) {
  switch (k) {
    case config::RouteKind::Blackhole:
      return ip::RouteKind::Blackhole;
    case config::RouteKind::Unreachable:
      return ip::RouteKind::Unreachable;
    case config::RouteKind::Prohibit:
      return ip::RouteKind::Prohibited;
    case config::RouteKind::Forward:
      break;
  }
  return ip::RouteKind::Forward;
}

ip::Gateway gateway(const config::Config& c, const std::optional<IpAddr>& via,
                    const std::optional<std::string>& port) {
  ip::Gateway g{via.value_or(IpAddr{})};
  if (port)
    g.port = static_cast<uint16_t>(std::ranges::find(c.ports, *port, &config::Port::name) - c.ports.begin());
  return g;
}

ip::Route route_of(config::RouteKind kind, const std::vector<ip::Gateway>& gateways, const IpAddr& source) {
  ip::Route route{.kind = route_kind(kind), .source = source};
  if (gateways.empty()) return route;
  route.via = gateways[0].via;
  route.port = gateways[0].port;
  route.more.assign(gateways.begin() + 1, gateways.end());
  return route;
}

std::vector<ip::Route> static_routes(const config::Config& c) {
  std::vector<ip::Route> routes;
  for (const config::Route& r : c.routes) {
    std::vector<ip::Gateway> gateways;
    if (r.via || r.port) gateways.push_back(gateway(c, r.via, r.port));
    for (const IpAddr& via : r.more) gateways.push_back({via});
    routes.push_back(route_of(r.kind, gateways, r.source.value_or(IpAddr{})));
    routes.back().to = r.to;
    routes.back().transport = tcp::RouteHints{r.congestion, r.mss}.packed();
  }
  for (const config::RouteFile& file : c.file_routes) {
    std::vector<ip::Route> ways;
    for (const config::RouteWay& w : file.ways) {
      std::vector<ip::Gateway> gateways;
      for (const config::RouteWay::Hop& h : w.hops) gateways.push_back(gateway(c, h.via, h.port));
      ways.push_back(route_of(w.kind, gateways, w.source.value_or(IpAddr{})));
    }
    routes.reserve(routes.size() + file.routes.size());
    for (const config::RouteFile::Entry& e : file.routes) {
      routes.push_back(ways[e.way]);
      routes.back().to = e.to;
    }
  }
  return routes;
}

buf::ReversePath reverse_path(config::ReversePath r) {
  if (r == config::ReversePath::Strict) return buf::ReversePath::Strict;
  return r == config::ReversePath::Loose ? buf::ReversePath::Loose : buf::ReversePath::Off;
}

// Behind a bad line nothing may be left to the device: it would put checksums right again after the damage.
buf::PortCaps without_offloads(const buf::PortCaps& caps) {
  return {.mac = caps.mac, .mtu = caps.mtu, .tx_multi_segment = caps.tx_multi_segment};
}

void add_listeners(std::vector<Listen>& all, const std::vector<config::Endpoint>& endpoints, uint16_t service,
                   std::optional<tcp::Algorithm> congestion = {}) {
  for (const config::Endpoint& e : endpoints) {
    const bool any = e.addr.is_v4() && e.addr.v4().is_unspecified();  // :: is "no address" already
    all.push_back({any ? IpAddr{} : e.addr, e.port, service, congestion});
  }
}

template <class Service>
std::vector<Listen> listeners(const std::vector<Service>& services) {
  std::vector<Listen> all;
  for (size_t i = 0; i < services.size(); ++i)
    add_listeners(all, services[i].listen, static_cast<uint16_t>(i));
  return all;
}

// What a port says of us as a router, as link knows it.
link::Advertise advertise(const config::Advertise& a) {
  const auto seconds = [](Duration d) { return static_cast<uint32_t>(d.ns / 1'000'000'000); };
  link::Advertise out{.enabled = a.enabled,
                      .head = {.managed = a.managed,
                               .other = a.other,
                               .lifetime = static_cast<uint16_t>(seconds(a.lifetime))},
                      .rdnss_lifetime = 3 * seconds(a.interval),  // RFC 8106 §5.1
                      .mtu = a.mtu,
                      .most_interval = a.interval};
  for (const Prefix& p : a.prefixes)
    out.prefixes.push_back({.prefix = p.addr.v6(),
                            .length = p.length,
                            .valid = seconds(a.valid),
                            .preferred = seconds(a.preferred)});
  for (const IpAddr& server : a.rdnss) out.rdnss.push_back(server.v6());
  return out;
}

}  // namespace

Appliance::Appliance(const config::Config& config, std::vector<std::shared_ptr<const dns::Zones>> zones)
    : config_{config}, ip_{shared_out(config)}, zones_{std::move(zones)} {
  error_ = build();
}

Appliance::~Appliance() {
  if (running_) stop();
  telemetry_.reset();
  metrics_.reset();
  // Packets that wait in a device or on a bad line hold parts of the workers' chunks and of the sites: they
  // go first.
  devices_.clear();
  for (const auto& w : workers_) w->impaired.clear();
  workers_.clear();
}

// Each step says what is wrong, or nothing.
std::string Appliance::build() {
  if (auto wrong = make_memory(); !wrong.empty()) return wrong;
  if (auto wrong = make_sites(); !wrong.empty()) return wrong;
  if (auto wrong = make_ports(); !wrong.empty()) return wrong;
  std::string wrong;
  routes_ = ip::Routes::build(interfaces_, static_routes(config_), config_.ip, wrong);
  if (routes_ == nullptr) return "routes: " + wrong;
  readers_ = std::make_unique<io::Quiescence>(config_.workers.cores.size());
  routes_->readers_from_now_on(readers_.get());
  gossip_ = std::make_unique<Gossip>(config_.workers.cores.size());
  for (size_t k = 0; k < config_.workers.cores.size(); ++k)
    if (wrong = make_worker(k); !wrong.empty()) return wrong;
  for (size_t k = 0; k < workers_.size(); ++k) {
    wire_ports(k);
    wire_services(k);
  }
  return serve_metrics();
}

std::string Appliance::make_memory() {
  io::EalOptions o;
  o.cores.assign(config_.workers.cores.begin(), config_.workers.cores.end());
  o.hugepages = hugepages(config_.memory.hugepages);
  o.memory_mb = config_.memory.megabytes != 0 ? config_.memory.megabytes : estimate_megabytes(config_);
  for (const config::Port& p : config_.ports) {
    if (p.device.kind == io::DeviceKind::pci) o.pci.push_back(p.device.target);
    o.virtio_user |= p.device.kind == io::DeviceKind::virtio_user;
  }
  eal_ = std::make_unique<io::Eal>(o);
  for (const std::string& w : eal_->warnings()) std::cout << "sluice: " << w << '\n';
  if (!eal_->ok()) return eal_->error();
  pool_ = std::make_unique<buf::PacketPool>("sluice", config_.memory.packets, config_.memory.headers,
                                            packet_room(config_), config_.memory.large);
  if (!pool_->ok()) return pool_->error() + "; give more memory.megabytes, or fewer memory.packets";
  return {};
}

std::string Appliance::make_sites() {
  for (const config::HttpService& service : config_.http) {
    auto sites = std::make_shared<serve::Sites>();
    for (const config::Site& site : service.sites) {
      auto content = std::make_unique<serve::Content>();
      const auto wrong = serve::load_folder(config_.path(site.root), service.options, *content);
      if (!wrong.empty()) {
        std::string all;
        for (const std::string& w : wrong) all += (all.empty() ? "" : "\n        ") + w;
        return all;
      }
      sites->add(site.names, std::move(content));
    }
    if (!sites->ok()) return "no memory for the sites; give more memory.megabytes";
    sites_.push_back(std::move(sites));
  }
  return {};
}

std::string Appliance::make_ports() {
  const size_t workers = config_.workers.cores.size();
  const RssKey key = io::random_rss_key();
  steering_ = std::make_unique<io::Steering>(key, workers);
  std::vector<io::DeviceInfo> table;
  for (const config::Port& p : config_.ports) {
    io::DeviceRequest r{.name = p.name, .device = p.device, .mtu = p.mtu};
    if (p.mac) r.mac = *p.mac;
    r.queues = static_cast<uint16_t>(p.queues == 0 ? workers : std::min<size_t>(p.queues, workers));
    r.rx_descriptors = p.rx_descriptors;
    r.tx_descriptors = p.tx_descriptors;
    r.interrupts = config_.workers.mode != config::Mode::Latency;
    r.promiscuous = p.promiscuous;
    r.offloads = !p.impair.any();
    r.forwards = config_.ip.forward;
    r.rss_key = key;
    devices_.push_back(std::make_unique<io::Device>(r, *pool_));
    const io::Device& device = *devices_.back();
    if (!device.ok()) return "port '" + p.name + "': " + device.error();
    for (const std::string& w : device.warnings())
      std::cout << "sluice: port '" << p.name << "': " << w << '\n';
    table.push_back(device.info());

    const auto six = [](const Prefix& a) { return !a.addr.is_v4(); };
    buf::Interface interface{.caps = device.caps(),
                             .addresses = p.addresses,
                             .reverse_path = reverse_path(p.reverse_path),
                             .ip6 = p.slaac || p.advertise.enabled || std::ranges::any_of(p.addresses, six),
                             .slaac = p.slaac};
    advertise_.push_back(advertise(p.advertise));
    if (p.impair.any()) interface.caps = without_offloads(interface.caps);
    interfaces_.push_back(std::move(interface));
    exchanges_.push_back(
        workers == 1 ? nullptr
                     : std::make_unique<io::Exchange>(static_cast<uint16_t>(exchanges_.size()), workers,
                                                      device.info().rx_queues, config_.workers.ring));
    if (exchanges_.back() && !exchanges_.back()->ok())
      return "port '" + p.name + "': " + exchanges_.back()->error();
  }
  io::print_table(std::cout, table);
  return {};
}

// What waits for its siblings must leave the ports their packets.
ip::Options Appliance::shared_out(const config::Config& c) {
  ip::Options o = c.ip;
  const auto share = static_cast<uint32_t>(c.memory.packets / 8 / c.workers.cores.size());
  o.reassembly_packets = std::min(o.reassembly_packets, share);
  o.follow_packets = std::min(o.follow_packets, share);
  return o;
}

std::string Appliance::make_worker(size_t k) {
  workers_.push_back(
      std::make_unique<Worker>(k, io::random_seed(), idle_mode(config_.workers.mode), *gossip_, *readers_));
  Worker& w = *workers_.back();
  wakers_.push_back(&w.waker);
  w.links = std::make_unique<buf::LinkPool>(config_.memory.links);
  w.chunks = std::make_unique<buf::ChunkPool>(config_.memory.chunks);
  if (w.chunks->size() != config_.memory.chunks)
    return "no memory for the chunks of worker " + std::to_string(k) +
           "; give more memory.megabytes, or fewer memory.chunks";
  return {};
}

// queue -> bad line, if any -> steering, if there are several workers.
void Appliance::wire_ports(size_t k) {
  Worker& w = *workers_[k];
  w.siblings = wakers_;
  for (uint16_t i = 0; i < devices_.size(); ++i) {
    const io::Device& device = *devices_[i];
    buf::NetPort* port = nullptr;
    if (k < device.info().rx_queues) {
      port =
          w.queues.emplace_back(std::make_unique<io::QueuePort>(device, static_cast<uint16_t>(k), i, w.count))
              .get();
      w.idle.watch(device, static_cast<uint16_t>(k));
      const io::ImpairOptions& bad = config_.ports[i].impair;
      if (bad.any())
        port =
            w.impaired.emplace_back(std::make_unique<io::ImpairedPort>(*port, bad, io::now, *pool_, w.count))
                .get();
    }
    if (exchanges_[i])
      port = w.steered
                 .emplace_back(std::make_unique<io::SteeredPort>(io::SteeredPort::Parts{
                     k, port, device.info().rss, *exchanges_[i], *steering_, wakers_, *pool_, w.count}))
                 .get();
    w.ports.push_back(port);
  }
}

void Appliance::wire_services(size_t k) {
  Worker& w = *workers_[k];
  auto services = std::make_unique<serve::Services>(config_.tcp.connections, *w.chunks, w.count);
  std::vector<Listen> streams;
  for (size_t i = 0; i < sites_.size(); ++i)
    add_listeners(streams, config_.http[i].listen, services->add_http(sites_[i], config_.http[i].options),
                  config_.http[i].congestion);
  const auto add_inetd = [&](serve::InetdKind kind, const std::vector<config::InetdService>& all) {
    for (const config::InetdService& s : all)
      add_listeners(streams, s.listen, services->add_inetd(kind, s.options), s.congestion);
  };
  add_inetd(serve::InetdKind::Echo, config_.echo);
  add_inetd(serve::InetdKind::Discard, config_.discard);
  const auto dns = listeners(config_.dns), echo = listeners(config_.echo),
             discard = listeners(config_.discard);
  // The workers share the pool of packets, and what their connections hold must leave half of it to the
  // ports.
  tcp::Options tcp = config_.tcp;
  tcp.held_packets = static_cast<uint32_t>(
      std::min<uint64_t>(tcp.held_packets, config_.memory.packets / 2 / workers_.size()));
  const StackPlan plan{.link = config_.arp,
                       .ip = ip_,
                       .udp = config_.udp,
                       .tcp = tcp,
                       .interfaces = interfaces_,
                       .routes = routes_,
                       .dns = dns,
                       .streams = streams,
                       .echo = echo,
                       .discard = discard,
                       .keeps_neighbours = k == 0,
                       .meter = &w.stages,
                       .advertise = advertise_,
                       .nd = &config_.nd};
  w.stack = std::make_unique<Stack>(plan, w.ports, serve::DnsService{zones_}, std::move(services), *pool_,
                                    *w.links, w.count, w.rng,
                                    tcp::Keys{.table = io::random_sip_key(),
                                              .isn = io::random_sip_key(),
                                              .cookies = io::random_sip_key(),
                                              .ports = io::random_sip_key()});
}

std::string Appliance::serve_metrics() {
  std::vector<const Counters*> counters;
  for (const auto& w : workers_) counters.push_back(&w->count);
  metrics_ = std::make_unique<Metrics>(std::move(counters));
  add_gauges(*metrics_, {.pool = *pool_, .config = config_, .devices = devices_, .workers = workers_});
  telemetry_ = std::make_unique<Telemetry>(workers_);
  if (!config_.metrics.listen) return {};
  return metrics_->serve(to_text(config_.metrics.listen->addr) + ":" +
                         std::to_string(config_.metrics.listen->port.v));
}

void Appliance::start() {
  running_ = true;
  struct Launch {
    Worker* worker;
    const std::atomic<bool>* stop;
    std::atomic<size_t>* leaving;
  };
  leaving_ = workers_.size();
  for (size_t k = 0; k < workers_.size(); ++k) {
    auto run = [](void* p) {
      const std::unique_ptr<Launch> l{static_cast<Launch*>(p)};
      l->worker->run(*l->stop, *l->leaving);
      return 0;
    };
    check(eal_->launch(k, run, new Launch{workers_[k].get(), &stop_, &leaving_}),
          "a worker is launched once");
  }
}

void Appliance::watch_links() {
  for (uint16_t port = 0; port < devices_.size(); ++port)
    routes_->link_state(port, devices_[port]->link_up());
}

void Appliance::stop() {
  stop_.store(true);
  for (io::Waker* w : wakers_) w->wake();
  for (size_t k = 0; k < workers_.size(); ++k) eal_->join(k);
  running_ = false;
}

}  // namespace sluice::app
