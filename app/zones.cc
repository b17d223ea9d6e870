// SPDX-License-Identifier: Apache-2.0
#include "app/zones.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "dns/zone_check.h"

namespace sluice::app {
namespace {

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) return std::nullopt;
  return std::string{std::istreambuf_iterator<char>{file}, {}};
}

// $INCLUDE names a file beside the one that names it.
std::optional<std::string> include(std::string_view name, std::string_view from) {
  const std::filesystem::path path{name};
  return read_file(path.is_absolute() ? path : std::filesystem::path{from}.parent_path() / path);
}

std::shared_ptr<const dns::Zone> load(const config::Zone& zone, const std::string& path,
                                      const dns::Options& options, std::vector<config::Error>& errors,
                                      std::vector<std::string>& warnings) {
  const auto text = read_file(path);
  if (!text) {
    errors.push_back({path, 1, 1, "the zone file cannot be read", "a file that sluice may read"});
    return nullptr;
  }
  dns::Name apex;
  if (const char* why = dns::Name::parse(zone.name, dns::Name{}, apex)) {
    errors.push_back(
        {path, 1, 1, "'" + zone.name + "' is no domain name: " + why, "a name like example.test"});
    return nullptr;
  }
  dns::Complaints complaints;
  auto built = dns::load_zone(*text, path, apex, include, options, complaints);
  for (const dns::Complaint& c : complaints.list()) {
    if (c.weight == dns::Complaint::Weight::Warning)
      warnings.push_back(c.text());
    else
      errors.push_back({c.file, static_cast<int>(std::max(c.line, 1u)),
                        static_cast<int>(std::max(c.column, 1u)), c.wrong, c.right});
  }
  return built;
}

}  // namespace

std::vector<std::shared_ptr<const dns::Zones>> load_zones(const config::Config& c,
                                                          std::vector<config::Error>& errors,
                                                          std::vector<std::string>& warnings) {
  std::vector<std::shared_ptr<const dns::Zones>> all;
  for (const config::DnsService& service : c.dns) {
    std::vector<std::shared_ptr<const dns::Zone>> zones;
    for (const config::Zone& z : service.zones)
      if (auto zone = load(z, c.path(z.file), service.options, errors, warnings))
        zones.push_back(std::move(zone));
    all.push_back(std::make_shared<const dns::Zones>(std::move(zones), service.options));
  }
  return all;
}

}  // namespace sluice::app
