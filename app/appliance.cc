// SPDX-License-Identifier: Apache-2.0
#include "app/appliance.h"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <thread>

#include "app/estimate.h"
#include "app/gauges.h"
#include "app/plan.h"
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

void add_listeners(std::vector<Listen>& all, const std::vector<config::Endpoint>& endpoints, uint16_t vrf,
                   uint16_t service, std::optional<tcp::Algorithm> congestion = {},
                   const tcp::ListenerLimits& limits = {}) {
  for (const config::Endpoint& e : endpoints) {
    const bool any = e.addr.is_v4() && e.addr.v4().is_unspecified();  // :: is "no address" already
    all.push_back({any ? IpAddr{} : e.addr, e.port, service, congestion, limits, vrf});
  }
}

template <class Service>
std::vector<Listen> listeners(const std::vector<Service>& services, const PortTable& table) {
  std::vector<Listen> all;
  for (size_t i = 0; i < services.size(); ++i)
    add_listeners(all, services[i].listen, table.vrf(services[i].vrf), static_cast<uint16_t>(i));
  return all;
}

std::string of_vrf(const std::string& name) {
  return name == config::default_vrf ? std::string{} : " of VRF '" + name + "'";
}

}  // namespace

Appliance::Appliance(const config::Config& config, std::vector<std::shared_ptr<const dns::Zones>> zones)
    : config_{config}, ip_{shared_out(config)}, zones_{std::move(zones)}, table_{config} {
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
  readers_ = std::make_unique<io::Quiescence>(config_.workers.cores.size());
  std::string wrong = make_routes(table_, &config_);
  if (!wrong.empty()) return wrong;
  count_routes();
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
    for (const io::DeviceOptions& member : p.device.members)
      if (member.kind == io::DeviceKind::pci) o.pci.push_back(member.target);
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
  std::vector<io::DeviceInfo> found;
  std::vector<buf::PortCaps> caps;
  for (size_t i = 0; i < table_.devices(); ++i) {
    const config::Port& p = *table_.find(config_, i);
    io::DeviceRequest r{.name = p.name, .device = p.device, .mtu = p.mtu};
    if (p.mac) r.mac = *p.mac;
    r.queues = static_cast<uint16_t>(p.queues == 0 ? workers : std::min<size_t>(p.queues, workers));
    r.rx_descriptors = p.rx_descriptors;
    r.tx_descriptors = p.tx_descriptors;
    r.interrupts = config_.workers.mode != config::Mode::Latency;
    r.promiscuous = p.promiscuous;
    r.offloads = !p.impair.any();
    r.forwards = config_.ip.forward;
    for (const config::Port& q : config_.ports)
      if (q.parent == p.name) r.tags = std::max<uint8_t>(r.tags, q.outer_vlan != 0 ? 2 : 1);
    r.rss_key = key;
    devices_.push_back(std::make_unique<io::Device>(r, *pool_));
    const io::Device& device = *devices_.back();
    if (!device.ok()) return "port '" + p.name + "': " + device.error();
    for (const std::string& w : device.warnings())
      std::cout << "sluice: port '" << p.name << "': " << w << '\n';
    found.push_back(device.info());
    caps.push_back(device.caps());
    exchanges_.push_back(
        workers == 1 ? nullptr
                     : std::make_unique<io::Exchange>(static_cast<uint16_t>(exchanges_.size()), workers,
                                                      device.info().rx_queues, config_.workers.ring));
    if (exchanges_.back() && !exchanges_.back()->ok())
      return "port '" + p.name + "': " + exchanges_.back()->error();
  }
  if (std::string no = admit_vlans(table_); !no.empty()) return no;
  io::print_table(std::cout, found);
  interfaces_ = interfaces(config_, table_, caps);
  advertise_ = advertisements(config_, table_);
  return {};
}

std::string Appliance::admit_vlans(const PortTable& table) {
  for (size_t i = 0; i < table.size(); ++i) {
    const PortTable::Slot& s = table[i];
    if (s.name.empty() || !s.tags) continue;
    const std::string no =
        devices_[s.device]->admit_vlan(s.tags->outer_vlan != 0 ? s.tags->outer_vlan : s.tags->vlan);
    if (!no.empty()) return "port '" + s.name + "': " + no;
  }
  return {};
}

