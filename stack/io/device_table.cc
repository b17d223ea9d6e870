// SPDX-License-Identifier: Apache-2.0
// The table of devices that the appliance prints at start.
#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>

#include "io/device.h"

namespace sluice::io {
namespace {

constexpr size_t columns = 16;
using Row = std::array<std::string, columns>;

std::string text(const Mac& m) {
  char s[18];
  std::snprintf(s, sizeof s, "%02x:%02x:%02x:%02x:%02x:%02x", m.b[0], m.b[1], m.b[2], m.b[3], m.b[4], m.b[5]);
  return s;
}

Row row(const DeviceInfo& d) {
  const auto yes = [](bool b) { return std::string{b ? "yes" : "-"}; };
  return {d.name,
          d.driver,
          text(d.mac),
          std::to_string(d.mtu),
          d.link,
          std::to_string(d.rx_queues) + "/" + std::to_string(d.tx_queues),
          yes(d.rss),
          yes(d.rx_checksum),
          yes(d.tx_checksum),
          yes(d.tso),
          yes(d.lro),
          yes(d.multi_segment),
          yes(d.scatter),
          yes(d.vlan),
          yes(d.rx_interrupt),
          d.numa < 0 ? "-" : std::to_string(d.numa)};
}

}  // namespace

void print_table(std::ostream& out, std::span<const DeviceInfo> devices) {
  std::vector<Row> rows{{"port", "driver", "mac", "mtu", "link", "rx/tx queues", "rss", "rx csum", "tx csum",
                         "tso", "lro", "chains", "scatter", "vlan", "rx irq", "numa"}};
  for (const DeviceInfo& d : devices) rows.push_back(row(d));
  std::array<size_t, columns> width{};
  for (const Row& r : rows)
    for (size_t c = 0; c < columns; ++c) width[c] = std::max(width[c], r[c].size());
  for (const Row& r : rows) {
    std::string line;
    for (size_t c = 0; c < columns; ++c) {
      line += r[c];
      if (c + 1 < columns) line.append(width[c] - r[c].size() + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  }
}

}  // namespace sluice::io
