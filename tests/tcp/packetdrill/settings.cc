// SPDX-License-Identifier: Apache-2.0
#include "tcp/packetdrill/settings.h"

#include <algorithm>
#include <charconv>
#include <sstream>

namespace sluice::test::pkt {
namespace {

class Reader {
 public:
  Reader(Settings& s, const Manners& m) : s_{s}, manners_{m} {}

  void read(const Script& script) {
    if (manners_.linux_house) linux_defaults();
    for (const auto& [name, value] : script.flags) flag(name, value);
    for (const Event& e : script.events) {
      line_ = e.line;
      if (const auto* c = std::get_if<Command>(&e.what)) command(c->text);
      if (const auto* c = std::get_if<Call>(&e.what)) call(*c);
    }
  }

 private:
  // Linux's own, and those of packetdrill's defaults.sh, where sluice has the knob.
  void linux_defaults() {
    s_.tolerance = 4_ms;
    s_.tolerance_part = 0.125;
    s_.checks_timestamps = false;
    tcp::Options& o = s_.options;
    o.receive_buffer = 15 * 1024 * 1024;
    o.send_buffer = o.send_buffer_most = 4 * 1024 * 1024;
    o.nagle = true;
    o.pacing = false;  // of itself Linux paces with the fq queue only
    o.ecn = 0;
  }
  void flag(const std::string& name, const std::string& value) {
    if (name == "tolerance_usecs") {
      s_.tolerance = Duration::from_us(static_cast<int64_t>(number(value)));
    } else if (name == "tolerance_percent") {
      s_.tolerance_part = static_cast<double>(number(value)) / 100;
    } else if (name == "mtu") {
      s_.path.mtu = static_cast<uint16_t>(std::clamp<uint64_t>(number(value), 576, 9000));
    } else if (name == "tcp_ts_tick_usecs") {
      s_.checks_timestamps = true;
      if (number(value) != 1000) throw Fault{0, "timestamps that do not tick in milliseconds", true};
    } else if (name == "ip_version") {
      if (value.find("6") != std::string::npos) throw Fault{0, "IPv6 scripts", true};
    } else if (name != "local_ip" && name != "remote_ip" && name != "send_omit_free" &&
               name != "strict_segments" && name != "debug") {
      throw Fault{0, "--" + name, true};
    }
  }
  uint64_t number(std::string_view v) const {
    uint64_t n = 0;
    const auto [end, bad] = std::from_chars(v.data(), v.data() + v.size(), n);
    if (bad != std::errc{} || end == v.data()) throw Fault{line_, "expected a number: " + std::string{v}};
    return n;
  }

  void command(const std::string& text) {
    std::istringstream in{text};
    for (std::string one; std::getline(in, one);) {
      one = one.substr(0, one.find('#'));
      std::istringstream words{one};
      std::string first;
      if (!(words >> first)) continue;
      if (first == "sluice")
        for (std::string w; words >> w;) assign(w);
      else if (first == "sysctl" || first.ends_with("set_sysctls.py"))
        for (std::string w; words >> w;) sysctl(w);
      else if (first.starts_with("/proc/sys/"))
        sysctl(first);
      else if (!first.ends_with("defaults.sh") && first != "ethtool" &&
               !first.starts_with("/tmp/sysctl_restore"))
        throw Fault{line_, "the shell command " + first, true};
    }
  }

