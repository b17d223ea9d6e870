// SPDX-License-Identifier: Apache-2.0
#include "app/load/session.h"

#include <rte_cycles.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <thread>

#include "app/load/dns_load.h"
#include "app/load/http_load.h"
#include "app/load/machine.h"
#include "app/load/packet_load.h"
#include "app/load/report.h"
#include "app/load/runner.h"
#include "app/load/syn_load.h"
#include "io/clock.h"

namespace sluice::load {
namespace {

constexpr int failed = 1, wrong_answers = 3;
volatile std::sig_atomic_t told_to_end = 0;

int complain(const std::string& text) {
  std::cerr << "sluice-load: " << text << '\n';
  return failed;
}

const char* items(Mode m) {
  return m == Mode::Dns ? "queries" : m == Mode::Http || m == Mode::Syn ? "requests" : "packets";
}

// A line per second while it runs.
class Progress {
 public:
  Progress(const Plan& p, const Load& load, const Runner& runner) : plan_{p}, load_{load}, runner_{runner} {}

  void tell() {
    const Instant now = io::now();
    if (now - last_ < 1_s) return;
    const uint64_t received = load_.tally.received, sent = load_.tally.sent, busy = runner_.busy_ns();
    const double seconds = (now - last_).seconds();
    const auto rate = [&](uint64_t is, uint64_t was) {
      return is < was ? 0 : static_cast<double>(is - was) / seconds;
    };
    if (!plan_.quiet && last_ != Instant{} && runner_.phase() != Runner::Phase::Preparing)
      std::fprintf(stderr,
                   "%s %3.0f s: %.0f %s/s, %.0f sent/s, %llu errors, p99 %.1f us so far, busy %.0f %%\n",
                   runner_.phase() == Runner::Phase::Warmup ? "warm-up" : "measure", ++ticks_ * 1.0,
                   rate(received, received_), items(plan_.mode), rate(sent, sent_),
                   static_cast<unsigned long long>(load_.tally.all_faults()),
                   static_cast<double>(load_.tally.latency.quantile(0.99)) / 1e3, rate(busy, busy_) / 1e7);
    received_ = received, sent_ = sent, busy_ = busy, last_ = now;
  }

 private:
  const Plan& plan_;
  const Load& load_;
  const Runner& runner_;
  uint64_t received_ = 0, sent_ = 0, busy_ = 0;
  int ticks_ = 0;
  Instant last_;
};

class Session {
 public:
  explicit Session(const Plan& p) : plan_{p} {}
  int run();

 private:
  std::string make();
  std::string wait_for_peer();
  Report one(Load&, Duration drain, std::string& missing);
  std::string http();
  std::string read_queries();
  std::string dns();
  IpAddr next_hop(size_t leg, const IpAddr& target) const;
  std::string read_targets();
  std::string packets();
  PacketPlan packet_plan(std::vector<uint16_t> sizes) const;
  Report packet_run(const PacketPlan&, const std::string& size, std::string& missing);
  Report search(PacketPlan, const std::string& size, std::string& missing);

