// SPDX-License-Identifier: Apache-2.0
// The TCP commands of telemetry.h.
#pragma once

#include <rte_telemetry.h>

#include <memory>
#include <string_view>
#include <vector>

#include "app/worker.h"

namespace sluice::app {

// Negative errno when `words` make no sense or a worker does not answer.
int tell_connections(const std::vector<std::unique_ptr<Worker>>&, std::string_view words, rte_tel_data*);
int tell_connection(const std::vector<std::unique_ptr<Worker>>&, std::string_view name, rte_tel_data*);

}  // namespace sluice::app
