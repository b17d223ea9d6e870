// SPDX-License-Identifier: Apache-2.0
#include "app/gauges.h"

#include <array>
#include <string_view>

#include "app/version.h"

namespace sluice::app {
namespace {

// A driver's own statistics, by DPDK's name and by ours; and, of a port with VLAN tags, what workers count.
struct PortMetric {
  const char* dpdk;
  const char* name;
  const char* help;
  link::SubPort::Numbers link::SubPort::* numbers = nullptr;
  std::atomic<uint64_t> link::SubPort::Numbers::* number = nullptr;
};
using Numbers = link::SubPort::Numbers;
constexpr std::array port_metrics{
    PortMetric{"rx_good_packets", "sluice_port_rx_packets_total", "packets the port received",
               &link::SubPort::received, &Numbers::packets},
    PortMetric{"tx_good_packets", "sluice_port_tx_packets_total", "packets the port sent",
               &link::SubPort::sent, &Numbers::packets},
    PortMetric{"rx_good_bytes", "sluice_port_rx_bytes_total", "octets the port received",
               &link::SubPort::received, &Numbers::octets},
    PortMetric{"tx_good_bytes", "sluice_port_tx_bytes_total", "octets the port sent", &link::SubPort::sent,
               &Numbers::octets},
    PortMetric{"rx_missed_errors", "sluice_port_rx_missed_total",
               "packets lost because the workers were too slow"},
    PortMetric{"rx_errors", "sluice_port_rx_errors_total", "packets the device found faulty"},
    PortMetric{"tx_errors", "sluice_port_tx_errors_total", "packets the device could not send"},
    PortMetric{"rx_mbuf_allocation_errors", "sluice_port_rx_no_buffer_total",
               "packets lost because no buffer was free"},
};

constexpr std::pair<tcp::State, const char*> tcp_states[] = {
    {tcp::State::SynSent, "syn-sent"},        {tcp::State::SynReceived, "syn-received"},
    {tcp::State::Established, "established"}, {tcp::State::FinWait1, "fin-wait-1"},
    {tcp::State::FinWait2, "fin-wait-2"},     {tcp::State::Closing, "closing"},
    {tcp::State::TimeWait, "time-wait"},      {tcp::State::CloseWait, "close-wait"},
    {tcp::State::LastAck, "last-ack"},
};

// Octets of ports with tags are counted without the tags.
void add_sub_ports(const Observed& o, const PortMetric& m, std::vector<Sample>& samples) {
  const std::lock_guard lock{o.changing};
  for (size_t i = 0; i < o.ports.size(); ++i) {
    if (o.ports[i].name.empty() || !o.ports[i].tags) continue;
    uint64_t sum = 0;
    for (const auto& w : o.workers)
      if (i < w->sub_ports.size() && w->sub_ports[i] != nullptr)
        sum += (((*w->sub_ports[i]).*m.numbers).*m.number).load(std::memory_order_relaxed);
    samples.push_back({{{"port", o.ports[i].name}}, static_cast<double>(sum)});
  }
}

void add_ports(Metrics& metrics, const Observed& o) {
  for (const PortMetric& m : port_metrics)
    metrics.counter(m.name, m.help, [&m, o] {
      std::vector<Sample> samples;
      for (const auto& device : o.devices)
        for (const auto& [name, value] : device->statistics())
          if (name == m.dpdk)
            samples.push_back({{{"port", device->info().name}}, static_cast<double>(value)});
      if (m.numbers != nullptr) add_sub_ports(o, m, samples);
      return samples;
    });
  metrics.gauge("sluice_port_up", "1 while the port has a link", [o] {
    std::vector<Sample> samples;
    const std::lock_guard lock{o.changing};
    for (size_t i = 0; i < o.ports.size(); ++i)
      if (!o.ports[i].name.empty())
        samples.push_back({{{"port", o.ports[i].name}}, o.devices[o.ports[i].device]->link_up() ? 1.0 : 0.0});
    return samples;
  });
  for (const bool active : {false, true})
    metrics.gauge(
        active ? "sluice_port_member_active" : "sluice_port_member_up",
        active ? "1 while the member of a bond carries packets" : "1 while the member of a bond has a link",
        [o, active] {
          std::vector<Sample> samples;
          for (const auto& device : o.devices)
            for (const io::Device::Member& m : device->members())
              samples.push_back({{{"port", device->info().name}, {"member", m.name}},
                                 (active ? m.active : m.up) ? 1.0 : 0.0});
          return samples;
        });
}

void add_routes(Metrics& metrics, const Observed& o) {
  const auto of_all = [o](size_t RouteTable::* which) {
    return [o, which] {
      std::vector<Sample> samples;
      const std::lock_guard lock{o.changing};
      for (size_t i = 0; i < o.routes.size(); ++i)
        samples.push_back({{{"number", std::to_string(i)}, {"vrf", o.routes[i].vrf}},
                           static_cast<double>(o.routes[i].*which)});
      return samples;
    };
  };
  metrics.gauge("sluice_routes", "routes of each VRF, those of our addresses included",
                of_all(&RouteTable::routes));
  metrics.gauge("sluice_route_table_bytes", "octets of each VRF's tables that packets are looked up in",
                of_all(&RouteTable::octets));
}

void add_reloads(Metrics& metrics, const Observed& o) {
  metrics.counter("sluice_reloads_total", "configurations read while running, by what became of them", [o] {
    return std::vector<Sample>{{{{"result", "ok"}}, static_cast<double>(o.reloads.done())},
                               {{{"result", "failed"}}, static_cast<double>(o.reloads.failed())}};
  });
  metrics.gauge("sluice_reload_last_ok", "1 while what the configuration file said last holds",
                [o] { return std::vector<Sample>{{{}, o.reloads.last() ? 1.0 : 0.0}}; });
}

// Where several workers share a port: how each finds the owner of what its queue brings.
constexpr std::pair<io::SteeredPort::Trust, const char*> steering_verdicts[] = {
    {io::SteeredPort::Trust::Software, "software"},
    {io::SteeredPort::Trust::Testing, "testing"},
    {io::SteeredPort::Trust::Queue, "queue"},
    {io::SteeredPort::Trust::Device, "device"},
};

void add_steering(Metrics& metrics, const Observed& o) {
  metrics.gauge(
      "sluice_port_steering",
      "1 for who steers a port's packets to their workers: software, a device still being tested, a device "
      "proven by its queues, a device proven by its hashes",
      [&devices = o.devices, &workers = o.workers] {
        std::vector<Sample> samples;
        for (size_t k = 0; k < workers.size(); ++k)
          for (size_t port = 0; port < workers[k]->steered.size(); ++port)
            for (const auto& [verdict, name] : steering_verdicts)
              samples.push_back(
                  {{{"by", name}, {"port", devices[port]->info().name}, {"worker", std::to_string(k)}},
                   workers[k]->steered[port]->trust() == verdict ? 1.0 : 0.0});
        return samples;
      });
}

void add_memory(Metrics& metrics, const Observed& o) {
  metrics.gauge("sluice_packet_buffers", "packet buffers that there are",
                [&p = o.pool] { return std::vector<Sample>{{{}, static_cast<double>(p.packets_size())}}; });
  metrics.gauge("sluice_packet_buffers_in_use", "packet buffers in queues, rings, connections and devices",
                [&p = o.pool] {
                  return std::vector<Sample>{{{}, static_cast<double>(p.packets_size() - p.packets_free())}};
                });
  metrics.gauge("sluice_packet_headers_in_use", "packet headers that text is attached to, on its way out",
                [&p = o.pool] {
                  return std::vector<Sample>{{{}, static_cast<double>(p.headers_size() - p.headers_free())}};
                });
  metrics.gauge("sluice_large_buffers_in_use", "buffers of 64 KiB in which datagrams are put together",
                [&p = o.pool] {
                  return std::vector<Sample>{{{}, static_cast<double>(p.large_size() - p.large_free())}};
                });
}

void add_fragments(Metrics& metrics, const Observed& o) {
  metrics.gauge(
      "sluice_fragments_waiting",
      "packet buffers that hold fragments: for us, until their datagram is complete; in transit, until the "
      "first one tells the way",
      [&o = o.workers] {
        std::vector<Sample> samples;
        for (size_t k = 0; k < o.size(); ++k) {
          const ip::Fragments& f = o[k]->stack->fragments();
          const auto worker = std::to_string(k);
          samples.push_back(
              {{{"way", "in"}, {"worker", worker}}, static_cast<double>(f.reassembly.pieces().packets())});
          samples.push_back({{{"way", "forwarded"}, {"worker", worker}},
                             static_cast<double>(f.following.pieces().packets())});
        }
        return samples;
      });
}

// What workers hold for streams and hosts, a second old at most.
struct Holding {
  Holdings::Value Holdings::* value;
  const char* name;
  const char* help;
};
constexpr Holding holdings[] = {
    {&Holdings::timers, "sluice_tcp_timers_armed", "timers armed for TCP connections and handshakes"},
    {&Holdings::in_flight, "sluice_tcp_connections_in_flight",
     "TCP connections with text sent and not acknowledged"},
    {&Holdings::out_of_order, "sluice_tcp_connections_out_of_order",
     "TCP connections that received text behind a hole"},
    {&Holdings::neighbours, "sluice_neighbours", "hosts on our links that ARP or ND knows of, in any state"},
    {&Holdings::slices, "sluice_stream_slices_in_use", "pieces of text in the queues of streams"},
    {&Holdings::chunks, "sluice_stream_chunks_in_use", "buffers of 2 KiB that text of services lies in"},
};

void add_holdings(Metrics& metrics, const Observed& o) {
  for (const Holding& h : holdings)
    metrics.gauge(h.name, h.help, [&h, &o = o.workers] {
      std::vector<Sample> samples;
      for (size_t k = 0; k < o.size(); ++k)
        samples.push_back({{{"worker", std::to_string(k)}},
                           static_cast<double>((o[k]->holdings.*h.value).load(std::memory_order_relaxed))});
      return samples;
    });
}

void add_tcp(Metrics& metrics, const Observed& o) {
  metrics.gauge("sluice_tcp_connections", "TCP connections by state (RFC 9293 3.3.2)", [&o = o.workers] {
    std::vector<Sample> samples;
    for (size_t k = 0; k < o.size(); ++k)
      for (const auto& [state, name] : tcp_states)
        samples.push_back({{{"state", name}, {"worker", std::to_string(k)}},
                           static_cast<double>(o[k]->stack->tcp().connections(state))});
    return samples;
  });
}

// Grows only while stages are measured (app/telemetry.h).
void add_stages(Metrics& metrics, const Observed& o) {
  const auto of_all = [&o = o.workers](uint64_t StageMeter::Value::* which) {
    return [&o, which] {
      std::vector<Sample> samples;
      for (size_t k = 0; k < o.size(); ++k)
        for (size_t s = 0; s < stage_count; ++s) {
          const auto stage = static_cast<Stage>(s);
          samples.push_back({{{"stage", name_of(stage)}, {"worker", std::to_string(k)}},
                             static_cast<double>(o[k]->stages[stage].*which)});
        }
      return samples;
    };
  };
  using Value = StageMeter::Value;
  metrics.counter("sluice_stage_cycles_total", "time stamp counter ticks by stage, while stages are measured",
                  of_all(&Value::ticks));
  metrics.counter("sluice_stage_items_total",
                  "packets, datagrams, segments or streams given to a stage meanwhile",
                  of_all(&Value::items));
  metrics.counter("sluice_stage_calls_total", "times a stage was entered meanwhile", of_all(&Value::calls));
}

}  // namespace

void add_gauges(Metrics& metrics, const Observed& o) {
  metrics.gauge("sluice_build_info", "always 1; the version is a label",
                [] { return std::vector<Sample>{{{{"version", version}}, 1.0}}; });
  add_ports(metrics, o);
  add_routes(metrics, o);
  add_reloads(metrics, o);
  add_steering(metrics, o);
  add_memory(metrics, o);
  add_fragments(metrics, o);
  add_holdings(metrics, o);
  add_tcp(metrics, o);
  add_stages(metrics, o);
}

}  // namespace sluice::app