  const Plan& plan_;
  HttpPlan http_;
  Queries queries_;
  std::shared_ptr<const std::vector<IpAddr>> targets_;
  std::unique_ptr<Machine> machine_;
  std::vector<Report> reports_;
};

// Each counter that moved, named as sluice's metrics name it.
std::vector<std::pair<std::string, uint64_t>> counted(const Counters& counters) {
  std::vector<std::pair<std::string, uint64_t>> moved;
  const auto table = counter_table();
  for (size_t i = 0; i < table.size(); ++i) {
    const uint64_t n = counters[static_cast<Counter>(i)];
    if (n == 0) continue;
    std::string name = table[i].metric;
    for (size_t l = 0; l + 1 < 4 && table[i].labels[l] != nullptr; l += 2)
      name += std::string{l == 0 ? "{" : ","} + table[i].labels[l] + "=\"" + table[i].labels[l + 1] + '"';
    if (table[i].labels[0] != nullptr) name += '}';
    moved.emplace_back(std::move(name), n);
  }
  return moved;
}

tcp::Options tcp_options(const Plan& p, uint32_t connections) {
  tcp::Options o;
  o.connections = connections;
  o.half_open = 1;
  o.syn_retries = 3;
  // TIME-WAIT must never take the ports, so few are remembered, and not for long: the server does that too.
  o.time_waits = 1'024;
  o.time_wait = 1_s;
  return o;
}

std::string Session::make() {
  uint32_t connections = 1, links = 4'096;
  if (plan_.mode == Mode::Http || plan_.mode == Mode::Syn) {
    http_ = {.server = plan_.server,
             .port = plan_.port,
             .authority = plan_.authority,
             .target = plan_.target,
             .upload = plan_.upload,
             .connections = plan_.connections,
             .requests = plan_.requests,
             .pipeline = plan_.pipeline,
             .rate = plan_.rate,
             .expect_status = plan_.expect_status,
             .hold = plan_.hold,
             .timeout = plan_.timeout};
    if (!plan_.body_file.empty()) {
      std::ifstream file{plan_.body_file, std::ios::binary};
      std::vector<uint8_t> content{std::istreambuf_iterator<char>{file}, {}};
      if (!file) return "--body " + plan_.body_file + ": cannot be read";
      http_.reference = Reference{std::move(content)};
    }
    connections = tcp_connections(http_);
    const uint64_t wanted = plan_.hold ? 0 : uint64_t{plan_.connections} * plan_.pipeline * 2;
    links = 65'536 + static_cast<uint32_t>(std::min<uint64_t>(wanted, 1u << 20));
  }
  machine_ = std::make_unique<Machine>(plan_);
  if (!machine_->error().empty()) return machine_->error();
  if (const std::string wrong = wait_for_peer(); !wrong.empty()) return wrong;
  return machine_->settle(plan_, tcp_options(plan_, connections), links);
}

std::string Session::wait_for_peer() {
  const Instant end = io::now() + plan_.patience;
  bool told = false;
  while (!machine_->connected()) {
    if (told_to_end != 0) return "interrupted";
    if (io::now() > end)
      return "nobody is at the other end of " + plan_.legs[0].device.target +
             ": start it, or give more --patience";
    if (!told && !plan_.quiet) std::cerr << "sluice-load: waiting for the other end of the port\n";
    told = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  // The other end sees the link a little later than we do; until then it may have no way to us.
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  return {};
}

Report Session::one(Load& load, Duration drain, std::string& missing) {
  Runner runner{load, {plan_.warmup, plan_.duration, drain, plan_.patience}};
  machine_->eal().launch(0, [](void* r) { return static_cast<Runner*>(r)->run(), 0; }, &runner);
  Progress progress{plan_, load, runner};
  while (runner.phase() != Runner::Phase::Over) {
    if (told_to_end != 0) runner.interrupt();
    progress.tell();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  machine_->eal().join(0);
  missing = runner.missing();
  Report r = report_of(load.tally, runner.measured().seconds(), runner.effort().busy.seconds(),
                       static_cast<double>(rte_get_tsc_hz()));
  r.mode = name_of(plan_.mode);
  r.item = items(plan_.mode);
  rusage used{};
  if (getrusage(RUSAGE_SELF, &used) == 0) r.resident = static_cast<uint64_t>(used.ru_maxrss) * 1024;
  r.stack = counted(machine_->counters());
  return r;
}

std::string Session::http() {
  std::unique_ptr<HttpLoad> load;
  Machine& m = *machine_;
  if (plan_.mode == Mode::Syn) {
    const FloodPlan flood{plan_.flood_rate, plan_.flood_sources, next_hop(0, plan_.server)};
    load = std::make_unique<SynLoad>(http_, flood, m.sources(0), m.host(), m.port(0), m.caps(0).mac, m.pool(),
                                     m.counters(), m.rng());
  } else {
    load = std::make_unique<HttpLoad>(http_, m.sources(0), m.host());
  }
  std::string missing;
  Report r = one(*load, 0_s, missing);
  if (!missing.empty()) return missing;
  if (plan_.hold) {
    r.connections_held = load->held();
    r.opening_seconds = load->opening_time().seconds();
  }
  if (plan_.mode == Mode::Syn) {
    r.flood = load->tally.flood;
    r.flood_answers = load->tally.flood_answers;
  }
  if (!load->trouble().empty() && r.wrong())
    std::cerr << "sluice-load: the last trouble: " << load->trouble() << '\n';
  reports_.push_back(r);
  return {};
}

std::string Session::read_queries() {
  std::string wrong;
  if (!plan_.queries_file.empty()) {
    std::ifstream file{plan_.queries_file};
    if (!file) return "--queries " + plan_.queries_file + ": cannot be read";
    return queries_.read(file, plan_.queries_file, wrong) ? "" : wrong;
  }
  const auto pattern = Pattern::parse(plan_.name_pattern, wrong);
  Rng rng{plan_.seed};
  if (!pattern || !queries_.make(*pattern, plan_.type, rng, wrong))
    return "--name-pattern " + plan_.name_pattern + ": " + wrong;
  return {};
}

// Who is asked for a MAC on the way to a target.
IpAddr Session::next_hop(size_t leg, const IpAddr& target) const {
  const Leg& l = plan_.legs[leg];
  return l.address.contains(target) || l.gateway.is_none() ? target : l.gateway;
}

// An address a line; blank lines and those that begin with '#' are passed over.
std::string Session::read_targets() {
  const std::string where = "--target-list " + plan_.target_list;
  std::ifstream file{plan_.target_list};
  if (!file) return where + ": cannot be read";
  auto list = std::make_shared<std::vector<IpAddr>>();
  size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    const auto a = parse_ip(line);
    if (!a || a->is_v4() != plan_.four())
      return where + ", line " + std::to_string(number) + ": " + line + ": give an " +
             (plan_.four() ? "IPv4 address like 198.18.0.1" : "IPv6 address like 2001:2::1");
    list->push_back(*a);
    if (list->size() > most_flows)
      return where + ": has more than " + std::to_string(most_flows) + " addresses";
  }
  if (list->empty()) return where + ": has no address";
  targets_ = std::move(list);
  return {};
}

std::string Session::dns() {
  const DnsPlan plan{
      .server = plan_.server,
      .next_hop = next_hop(0, plan_.server),
      .outstanding = plan_.rate == 0 ? plan_.outstanding : std::max(plan_.outstanding, 65'536u),
      .rate = plan_.rate,
      .timeout = plan_.timeout,
      .expect_rcode = plan_.expect_rcode,
      .expect_answers = plan_.expect_answers};
  DnsLoad load{plan,
               queries_,
               machine_->port(0),
               machine_->caps(0).mac,
               machine_->sources(0),
               machine_->host(),
               machine_->pool()};
  std::string missing;
  Report r = one(load, 0_s, missing);
  if (!missing.empty()) return missing;
  if (!load.trouble().empty() && r.wrong())
    std::cerr << "sluice-load: the last trouble: " << load.trouble() << '\n';
  reports_.push_back(r);
  return {};
}

PacketPlan Session::packet_plan(std::vector<uint16_t> sizes) const {
  const Plan& p = plan_;
  PacketPlan out{.carrier = p.carrier(),
                 .four = p.four(),
                 .sizes = std::move(sizes),
                 .flows = p.flows,
                 .target_port = p.target_port,
                 .rate = p.rate,
                 .ways = {},
                 .peer_mac = p.peer_mac};
  const auto far = [&](size_t leg) { return Targets{p.legs[leg].address, p.sources, false}; };
  const bool spread = p.targets.length < (p.four() ? 32 : 128);
  const Targets there = targets_ != nullptr         ? Targets{targets_}
                        : !p.targets.addr.is_none() ? Targets{p.targets, p.target_count, spread}
                                                    : far(1);
  if (targets_ != nullptr || !p.targets.addr.is_none()) out.flows = std::max(out.flows, there.count());
  out.ways.push_back({0, p.echo ? 0u : 1u, there, next_hop(0, there.at(0))});
  if (p.both_ways) out.ways.push_back({1, 0, far(0), next_hop(1, far(0).at(0))});
  return out;
}

Report Session::packet_run(const PacketPlan& plan, const std::string& size, std::string& missing) {
  std::vector<PacketLoad::Leg> legs;
  for (size_t i = 0; i < plan_.legs.size(); ++i)
    legs.push_back({&machine_->port(i), machine_->caps(i).mac, machine_->sources(i)});
  PacketLoad load{plan, legs, machine_->host(), machine_->pool()};
  Report r = one(load, 1_s, missing);
  r.size = size;
  r.lost = r.sent > r.received ? r.sent - r.received : 0;
  return r;
}

// RFC 2544 §26.1: the highest rate at which no more than the allowed share is lost, to one part in a hundred.
Report Session::search(PacketPlan plan, const std::string& size, std::string& missing) {
  const auto loss = [](const Report& r) {
    return r.sent == 0 ? 1.0 : static_cast<double>(r.lost) / static_cast<double>(r.sent);
  };
  plan.rate = 0;
  Report best = packet_run(plan, size, missing);
  if (!missing.empty()) return best;
  double passed = 0, failed_at = static_cast<double>(best.sent) / best.seconds, rate = best.per_second();
  if (loss(best) <= plan_.search) {
    best.passed_rate = best.per_second();
    return best;
  }
  for (int trial = 0; trial < 16 && failed_at - passed > failed_at / 100 && rate > 1 && told_to_end == 0;
       ++trial) {
    plan.rate = rate;
    Report r = packet_run(plan, size, missing);
    if (!missing.empty()) return r;
    const bool fine = loss(r) <= plan_.search && static_cast<double>(r.sent) / r.seconds > rate * 0.98;
    if (!plan_.quiet)
      std::fprintf(stderr, "search: %.0f/s %s, loss %.5f %%\n", rate, fine ? "passes" : "fails",
                   loss(r) * 100);
    if (fine) {
      passed = rate;
      best = r;
    } else {
      failed_at = rate;
    }
    rate = (passed + failed_at) / 2;
  }
  best.passed_rate = passed;
  return best;
}

std::string Session::packets() {
  const uint16_t least = Frame::least(plan_.carrier(), plan_.four());
  for (const uint16_t size : plan_.sizes) {
    const PacketPlan plan = packet_plan(size == 0 ? imix(least) : std::vector{size});
    const std::string name = size == 0 ? "imix" : std::to_string(size);
    std::string missing;
    const Report r = plan_.search < 0 ? packet_run(plan, name, missing) : search(plan, name, missing);
    if (!missing.empty()) return missing;
    reports_.push_back(r);
    if (told_to_end != 0) break;
  }
  return {};
}

int Session::run() {
  if (plan_.mode == Mode::Dns)
    if (const std::string wrong = read_queries(); !wrong.empty()) return complain(wrong);
  if (!plan_.target_list.empty())
    if (const std::string wrong = read_targets(); !wrong.empty()) return complain(wrong);
  if (const std::string wrong = make(); !wrong.empty()) return complain(wrong);
  const bool streams = plan_.mode == Mode::Http || plan_.mode == Mode::Syn;
  const std::string wrong = streams ? http() : plan_.mode == Mode::Dns ? dns() : packets();
  if (!wrong.empty()) return complain(wrong);

  std::ostream& text = plan_.json == "-" ? std::cerr : std::cout;
  for (const Report& r : reports_) print_text(text, r);
  if (plan_.json == "-") std::cout << to_json(reports_);
  if (!plan_.json.empty() && plan_.json != "-") {
    std::ofstream file{plan_.json};
    file << to_json(reports_);
    if (!file.flush()) return complain("--json " + plan_.json + ": cannot be written");
  }
  return std::ranges::any_of(reports_, &Report::wrong) ? wrong_answers : 0;
}

}  // namespace

int run(const Plan& plan) {
  std::signal(SIGINT, [](int) { told_to_end = 1; });
  std::signal(SIGTERM, [](int) { told_to_end = 1; });
  return Session{plan}.run();
}

}  // namespace sluice::load