  // Our own line: `sluice keepalive=5s nagle=true`, with the names of stack/tcp/options.def.
  void assign(const std::string& word) {
    const size_t eq = word.find('=');
    if (eq == std::string::npos) throw Fault{line_, "expected NAME=VALUE, not '" + word + "'"};
    const std::string name = word.substr(0, eq), value = word.substr(eq + 1);
    if (name == "congestion") {
      s_.options.congestion = algorithm(value);
      return;
    }
    if (name == "tso") {
      s_.path.tcp_segmentation = s_.path.multi_segment = value == "true";
      return;
    }
#define OPTION(type, field, dflt, least, most, help) \
  if (name == #field) return put(s_.options.field, name, value, type(least), type(most));
#include "tcp/options.def"
#undef OPTION
    throw Fault{line_, "no option '" + name + "' in stack/tcp/options.def"};
  }
  template <class T>
  void put(T& to, const std::string& name, const std::string& value, T least, T most) const {
    T v{};
    if constexpr (std::is_same_v<T, bool>)
      v = value == "true" || value == "1";
    else if constexpr (std::is_same_v<T, Duration>)
      v = duration(value);
    else if constexpr (std::is_integral_v<T>)
      v = static_cast<T>(number(value));
    else
      throw Fault{line_, name + " cannot be set by a script", true};
    if constexpr (!std::is_same_v<T, bool>)
      if (v < least || v > most) throw Fault{line_, name + "=" + value + " is out of its range"};
    to = v;
  }
  Duration duration(const std::string& v) const {
    const auto n = static_cast<int64_t>(number(v));
    if (v.ends_with("ms")) return Duration::from_ms(n);
    if (v.ends_with("us")) return Duration::from_us(n);
    if (v.ends_with("s")) return Duration::from_s(n);
    throw Fault{line_, "a time ends in us, ms or s: " + v};
  }

  void sysctl(std::string word) {
    if (word == "-q" || word == "-w") return;
    word = word.substr(0, word.find('"'));
    for (const char* prefix : {"/proc/sys/net/ipv4/", "net.ipv4.", "/proc/sys/net/core/"})
      if (word.starts_with(prefix)) word = word.substr(std::string_view{prefix}.size());
    const size_t eq = word.find('=');
    if (eq == std::string::npos) return;
    const std::string name = word.substr(0, eq), value = word.substr(eq + 1);
    tcp::Options& o = s_.options;
    if (name == "tcp_timestamps") {
      o.timestamps = number(value) != 0;
    } else if (name == "tcp_window_scaling") {
      o.window_scaling = number(value) != 0;
    } else if (name == "tcp_syn_retries") {
      o.syn_retries = static_cast<uint32_t>(number(value));
    } else if (name == "tcp_synack_retries") {
      o.syn_ack_retries = static_cast<uint32_t>(number(value));
    } else if (name == "tcp_retries2") {
      o.retries = static_cast<uint32_t>(number(value));
    } else if (name == "tcp_fin_timeout") {
      o.fin_wait_2 = Duration::from_s(static_cast<int64_t>(number(value)));
    } else if (name == "tcp_sack") {
      o.sack = number(value) != 0;
    } else if (name == "tcp_ecn") {
      o.ecn = static_cast<uint32_t>(std::min<uint64_t>(number(value), 2));
    } else {
      // What only tunes how Linux groups, paces or remembers is passed over.
      constexpr std::array passed{"tcp_tso_win_divisor",
                                  "tcp_min_tso_segs",
                                  "tcp_fack",
                                  "tcp_metrics",
                                  "tcp_no_metrics_save",
                                  "tcp_rmem",
                                  "tcp_wmem",
                                  "tcp_pacing_ss_ratio",
                                  "tcp_pacing_ca_ratio",
                                  "tcp_autocorking",
                                  "tcp_limit_output_bytes",
                                  "tcp_slow_start_after_idle",
                                  "tcp_early_retrans",
                                  "tcp_recovery"};
      for (const char* p : passed)
        if (name == p) return;
      throw Fault{line_, "sysctl " + name, true};
    }
  }
  void call(const Call& c) {
    if (c.name != "setsockopt" || c.arguments.size() < 4 || !c.error.empty()) return;
    const std::string& name = c.arguments[2].text;
    const Value& v = c.arguments[3];
    const int64_t n = v.items.empty() ? v.number : v.items[0].number;
    tcp::Options& o = s_.options;
    if (name == "TCP_NODELAY") o.nagle = n == 0;
    if (name == "SO_KEEPALIVE" && o.keepalive.ns == 0) o.keepalive = Duration::from_s(n != 0 ? 7200 : 0);
    if (name == "TCP_KEEPIDLE") o.keepalive = Duration::from_s(n);
    if (name == "TCP_KEEPINTVL") o.keepalive_interval = Duration::from_s(n);
    if (name == "TCP_KEEPCNT") o.keepalive_probes = static_cast<uint32_t>(n);
    if (name == "TCP_USER_TIMEOUT" && n > 0) o.user_timeout = std::max(Duration::from_ms(n), 1_s);
    if (name == "TCP_SYNCNT") o.syn_retries = static_cast<uint32_t>(n);
    if (name == "TCP_MAXSEG") s_.path.mtu = static_cast<uint16_t>(std::clamp<int64_t>(n, 88, 8960) + 40);
    if (name == "SO_RCVBUF" || name == "SO_RCVBUFFORCE")
      o.receive_buffer = static_cast<uint32_t>(std::clamp<int64_t>(n, 4'096, 16'777'216));
    if (name == "SO_SNDBUF" || name == "SO_SNDBUFFORCE")
      o.send_buffer = o.send_buffer_most =
          static_cast<uint32_t>(std::clamp<int64_t>(n * 2, 4'096, 16'777'216));
    if (name == "TCP_CONGESTION") congestion(v);
  }
  void congestion(const Value& v) {
    const std::string& name = v.items.empty() ? v.text : v.items[0].text;
    s_.options.congestion = algorithm(name);
  }
  tcp::Algorithm algorithm(const std::string& name) const {
    for (const auto a : {tcp::Algorithm::Cubic, tcp::Algorithm::Reno, tcp::Algorithm::Bbr})
      if (name == tcp::name_of(a)) return a;
    throw Fault{line_, "congestion control " + name, true};
  }

  Settings& s_;
  const Manners& manners_;
  int line_ = 0;
};

}  // namespace

Settings settings_of(const Script& script, const Manners& manners) {
  Settings s;
  s.options.connections = s.options.half_open = s.options.time_waits = 64;
  Reader{s, manners}.read(script);
  return s;
}

}  // namespace sluice::test::pkt
