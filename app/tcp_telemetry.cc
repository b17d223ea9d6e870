// SPDX-License-Identifier: Apache-2.0
#include "app/tcp_telemetry.h"

#include <cerrno>
#include <charconv>
#include <optional>
#include <string>

namespace sluice::app {
namespace {

using namespace std::chrono_literals;
constexpr auto patience = 1'000ms;   // a worker that sleeps is woken; one that has ended never answers
constexpr uint32_t most_rows = 100;  // DPDK's answer has room for 16 KiB

// A connection's name for people: worker and place.
struct Name {
  size_t worker = 0;
  uint32_t place = 0;
};
std::string text_of(const Name& n) { return std::to_string(n.worker) + ":" + std::to_string(n.place); }

template <class T>
bool number(std::string_view text, T& out) {
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), out);
  return bad == std::errc{} && end == text.data() + text.size();
}
bool parse(std::string_view text, Name& out) {
  const size_t colon = text.find(':');
  return colon != text.npos && number(text.substr(0, colon), out.worker) &&
         number(text.substr(colon + 1), out.place);
}

std::optional<tcp::State> state_called(std::string_view name) {
  for (size_t s = 0; s < tcp::state_count; ++s)
    if (name == tcp::name_of(static_cast<tcp::State>(s))) return static_cast<tcp::State>(s);
  return std::nullopt;
}

// `from=0:0`, `state=established`, `remote=198.18.0.2`, `port=80`; each at most once, in any order.
bool parse(std::string_view words, Name& from, Inspection::Question& q) {
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(','));
    words.remove_prefix(std::min(words.size(), word.size() + 1));
    const size_t eq = word.find('=');
    if (eq == word.npos) return false;
    const std::string_view key = word.substr(0, eq), value = word.substr(eq + 1);
    if (key == "from") {
      if (!parse(value, from)) return false;
    } else if (key == "state") {
      if (!(q.state = state_called(value))) return false;
    } else if (key == "remote") {
      if (!(q.remote = parse_ip(value))) return false;
    } else if (key == "port") {
      uint16_t port = 0;
      if (!number(value, port)) return false;
      q.port = Port{port};
    } else {
      return false;
    }
  }
  return true;
}

std::string text_of(const IpAddr& a, Port p) {
  const std::string addr = to_text(a);
  return (a.is_v4() ? addr : "[" + addr + "]") + ":" + std::to_string(p.v);
}

std::optional<Inspection::Answer> ask(Worker& w, const Inspection::Question& q) {
  return w.inspection.ask(q, patience, [&w] { w.waker.wake(); });
}

uint64_t us(Duration d) { return static_cast<uint64_t>(d.us()); }

void tell(const Inspection::Row& r, rte_tel_data* d) {
  const tcp::Info& i = r.info;
  const auto flag = [d](const char* name, bool v) {
    rte_tel_data_add_dict_string(d, name, v ? "yes" : "no");
  };
  rte_tel_data_add_dict_string(d, "local", text_of(r.tuple.local, r.tuple.local_port).c_str());
  rte_tel_data_add_dict_string(d, "remote", text_of(r.tuple.remote, r.tuple.remote_port).c_str());
  rte_tel_data_add_dict_string(d, "state", tcp::name_of(i.state));
  rte_tel_data_add_dict_string(d, "congestion", tcp::name_of(i.congestion));
  flag("slow_start", i.slow_start);
  flag("recovering", i.recovering);
  flag("sack", i.sack);
  flag("timestamps", i.timestamps);
  flag("ecn", i.ecn);
  const std::pair<const char*, uint64_t> numbers[] = {{"vrf", r.tuple.vrf},
                                                      {"mss", i.mss},
                                                      {"cwnd", i.cwnd},
                                                      {"ssthresh", i.ssthresh},
                                                      {"in_flight", i.in_flight},
                                                      {"pipe", i.pipe},
                                                      {"send_window", i.snd_wnd},
                                                      {"receive_window", i.rcv_wnd},
                                                      {"unsent", i.unsent},
                                                      {"unread", i.unread},
                                                      {"retransmits", i.retransmits},
                                                      {"srtt_us", us(i.srtt)},
                                                      {"rttvar_us", us(i.rttvar)},
                                                      {"least_rtt_us", us(i.least_rtt)},
                                                      {"rto_us", us(i.rto)},
                                                      {"bytes_acked", i.acked},
                                                      {"bytes_received", i.received},
                                                      {"delivery_rate", i.delivery_rate},
                                                      {"pacing_rate", i.pacing_rate}};
  for (const auto& [name, value] : numbers) rte_tel_data_add_dict_u64(d, name, value);
  flag("delivery_rate_limited_by_service", i.rate_limited);
}

}  // namespace

int tell_connections(const std::vector<std::unique_ptr<Worker>>& workers, std::string_view words,
                     rte_tel_data* d) {
  Name from;
  Inspection::Question q;
  if (!parse(words, from, q)) return -EINVAL;
  rte_tel_data* list = rte_tel_data_alloc();
  if (list == nullptr) return -ENOMEM;
  rte_tel_data_start_array(list, RTE_TEL_STRING_VAL);
  q.rows = most_rows;
  std::string next;
  for (size_t k = from.worker; k < workers.size(); ++k) {
    q.from = k == from.worker ? from.place : 0;
    const auto answer = ask(*workers[k], q);
    if (!answer) {
      rte_tel_data_free(list);
      return -EAGAIN;
    }
    for (const Inspection::Row& r : answer->rows)
      rte_tel_data_add_array_string(
          list, (text_of({k, r.place}) + " " + text_of(r.tuple.local, r.tuple.local_port) + " " +
                 text_of(r.tuple.remote, r.tuple.remote_port) + " " + tcp::name_of(r.info.state))
                    .c_str());
    q.rows -= static_cast<uint32_t>(answer->rows.size());
    if (answer->next != no_index)
      next = text_of({k, answer->next});
    else if (q.rows == 0 && k + 1 < workers.size())
      next = text_of({k + 1, 0});
    if (!next.empty()) break;
  }
  rte_tel_data_start_dict(d);
  rte_tel_data_add_dict_container(d, "connections", list, 0);
  if (!next.empty()) rte_tel_data_add_dict_string(d, "more_from", next.c_str());
  return 0;
}

int tell_connection(const std::vector<std::unique_ptr<Worker>>& workers, std::string_view name,
                    rte_tel_data* d) {
  Name n;
  if (!parse(name, n) || n.worker >= workers.size()) return -EINVAL;
  const auto answer = ask(*workers[n.worker], {.from = n.place, .places = 1, .rows = 1});
  if (!answer) return -EAGAIN;
  if (answer->rows.empty()) return -ENOENT;
  rte_tel_data_start_dict(d);
  tell(answer->rows[0], d);
  return 0;
}

}  // namespace sluice::app
