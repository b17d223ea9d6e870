// SPDX-License-Identifier: Apache-2.0
#include "lines/team.h"

namespace sluice::test {

namespace {
constexpr RssKey key{0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
                     0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
                     0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};
}

Team::Team(std::vector<buf::Interface> ports, link::Tags tags)
    : plan_{std::move(ports)}, tags_{tags}, steering_{key, workers} {
  std::string wrong;
  plan_.routes = ip::Routes::build(plan_.interfaces, {}, plan_.ip, wrong);
  check(plan_.routes != nullptr, "the test's routes are good");
  for (uint16_t i = 0; i < 2; ++i) {
    devices_.push_back(std::make_unique<ManyQueues>(packet_pool(), queues));
    exchanges_.push_back(std::make_unique<io::Exchange>(i, workers, queues, 256u));
    check(exchanges_.back()->ok(), "rings");
  }
  for (size_t k = 0; k < workers; ++k) {
    workers_.push_back(std::make_unique<app::Worker>(k, k + 1, io::IdleMode::latency, gossip_, readers_));
    wakers_.push_back(&workers_.back()->waker);
    workers_.back()->links = std::make_unique<buf::LinkPool>(1024);
    workers_.back()->chunks = std::make_unique<buf::ChunkPool>(64);
  }
  // One worker's behind the other's, as a reload makes them.
  for (const auto& w : workers_) w->sub_ports.resize(3);
  for (const auto& w : workers_) w->sub_ports[2] = std::make_unique<link::SubPort>(tags_, false, w->count);
  for (size_t k = 0; k < workers; ++k) wire(k);
}

void Team::wire(size_t k) {
  app::Worker& w = *workers_[k];
  w.siblings = wakers_;
  w.stages.switch_on(true);
  for (size_t i = 0; i < devices_.size(); ++i)
    w.ports.push_back(
        w.steered
            .emplace_back(std::make_unique<io::SteeredPort>(io::SteeredPort::Parts{
                k, devices_[i]->queue(k), false, *exchanges_[i], steering_, wakers_, packet_pool(), w.count}))
            .get());
  w.trunks.resize(2);
  w.trunks[1] = std::make_unique<link::Trunk>(*w.ports[1], w.count);
  link::SubPort* const plugged[] = {w.sub_ports[2].get()};
  w.trunks[1]->sub_ports(plugged);
  buf::NetPort* const ports[] = {w.ports[0], w.trunks[1].get(), w.sub_ports[2].get()};

  auto services = std::make_unique<serve::Services>(plan_.tcp.connections, *w.chunks, w.count);
  const Listen streams[] = {{.port = {80}, .service = services->add_http(example_sites(), {})},
                            {.port = {7}, .service = services->add_inetd(serve::InetdKind::Echo, {})}};
  const Listen dns[] = {{.port = {53}}}, echo[] = {{.port = {7}}};
  w.stack =
      std::make_unique<Stack>(StackPlan{.link = plan_.link,
                                        .ip = plan_.ip,
                                        .udp = plan_.udp,
                                        .tcp = plan_.tcp,
                                        .interfaces = plan_.interfaces,
                                        .routes = plan_.routes,
                                        .dns = dns,
                                        .streams = streams,
                                        .echo = echo,
                                        .discard = {},
                                        .keeps_neighbours = k == 0,
                                        .meter = &w.stages,
                                        .nd = &plan_.nd},
                              ports, serve::DnsService{{example_zones()}}, std::move(services), packet_pool(),
                              *w.links, w.count, w.rng, tcp::Keys{{1, 2}, {3, 4}, {5, 6}, {7, 8}});
}

Team::~Team() {
  for (int k = 0; k < workers; ++k) crew_.let(k, [&] { worker(k).stack->shut_down(Instant{INT64_MAX / 2}); });
}

void Team::turn(Instant now) {
  for (int k = 0; k < workers; ++k)
    crew_.let(k, [&] {
      app::Worker& w = worker(k);
      const auto me = static_cast<size_t>(k);
      readers_.enter(me);
      const bool worked = w.turn(now);
      readers_.between_bursts(me);
      if (!worked) {  // as io::Idle does before and after a sleep
        readers_.leave(me);
        w.waker.sleeping(true);
        w.waker.sleeping(false);
      }
    });
}

}  // namespace sluice::test
