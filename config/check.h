// SPDX-License-Identifier: Apache-2.0
// What no single value can say of itself: names, devices, addresses, routes, services and files against one
// another and against the machine.
#pragma once

#include <vector>

#include "config/load.h"
#include "config/places.h"
#include "config/tree.h"

namespace sluice::config {

// `addresses_known`: nothing in `ports` was wrong so far, so that what is not an address of ours there is
// none at all. What is wrong in the files of
// routes goes to `in_files`, in the order of Config::file_routes.
void check_whole(const Config& c, const Places& places, const Environment& environment, bool addresses_known,
                 std::vector<Complaint>& out, std::vector<std::vector<Complaint>>& in_files);

}  // namespace sluice::config
