// SPDX-License-Identifier: Apache-2.0
#include "app/metrics.h"

#include <exception>
#include <string_view>

namespace sluice::app {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

ClientMetric series(const CounterInfo& info, size_t worker, uint64_t value) {
  // Time is counted in nanoseconds and told in seconds, Prometheus' base unit.
  const double unit = std::string_view{info.metric}.ends_with("_seconds_total") ? 1e-9 : 1;
  ClientMetric m;
  for (size_t i = 0; i < 4 && info.labels[i] != nullptr; i += 2)
    m.label.push_back({info.labels[i], info.labels[i + 1]});
  m.label.push_back({"worker", std::to_string(worker)});
  m.counter.value = static_cast<double>(value) * unit;
  return m;
}

}  // namespace

void Metrics::gauge(std::string name, std::string help, Samples samples) {
  extras_.push_back({std::move(name), std::move(help), MetricType::Gauge, std::move(samples)});
}

void Metrics::counter(std::string name, std::string help, Samples samples) {
  extras_.push_back({std::move(name), std::move(help), MetricType::Counter, std::move(samples)});
}

std::string Metrics::serve(const std::string& endpoint) {
  try {
    exposer_ = std::make_unique<prometheus::Exposer>(endpoint, 1);
  } catch (const std::exception& e) {
    return "metrics.listen: cannot listen on " + endpoint + " (" + e.what() +
           "); is another program there, and is the address this machine's?";
  }
  // The exposer holds weak references; this object owns itself for as long as the exposer lives.
  self_ = std::shared_ptr<prometheus::Collectable>{this, [](prometheus::Collectable*) {}};
  exposer_->RegisterCollectable(self_);
  return {};
}

std::vector<MetricFamily> Metrics::Collect() const {
  std::vector<MetricFamily> families;
  auto family = [&](const std::string& name, const std::string& help, MetricType type) -> MetricFamily& {
    for (MetricFamily& f : families)
      if (f.name == name) return f;
    return families.emplace_back(MetricFamily{name, help, type, {}});
  };
  const auto table = counter_table();
  for (size_t i = 0; i < table.size(); ++i) {
    const CounterInfo& info = table[i];
    MetricFamily& f =
        family(info.metric, info.is_drop ? "packets and messages that died, by the reason why" : info.help,
               MetricType::Counter);
    for (size_t w = 0; w < workers_.size(); ++w)
      f.metric.push_back(series(info, w, (*workers_[w])[static_cast<Counter>(i)]));
  }
  for (const Extra& extra : extras_) {
    MetricFamily& f = family(extra.name, extra.help, extra.type);
    for (const Sample& s : extra.samples()) {
      ClientMetric m;
      for (const auto& [name, value] : s.labels) m.label.push_back({name, value});
      if (extra.type == MetricType::Gauge)
        m.gauge.value = s.value;
      else
        m.counter.value = s.value;
      f.metric.push_back(std::move(m));
    }
  }
  return families;
}

}  // namespace sluice::app
