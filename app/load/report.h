// SPDX-License-Identifier: Apache-2.0
// What a run came to: as text for people, as JSON for machines.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/load/tally.h"

namespace sluice::load {

struct Report {
  std::string mode;
  std::string item;  // "requests", "queries", "packets"
  double seconds = 0;
  uint64_t offered = 0, sent = 0, received = 0, octets = 0, octets_out = 0;
  uint64_t lost = 0, duplicated = 0, reordered = 0, corrupted = 0, strange = 0;
  uint64_t connections = 0;
  struct {
    uint64_t p50 = 0, p90 = 0, p99 = 0, p99_9 = 0, max = 0, count = 0;
    double mean = 0;
  } latency;  // nanoseconds
  std::vector<std::pair<std::string, uint64_t>> errors;
  double busy_share = 0, cycles_per_item = 0, ceiling = 0, tsc_hz = 0;
  uint64_t resident = 0;  // octets of memory the generator's process had at most, hugepages not among them
  std::optional<uint64_t> connections_held;
  std::optional<double> opening_seconds;
  std::optional<std::string> size;    // of frames
  std::optional<double> passed_rate;  // RFC 2544: the highest rate that passed
  std::optional<uint64_t> flood, flood_answers;
  std::vector<std::pair<std::string, uint64_t>>
      stack;  // what the generator's own stack counted since it began

  double per_second() const { return seconds == 0 ? 0 : static_cast<double>(received) / seconds; }
  uint64_t all_errors() const;
  // Answers came that were not right.
  bool wrong() const;
  // The generator had nothing to spare: the figure is its own limit, not the other end's.
  bool generator_is_the_limit() const { return busy_share >= 0.9; }
};

// The counts of a run that lasted `seconds` with the polling core `busy` seconds of it busy.
Report report_of(const Tally&, double seconds, double busy, double tsc_hz);

void print_text(std::ostream&, const Report&);
// One run: an object. Several: {"mode", "runs": [...]}.
std::string to_json(const std::vector<Report>&);

}  // namespace sluice::load
