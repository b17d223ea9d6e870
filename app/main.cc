// SPDX-License-Identifier: Apache-2.0
// sluice, the command: reads the configuration, says what is wrong with it, or runs the appliance until it is
// told to end.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <string>
#include <vector>

#include "app/appliance.h"
#include "app/configuration.h"
#include "app/signals.h"
#include "app/version.h"
#include "config/document.h"
#include "config/print.h"

namespace {

using namespace sluice;

constexpr int exit_failed = 1;      // the machine could not do it
constexpr int exit_bad_config = 2;  // the configuration is wrong

struct Words {
  std::string config;
  bool check = false, print_config = false, print_schema = false, print_manual = false, version = false;
};

// Whoever waits for a line reads a pipe: each leaves at once.
void say(const std::string& line) { std::cout << "sluice: " << line << std::endl; }

// SIGHUP: the file is read again, and what it says from now on holds; or nothing of it does.
void reload(app::Appliance& appliance, const std::string& path) {
  auto fresh = app::read_configuration(path, std::cerr);
  std::vector<std::string> wrong;
  if (fresh) wrong = appliance.reload(fresh->config, std::move(fresh->zones));
  for (const std::string& w : wrong) std::cerr << path << ": " << w << '\n';
  const bool done = fresh && wrong.empty();
  appliance.reloads().count(done);
  if (done)
    say("reloaded " + path);
  else
    std::cerr << "sluice: not reloaded, everything stays as it was\n";
}

int run(const Words& words) {
  if (words.version) return std::cout << "sluice " << app::version << '\n', 0;
  if (words.print_schema) return std::cout << config::schema(), 0;
  if (words.print_manual) return std::cout << config::manual(), 0;
  if (words.config.empty()) {
    std::cerr << "sluice: which configuration? --config FILE; --help says more\n";
    return exit_bad_config;
  }
  auto read = app::read_configuration(words.config, std::cerr);
  if (!read) return exit_bad_config;
  const config::Config& configuration = read->config;
  if (words.print_config) return std::cout << config::print(configuration), 0;
  if (words.check) return std::cout << "ok\n", 0;

  app::Signals signals;  // blocked before any thread is made, so that only wait() sees them
  app::Appliance appliance{configuration, std::move(read->zones)};
  if (!appliance.error().empty()) {
    std::cerr << "sluice: " << appliance.error() << '\n';
    return exit_failed;
  }
  appliance.start();
  say("ready");
  // Often: until a link that came up is seen, what would leave by it has no route.
  for (int signal = 0; signal == 0 || signal == SIGHUP; signal = signals.wait(20_ms)) {
    if (signal == SIGHUP) reload(appliance, words.config);
    for (const std::string& line : appliance.watch_links()) say(line);
  }
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
