// SPDX-License-Identifier: Apache-2.0
// The Prometheus endpoint: collects on scrape, on a thread of its own, what the workers count. Costs the
// packet path nothing.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/counters.h"

namespace sluice::app {

// One value with its labels, for what is not a worker's counter.
struct Sample {
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
};

class Metrics : public prometheus::Collectable {
 public:
  using Samples = std::function<std::vector<Sample>()>;

  // `workers[k]` are the counters of worker k; they outlive this object.
  explicit Metrics(std::vector<const Counters*> workers) : workers_{std::move(workers)} {}

  // A metric that is read on scrape. `name` follows Prometheus' naming rules; call before serve().
  void gauge(std::string name, std::string help, Samples samples);
  void counter(std::string name, std::string help, Samples samples);

  // Listens on address:port. On failure returns what is wrong; empty when fine.
  std::string serve(const std::string& endpoint);

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  struct Extra {
    std::string name, help;
    prometheus::MetricType type;
    Samples samples;
  };
  std::vector<const Counters*> workers_;
  std::vector<Extra> extras_;
  std::shared_ptr<prometheus::Collectable> self_;
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace sluice::app
