// SPDX-License-Identifier: Apache-2.0
#include "app/load/report.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <ostream>

namespace sluice::load {
namespace {

using nlohmann::ordered_json;

std::string number(double v) {
  char s[32];
  const char* unit = v >= 1e9 ? "G" : v >= 1e6 ? "M" : v >= 1e4 ? "k" : "";
  const double scaled = v >= 1e9 ? v / 1e9 : v >= 1e6 ? v / 1e6 : v >= 1e4 ? v / 1e3 : v;
  std::snprintf(s, sizeof s, v >= 1e4 ? "%.2f %s" : "%.0f%s", scaled, unit);
  return s;
}

std::string time(double ns) {
  char s[32];
  if (ns < 1e3)
    std::snprintf(s, sizeof s, "%.0f ns", ns);
  else if (ns < 1e6)
    std::snprintf(s, sizeof s, "%.1f us", ns / 1e3);
  else if (ns < 1e9)
    std::snprintf(s, sizeof s, "%.2f ms", ns / 1e6);
  else
    std::snprintf(s, sizeof s, "%.2f s", ns / 1e9);
  return s;
}

ordered_json json_of(const Report& r) {
  const double s = r.seconds == 0 ? 1 : r.seconds;
  ordered_json j;
  j["mode"] = r.mode;
  if (r.size) j["size"] = *r.size;
  j["duration_s"] = r.seconds;
  j["per_second"] = r.per_second();
  j["offered_per_second"] = static_cast<double>(r.offered) / s;
  j["octets_per_second"] = static_cast<double>(r.octets) / s;
  if (r.octets_out != 0) j["sent_octets_per_second"] = static_cast<double>(r.octets_out) / s;
  j["latency_ns"] = {{"p50", r.latency.p50},     {"p90", r.latency.p90}, {"p99", r.latency.p99},
                     {"p99_9", r.latency.p99_9}, {"max", r.latency.max}, {"mean", r.latency.mean},
                     {"count", r.latency.count}};
  j["errors"] = ordered_json::object();
  for (const auto& [kind, n] : r.errors) j["errors"][kind] = n;
  j["sent"] = r.sent;
  j["received"] = r.received;
  j["lost"] = r.lost;
  j["duplicated"] = r.duplicated;
  j["reordered"] = r.reordered;
  j["corrupted"] = r.corrupted;
  j["strange"] = r.strange;
  j["generator"] = {{"busy_share", r.busy_share},      {"cycles_per_item", r.cycles_per_item},
                    {"ceiling_per_second", r.ceiling}, {"tsc_hz", r.tsc_hz},
                    {"resident_octets", r.resident},   {"is_the_limit", r.generator_is_the_limit()}};
  for (const auto& [counter, n] : r.stack) j["generator"]["stack"][counter] = n;
  if (r.connections != 0) j["connections_opened"] = r.connections;
  if (r.connections_held) j["connections_held"] = *r.connections_held;
  if (r.opening_seconds) j["opening_s"] = *r.opening_seconds;
  if (r.passed_rate) j["search"] = {{"passed_per_second", *r.passed_rate}};
  if (r.flood)
    j["flood"] = {{"sent", *r.flood},
                  {"per_second", static_cast<double>(*r.flood) / s},
                  {"answers", r.flood_answers.value_or(0)}};
  return j;
}

}  // namespace

uint64_t Report::all_errors() const {
  uint64_t n = 0;
  for (const auto& [kind, count] : errors) n += count;
  return n;
}

bool Report::wrong() const { return all_errors() != 0 || corrupted != 0; }

Report report_of(const Tally& t, double seconds, double busy, double tsc_hz) {
  Report r;
  r.seconds = seconds;
  r.sent = t.sent;
  r.offered = t.offered != 0 ? t.offered : t.sent;
  r.received = t.received;
  r.octets = t.octets;
  r.octets_out = t.octets_out;
  r.duplicated = t.duplicated;
  r.reordered = t.reordered;
  r.corrupted = t.corrupted;
  r.strange = t.strange;
  r.connections = t.connections;
  const Histogram& h = t.latency;
  r.latency = {h.quantile(0.5), h.quantile(0.9), h.quantile(0.99), h.quantile(0.999),
               h.max(),         h.count(),       h.mean()};
  for (size_t i = 0; i < fault_count; ++i)
    if (t.faults[i] != 0) r.errors.emplace_back(name_of(static_cast<Fault>(i)), t.faults[i]);
  r.tsc_hz = tsc_hz;
  r.busy_share = seconds == 0 ? 0 : busy / seconds;
  const auto items = static_cast<double>(std::max<uint64_t>(r.received, r.sent));
  if (items > 0) {
    r.cycles_per_item = busy * tsc_hz / items;
    r.ceiling = items / busy;
  }
  return r;
}

void print_text(std::ostream& out, const Report& r) {
  char line[256];
  const double s = r.seconds == 0 ? 1 : r.seconds;
  out << r.mode;
  if (r.size) out << ", frames of " << *r.size << " octets";
  std::snprintf(line, sizeof line, ": %s %s/s over %.2f s (offered %s/s, %s bit/s)\n",
                number(r.per_second()).c_str(), r.item.c_str(), r.seconds,
                number(static_cast<double>(r.offered) / s).c_str(),
                number(static_cast<double>(r.octets + r.octets_out) * 8 / s).c_str());
  out << line;
  if (r.latency.count != 0) {
    std::snprintf(
        line, sizeof line, "  latency: p50 %s, p90 %s, p99 %s, p99.9 %s, max %s, mean %s\n",
        time(static_cast<double>(r.latency.p50)).c_str(), time(static_cast<double>(r.latency.p90)).c_str(),
        time(static_cast<double>(r.latency.p99)).c_str(), time(static_cast<double>(r.latency.p99_9)).c_str(),
        time(static_cast<double>(r.latency.max)).c_str(), time(r.latency.mean).c_str());
    out << line;
  }
  out << "  sent " << r.sent << ", received " << r.received << ", lost " << r.lost;
  if (r.duplicated + r.reordered + r.corrupted != 0)
    out << ", duplicated " << r.duplicated << ", reordered " << r.reordered << ", corrupted " << r.corrupted;
  if (r.strange != 0) out << ", strange frames " << r.strange;
  out << '\n';
  if (r.connections_held) out << "  connections that stand: " << *r.connections_held;
  if (r.connections_held && r.opening_seconds) {
    std::snprintf(line, sizeof line, ", opened within %.3f s", *r.opening_seconds);
    out << line;
  }
  if (r.connections_held) out << '\n';
  if (r.flood) {
    std::snprintf(line, sizeof line, "  flood: %s SYN/s, %llu answers\n",
                  number(static_cast<double>(*r.flood) / s).c_str(),
                  static_cast<unsigned long long>(r.flood_answers.value_or(0)));
    out << line;
  }
  if (r.passed_rate)
    out << "  RFC 2544: the highest rate that passed is " << number(*r.passed_rate) << "/s\n";
  for (const auto& [kind, n] : r.errors) out << "  error " << kind << ": " << n << '\n';
  std::snprintf(line, sizeof line,
                "  generator: busy %.1f %%, %.0f cycles an item, alone it could do %s/s%s\n",
                r.busy_share * 100, r.cycles_per_item, number(r.ceiling).c_str(),
                r.generator_is_the_limit() ? ": THE GENERATOR IS THE LIMIT, not the other end" : "");
  out << line;
}

std::string to_json(const std::vector<Report>& runs) {
  if (runs.size() == 1) return json_of(runs[0]).dump(2) + "\n";
  ordered_json j;
  j["mode"] = runs.empty() ? "" : runs[0].mode;
  j["runs"] = ordered_json::array();
  for (const Report& r : runs) j["runs"].push_back(json_of(r));
  return j.dump(2) + "\n";
}

}  // namespace sluice::load
