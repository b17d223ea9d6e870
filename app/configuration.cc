// SPDX-License-Identifier: Apache-2.0
#include "app/configuration.h"

#include <fstream>
#include <iterator>
#include <ostream>

#include "app/zones.h"
#include "config/load.h"
#include "serve/folder.h"

namespace sluice::app {
namespace {

void complain(const std::vector<config::Error>& errors, std::ostream& complaints) {
  for (const config::Error& e : errors) complaints << config::to_text(e) << '\n';
}

// Says what is wrong with the sites' folders.
bool can_be_served(const config::Config& c, std::ostream& complaints) {
  bool fine = true;
  for (const config::HttpService& service : c.http)
    for (const config::Site& site : service.sites)
      for (const std::string& wrong : serve::check_folder(c.path(site.root), service.options)) {
        complaints << wrong << '\n';
        fine = false;
      }
  return fine;
}

}  // namespace

std::optional<Configuration> read_configuration(const std::string& path, std::ostream& complaints) {
  std::ifstream file{path, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  if (!file) {
    complaints << path << ":1:1: cannot be read, name a configuration file that is there\n";
    return std::nullopt;
  }
  auto loaded = config::load(text, path, config::this_machine());
  if (const auto* errors = std::get_if<std::vector<config::Error>>(&loaded)) {
    complain(*errors, complaints);
    return std::nullopt;
  }
  Configuration c{std::move(std::get<config::Config>(loaded)), {}};

  // Zones and sites are part of the configuration: half of it is never used.
  std::vector<config::Error> errors;
  std::vector<std::string> warnings;
  c.zones = load_zones(c.config, errors, warnings);
  for (const std::string& w : warnings) complaints << w << '\n';
  complain(errors, complaints);
  if (!errors.empty() || !can_be_served(c.config, complaints)) return std::nullopt;
  return c;
}

}  // namespace sluice::app
