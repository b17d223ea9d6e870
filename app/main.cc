// SPDX-License-Identifier: Apache-2.0
// sluice, the command: reads the configuration, says what is wrong with it, or runs the appliance until it is
// told to end.
#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "app/appliance.h"
#include "app/signals.h"
#include "app/version.h"
#include "app/zones.h"
#include "config/document.h"
#include "config/load.h"
#include "config/print.h"
#include "serve/folder.h"

namespace {

using namespace sluice;

constexpr int exit_failed = 1;      // the machine could not do it
constexpr int exit_bad_config = 2;  // the configuration is wrong

struct Words {
  std::string config;
  bool check = false, print_config = false, print_schema = false, print_manual = false, version = false;
};

int complain(const std::vector<config::Error>& errors) {
  for (const config::Error& e : errors) std::cerr << config::to_text(e) << '\n';
  return exit_bad_config;
}

// Says what is wrong with the sites' folders.
bool can_be_served(const config::Config& c) {
  bool fine = true;
  for (const config::HttpService& service : c.http)
    for (const config::Site& site : service.sites)
      for (const std::string& wrong : serve::check_folder(c.path(site.root), service.options)) {
        std::cerr << wrong << '\n';
        fine = false;
      }
  return fine;
}

int run(const Words& words) {
  if (words.version) return std::cout << "sluice " << app::version << '\n', 0;
  if (words.print_schema) return std::cout << config::schema(), 0;
  if (words.print_manual) return std::cout << config::manual(), 0;
  if (words.config.empty()) {
    std::cerr << "sluice: which configuration? --config FILE; --help says more\n";
    return exit_bad_config;
  }
  std::ifstream file{words.config, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  if (!file) {
    std::cerr << words.config << ":1:1: cannot be read, name a configuration file that is there\n";
    return exit_bad_config;
  }
  auto loaded = config::load(text, words.config, config::this_machine());
  if (const auto* errors = std::get_if<std::vector<config::Error>>(&loaded)) return complain(*errors);
  auto& configuration = std::get<config::Config>(loaded);

  // Zones and sites are part of the configuration: half of it never starts.
  std::vector<config::Error> errors;
  std::vector<std::string> warnings;
  auto zones = app::load_zones(configuration, errors, warnings);
  for (const std::string& w : warnings) std::cerr << w << '\n';
  if (!errors.empty()) return complain(errors);
  if (!can_be_served(configuration)) return exit_bad_config;
  if (words.print_config) return std::cout << config::print(configuration), 0;
  if (words.check) return std::cout << "ok\n", 0;

  app::Signals signals;  // blocked before any thread is made, so that only wait() sees them
  app::Appliance appliance{configuration, std::move(zones)};
  if (!appliance.error().empty()) {
    std::cerr << "sluice: " << appliance.error() << '\n';
    return exit_failed;
  }
  appliance.start();
  std::cout << "sluice: ready"
            << std::endl;  // NOLINT(performance-avoid-endl): whoever waits for it reads a pipe
  while (signals.wait(250_ms) == 0) appliance.watch_links();
  appliance.stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App cli{"sluice: router, DNS and HTTP server on a userspace stack over DPDK ports"};
  Words words;
  cli.add_option("-c,--config", words.config,
                 "the configuration file (YAML; config/README.md names every option)");
  cli.add_flag("--check", words.check, "say \"ok\" or everything that is wrong, and end: exit code 0 or 2");
  cli.add_flag("--print-config", words.print_config,
               "print the effective configuration with all defaults, and end");
  cli.add_flag("--print-schema", words.print_schema,
               "print the JSON schema of the configuration for editors, and end");
  cli.add_flag("--print-manual", words.print_manual, "print the manual page of all options, and end");
  cli.add_flag("--version", words.version, "print the version, and end");
  CLI11_PARSE(cli, argc, argv);
  return run(words);
}
