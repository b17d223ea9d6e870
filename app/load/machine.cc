// SPDX-License-Identifier: Apache-2.0
#include "app/load/machine.h"

#include <algorithm>
#include <iostream>

#include "io/entropy.h"

namespace sluice::load {
namespace {

constexpr uint32_t packets = 32'767, headers = 16'383;  // one less than a power of two wastes no memory

uint32_t megabytes(const Plan& p) {
  if (p.memory_mb != 0) return p.memory_mb;
  uint64_t octets = uint64_t{packets} * (buf::PacketPool::room_for(p.mtu) + 192) + uint64_t{headers} * 256;
  octets += 96u << 20;  // the FIB's first table
  octets += 64u << 20;  // drivers and DPDK itself
  return static_cast<uint32_t>(octets * 5 / 4 >> 20);
}

std::vector<ip::Route> gateways(const Plan& p) {
  std::vector<ip::Route> routes;
  for (const Leg& leg : p.legs)
    if (!leg.gateway.is_none() && routes.empty())
      routes.push_back(
          {.to = {leg.gateway.is_v4() ? IpAddr{Ip4Addr{}} : IpAddr{Ip6Addr{}}, 0}, .via = leg.gateway});
  return routes;
}

}  // namespace

Machine::Machine(const Plan& p) : rng_{p.seed}, source_count_{p.sources} { error_ = open(p); }

Machine::~Machine() {
  host_.reset();
  ports_.clear();
  devices_.clear();
}

std::string Machine::open(const Plan& p) {
  io::EalOptions o{.cores = {p.core}, .memory_mb = megabytes(p)};
  for (const Leg& leg : p.legs) {
    if (leg.device.kind == io::DeviceKind::pci) o.pci.push_back(leg.device.target);
    o.virtio_user |= leg.device.kind == io::DeviceKind::virtio_user;
  }
  eal_ = std::make_unique<io::Eal>(o);
  for (const std::string& w : eal_->warnings()) std::cerr << "sluice-load: " << w << '\n';
  if (!eal_->ok()) return eal_->error();
  pool_ = std::make_unique<buf::PacketPool>("load", packets, headers, buf::PacketPool::room_for(p.mtu));
  if (!pool_->ok()) return pool_->error() + "; give more --memory";

  for (const Leg& leg : p.legs) {
    const std::string name = "load" + std::to_string(devices_.size());
    // Streams end here; whoever makes and reads frames by himself wants them whole.
    const bool streams = p.mode == Mode::Http || p.mode == Mode::Syn;
    const io::DeviceRequest r{
        .name = name, .device = leg.device, .mtu = p.mtu, .interrupts = false, .forwards = !streams};
    const io::Device& device = *devices_.emplace_back(std::make_unique<io::Device>(r, *pool_));
    if (!device.ok()) return device.error();
    for (const std::string& w : device.warnings()) std::cerr << "sluice-load: " << w << '\n';
    ports_.push_back(
        std::make_unique<io::QueuePort>(device, 0, static_cast<uint16_t>(ports_.size()), count_));
  }
  return {};
}

std::string Machine::settle(const Plan& p, tcp::Options tcp, uint32_t links) {
  std::vector<buf::NetPort*> ports;
  for (size_t n = 0; n < devices_.size(); ++n) {
    devices_[n]->learn_peer();
    buf::Interface& interface = interfaces_.emplace_back(buf::Interface{devices_[n]->caps(), {}});
    const Prefix& first = p.legs[n].address;
    interface.ip6 = !first.addr.is_v4();
    for (uint32_t i = 0; i < p.sources; ++i)
      interface.addresses.push_back({address_of(number_of(first.addr) + i), first.length});
    ports.push_back(ports_[n].get());
  }

  options_.tcp = tcp;
  options_.tcp.held_packets = std::min(options_.tcp.held_packets, packets / 2);
  // The first segments of all connections wait for one MAC address; what gave way would come again a second
  // later.
  options_.link.queue_per_neighbour = options_.link.queue_total = 1024;
  options_.link.retry_time = 100_ms;  // a vhost device that comes anew may lose its first packets
  std::string wrong;
  auto routes = ip::Routes::build(interfaces_, gateways(p), options_.ip, wrong);
  if (routes == nullptr) return "addresses: " + wrong;
  links_ = std::make_unique<buf::LinkPool>(links);
  host_ =
      std::make_unique<Host>(options_, interfaces_, std::move(routes), ports, *pool_, *links_, count_, rng_,
                             // Sequence numbers and timestamps of one run follow those of the run before, so
                             // that a server reopens what it still holds in TIME-WAIT of it (RFC 6191).
                             tcp::Keys{.table = io::random_sip_key(),
                                       .isn = {p.seed, 0x736c75696365},
                                       .cookies = io::random_sip_key(),
                                       .ports = io::random_sip_key()});
  return {};
}

bool Machine::connected() const {
  return std::ranges::all_of(devices_, [](const auto& d) { return d->link_up(); });
}

Sources Machine::sources(size_t leg) const { return {interfaces_[leg].addresses[0].addr, source_count_}; }

}  // namespace sluice::load