// A table for each VRF that has none yet: with what `config` says of it, or (null) with nothing.
std::string Appliance::make_routes(const PortTable& table, const config::Config* config) {
  for (size_t i = routes_.size(); i < table.vrfs().size(); ++i) {
    const auto vrf = static_cast<uint16_t>(i);
    const auto ports = config == nullptr ? std::vector<buf::Interface>{} : buf::of_vrf(interfaces_, vrf);
    const auto statics = config == nullptr ? std::vector<ip::Route>{} : static_routes(*config, table, vrf);
    std::string wrong;
    auto routes = ip::Routes::build(ports, statics, config_.ip, wrong);
    if (routes == nullptr) return "routes" + of_vrf(table.vrfs()[i]) + ": " + wrong;
    routes->readers_from_now_on(readers_.get());
    routes_.push_back(std::move(routes));
  }
  return {};
}

void Appliance::count_routes() {
  const std::lock_guard lock{changing_};
  route_tables_.clear();
  for (size_t i = 0; i < table_.vrfs().size(); ++i)
    route_tables_.push_back({table_.vrfs()[i], routes_[i]->size(), routes_[i]->octets()});
}

std::vector<std::shared_ptr<const ip::Routes>> Appliance::other_routes() const {
  return {routes_.begin() + 1, routes_.end()};
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
      const io::ImpairOptions& bad = table_.find(config_, i)->impair;
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
  w.trunks.resize(devices_.size());
}

// Makes the worker's ports with tags that it does not have yet; those that they replace go to `old`.
link::Wiring Appliance::wire_tags(Worker& w, const PortTable& table,
                                  std::vector<std::unique_ptr<link::SubPort>>& old) {
  link::Wiring wiring;
  wiring.ports = w.ports;
  std::vector<std::vector<link::SubPort*>> plugged(devices_.size());
  w.sub_ports.resize(table.size());
  for (size_t i = devices_.size(); i < table.size(); ++i) {
    const PortTable::Slot& slot = table[i];
    auto& trunk = w.trunks[slot.device];
    if (trunk == nullptr) trunk = std::make_unique<link::Trunk>(*w.ports[slot.device], w.count);
    auto& port = w.sub_ports[i];
    if (port == nullptr || !table_.keeps(i, table)) {
      if (port != nullptr) old.push_back(std::move(port));
      const bool inserts = interfaces_[slot.device].caps.tx_vlan;
      port = std::make_unique<link::SubPort>(*slot.tags, inserts, w.count);
    }
    // One that is nobody's is plugged in nowhere: what is still sent to it dies there.
    if (!slot.name.empty()) plugged[slot.device].push_back(port.get());
    wiring.ports.push_back(port.get());
  }
  for (size_t d = 0; d < devices_.size(); ++d) {
    if (w.trunks[d] == nullptr) continue;
    wiring.ports[d] = w.trunks[d].get();
    wiring.trunks.push_back({w.trunks[d].get(), std::move(plugged[d])});
  }
  return wiring;
}

void Appliance::wire_services(size_t k) {
  Worker& w = *workers_[k];
  auto services = std::make_unique<serve::Services>(config_.tcp.connections, *w.chunks, w.count);
  std::vector<Listen> streams;
  for (size_t i = 0; i < sites_.size(); ++i)
    add_listeners(streams, config_.http[i].listen, table_.vrf(config_.http[i].vrf),
                  services->add_http(sites_[i], config_.http[i].options), config_.http[i].congestion,
                  config_.http[i].limits);
  const auto add_inetd = [&](serve::InetdKind kind, const std::vector<config::InetdService>& all) {
    for (const config::InetdService& s : all)
      add_listeners(streams, s.listen, table_.vrf(s.vrf), services->add_inetd(kind, s.options), s.congestion,
                    s.limits);
  };
  add_inetd(serve::InetdKind::Echo, config_.echo);
  add_inetd(serve::InetdKind::Discard, config_.discard);
  const auto dns = listeners(config_.dns, table_), echo = listeners(config_.echo, table_),
             discard = listeners(config_.discard, table_);
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
                       .routes = routes_[0],
                       .dns = dns,
                       .streams = streams,
                       .echo = echo,
                       .discard = discard,
                       .keeps_neighbours = k == 0,
                       .meter = &w.stages,
                       .advertise = advertise_,
                       .nd = &config_.nd,
                       .vrfs = other_routes()};
  std::vector<std::unique_ptr<link::SubPort>> none;
  const link::Wiring wiring = wire_tags(w, table_, none);
  wiring.plug();
  w.stack = std::make_unique<Stack>(plan, wiring.ports, serve::DnsService{zones_}, std::move(services),
                                    *pool_, *w.links, w.count, w.rng,
                                    tcp::Keys{.table = io::random_sip_key(),
                                              .isn = io::random_sip_key(),
                                              .cookies = io::random_sip_key(),
                                              .ports = io::random_sip_key()});
}

