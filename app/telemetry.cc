// SPDX-License-Identifier: Apache-2.0
#include "app/telemetry.h"

#include <rte_telemetry.h>

#include <cerrno>
#include <mutex>
#include <string>
#include <string_view>

#include "app/tcp_telemetry.h"
#include "base/check.h"
#include "io/clock.h"

namespace sluice::app {
namespace {

using Workers = std::vector<std::unique_ptr<Worker>>;

// DPDK's callbacks have no argument of ours, and a command cannot be taken back.
std::mutex mutex;
const Workers* observed = nullptr;

void tell(const StageMeter& stages, rte_tel_data* d) {
  for (size_t i = 0; i < stage_count; ++i) {
    const auto stage = static_cast<Stage>(i);
    const StageMeter::Value v = stages[stage];
    const std::string name = name_of(stage);
    rte_tel_data_add_dict_u64(d, (name + "_cycles").c_str(), v.ticks);
    rte_tel_data_add_dict_u64(d, (name + "_items").c_str(), v.items);
    rte_tel_data_add_dict_u64(d, (name + "_calls").c_str(), v.calls);
  }
}

int on_stages(const char*, const char* parameters, rte_tel_data* d) {
  const std::lock_guard lock{mutex};
  if (observed == nullptr) return -ENODEV;
  const std::string_view words = parameters != nullptr ? parameters : "";
  if (!words.empty() && words != "on" && words != "off") return -EINVAL;
  if (!words.empty())
    for (const auto& w : *observed) w->stages.switch_on(words == "on");
  rte_tel_data_start_dict(d);
  const bool on = !observed->empty() && observed->front()->stages.switched_on();
  rte_tel_data_add_dict_string(d, "measured", on ? "on" : "off");
  rte_tel_data_add_dict_u64(d, "cycles_per_second", io::ticks_per_second());
  for (size_t k = 0; k < observed->size(); ++k) {
    rte_tel_data* worker = rte_tel_data_alloc();
    if (worker == nullptr) return -ENOMEM;
    rte_tel_data_start_dict(worker);
    tell((*observed)[k]->stages, worker);
    rte_tel_data_add_dict_container(d, ("worker_" + std::to_string(k)).c_str(), worker, 0);
  }
  return 0;
}

template <int (*tell)(const Workers&, std::string_view, rte_tel_data*)>
int on_tcp(const char*, const char* parameters, rte_tel_data* d) {
  const std::lock_guard lock{mutex};
  return observed == nullptr ? -ENODEV : tell(*observed, parameters != nullptr ? parameters : "", d);
}

}  // namespace

Telemetry::Telemetry(const Workers& workers) {
  {
    const std::lock_guard lock{mutex};
    check(observed == nullptr, "one Telemetry per process");
    observed = &workers;
  }
  rte_telemetry_register_cmd(
      "/sluice/stages", on_stages,
      "Cycles, items and calls of each stage per worker. Parameter: on or off, to begin or "
      "end measuring");
  rte_telemetry_register_cmd("/sluice/tcp/connections", on_tcp<tell_connections>,
                             "TCP connections as WORKER:PLACE LOCAL REMOTE STATE, 100 at most. Parameters: "
                             "from=WORKER:PLACE, state=, remote=, port=");
  rte_telemetry_register_cmd("/sluice/tcp/connection", on_tcp<tell_connection>,
                             "What one TCP connection does. Parameter: its WORKER:PLACE");
}

Telemetry::~Telemetry() {
  const std::lock_guard lock{mutex};
  observed = nullptr;
}

}  // namespace sluice::app