std::string Appliance::serve_metrics() {
  std::vector<const Counters*> counters;
  for (const auto& w : workers_) counters.push_back(&w->count);
  metrics_ = std::make_unique<Metrics>(std::move(counters));
  add_gauges(*metrics_, {.pool = *pool_,
                         .config = config_,
                         .devices = devices_,
                         .workers = workers_,
                         .ports = table_,
                         .routes = route_tables_,
                         .changing = changing_,
                         .reloads = reloads_});
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

std::vector<std::string> Appliance::watch_links() {
  std::vector<std::string> news;
  for (size_t d = 0; d < devices_.size(); ++d) {
    LinkState now{devices_[d]->link_up(), devices_[d]->members()};
    if (d == links_.size()) links_.push_back(now);  // the first time
    for (std::string& line : link_news(devices_[d]->info().name, links_[d], now))
      news.push_back(std::move(line));
    links_[d] = std::move(now);
  }
  for (uint16_t port = 0; port < table_.size(); ++port)
    for (const auto& routes : routes_) routes->link_state(port, links_[table_[port].device].up);
  return news;
}

std::vector<std::string> Appliance::reload(const config::Config& to,
                                           std::vector<std::shared_ptr<const dns::Zones>> zones) {
  std::vector<std::string> wrong = need_a_restart(config_, to);
  for (std::string& key : wrong)
    key += " cannot change while sluice runs: restart it, or leave that as it was";
  if (!wrong.empty()) return wrong;

  const PortTable table = table_.following(to);
  if (table.vrfs().size() > PortTable::vrfs_most || table.size() > PortTable::ports_most)
    return {
        "so many VRFs, or ports in them, have come and gone since sluice was started that there is no number "
        "left: restart it"};
  std::vector<buf::PortCaps> caps;
  for (const auto& device : devices_) caps.push_back(device->caps());
  auto fresh = interfaces(to, table, caps);
  auto said = advertisements(to, table);

  if (std::string no = admit_vlans(table); !no.empty()) return {no};
  // Ports that come are there, nobody's yet, before a route leads to them; those that go are there, and drop,
  // until none does. VRFs that come are there, and empty.
  if (std::string no = make_routes(table, nullptr); !no.empty()) return {no};
  if (table.size() > table_.size() || table.vrfs().size() > table_.vrfs().size()) {
    for (size_t i = interfaces_.size(); i < table.size(); ++i)
      interfaces_.push_back({.caps = fresh[i].caps, .vrf = fresh[i].vrf});
    advertise_.resize(table.size());
    apply(table_.grown(table), interfaces_, advertise_, zones_);
  }
  if (std::string no = change_routes(to, table, fresh); !no.empty()) return {no};
  apply(table, fresh, said, zones);
  count_routes();
  interfaces_ = std::move(fresh);
  advertise_ = std::move(said);
  zones_ = std::move(zones);
  return {};
}

// Of all VRFs or of none.
std::string Appliance::change_routes(const config::Config& to, const PortTable& table,
                                     std::span<const buf::Interface> ports) {
  for (size_t i = 0; i < routes_.size(); ++i) {
    const auto vrf = static_cast<uint16_t>(i);
    const std::string no = routes_[i]->prepare(buf::of_vrf(ports, vrf), static_routes(to, table, vrf));
    if (no.empty()) continue;
    for (size_t k = 0; k < i; ++k) routes_[k]->cancel();
    return "routes" + of_vrf(table.vrfs()[i]) + ": " + no;
  }
  for (const auto& routes : routes_) routes->commit();
  return {};
}

// Returns when all workers have taken it over.
void Appliance::apply(const PortTable& table, const std::vector<buf::Interface>& interfaces,
                      const std::vector<link::Advertise>& advertise,
                      const std::vector<std::shared_ptr<const dns::Zones>>& zones) {
  std::vector<std::unique_ptr<link::SubPort>> old;
  std::vector<StackChange> changes;
  changes.reserve(workers_.size());
  {
    const std::lock_guard lock{changing_};
    for (const auto& w : workers_)
      changes.push_back(
          {wire_tags(*w, table, old), interfaces, advertise, serve::DnsService{zones}, other_routes()});
    table_ = table;
  }
  for (size_t k = 0; k < workers_.size(); ++k) workers_[k]->change(changes[k]);
  for (const auto& w : workers_)
    while (!w->changed()) std::this_thread::sleep_for(std::chrono::microseconds{100});
}

void Appliance::stop() {
  stop_.store(true);
  for (io::Waker* w : wakers_) w->wake();
  for (size_t k = 0; k < workers_.size(); ++k) eal_->join(k);
  running_ = false;
}

}  // namespace sluice::app
