// SPDX-License-Identifier: Apache-2.0
#include "tcp/packetdrill/player.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <deque>
#include <map>

#include "support/tcp_pair.h"
#include "tcp/packetdrill/assertions.h"
#include "tcp/packetdrill/info.h"
#include "tcp/packetdrill/segments.h"
#include "tcp/packetdrill/settings.h"
#include "tcp/packetdrill/sockets.h"

namespace sluice::test::pkt {
namespace {

using namespace wire::tcp_flag;

// What a connection is called in the script and on the wire: our peer's numbers are moved, so that they wrap
// around soon, and the room's are moved back.
struct Flow {
  Port remote, local;
  static constexpr uint32_t theirs = 0xffff'f000;  // added to the peer's sequence numbers
  std::optional<uint32_t> ours;                    // the room's initial sequence number, script's taken off
  std::optional<uint32_t> ts_shift;                // live timestamp minus the script's
  std::map<uint32_t, uint32_t> ts_values;          // script's to live
};

class Player {
 public:
  Player(const Script& script, const Manners& manners)
      : script_{script},
        manners_{manners},
        settings_{settings_of(script, manners)},
        host_{settings_.options, settings_.path, 77},
        sockets_{host_.room, pattern_, host_b, host_a} {}

  void play() {
    for (const Event& e : script_.events) {
      event_ = &e;
      schedule(e);
      std::visit([&](const auto& what) { happen(what); }, e.what);
    }
    if (!pending_.empty())
      fail(pending_.front().line, pending_.front().name + "() has not returned at the end");
    if (!manners_.linux_house && !sent_.empty())
      fail(event_->line, "the script ends, but this was sent:\n" + sent_line(sent_.front()));
  }

 private:
  struct Pending {
    std::string name;
    int line;
    Instant due;
    Call call;
    Sockets::Attempt attempt;
  };

  // When the event is to happen: at_, and until_ for what is sent.
  void schedule(const Event& e) {
    const bool anchored = e.when == When::Absolute || e.when == When::Relative;
    if (e.when == When::Absolute || e.when == When::AbsoluteRange) {
      at_ = start_ + e.at;
      until_ = start_ + e.until;
    } else {
      const Instant base = anchored && anchored_ ? last_ : now_;
      at_ = base + e.at;
      until_ = e.when == When::Any ? now_ + 600_s : base + e.until;
    }
    if (std::max(at_, until_) > start_ + 86'400_s) fail(e.line, "a script takes a day at most");
    // A later event stands for time that passed; the tolerance grows with it where that is the custom.
    const double part = settings_.tolerance_part * static_cast<double>((at_ - last_).ns);
    slack_ = std::max(settings_.tolerance, Duration{static_cast<int64_t>(part)});
    const auto* call = std::get_if<Call>(&e.what);
    anchored_ = anchored && (call == nullptr || !call->returns);
    if (call != nullptr && call->returns)
      returns_at_ = (e.when == When::Absolute ? start_ : at_ - e.at) + *call->returns;
    last_ = at_;
  }

  void happen(const Packet& p) {
    if (p.inbound) {
      reach(at_);
      inject(p);
    } else {
      expect(p);
    }
  }
  void happen(const Icmp& i) {
    reach(at_);
    if (!i.inbound) throw Fault{event_->line, "ICMP that is sent", true};
    struct Kind {
      const char *type, *code;
      tcp::IcmpNews::Kind kind;
      int error;
    };
    using enum tcp::IcmpNews::Kind;
    constexpr Kind kinds[] = {{"unreachable", "frag_needed", TooBig, EMSGSIZE},
                              {"unreachable", "host_unreachable", Soft, EHOSTUNREACH},
                              {"unreachable", "net_unreachable", Soft, ENETUNREACH},
                              {"unreachable", "proto_unreachable", Hard, EPROTO},
                              {"unreachable", "port_unreachable", Hard, ECONNREFUSED},
                              {"packet_too_big", "", TooBig, EMSGSIZE}};
    const auto* k = std::find_if(std::begin(kinds), std::end(kinds),
                                 [&](const Kind& x) { return i.type == x.type && i.code == x.code; });
    if (k == std::end(kinds)) throw Fault{event_->line, "ICMP " + i.type + " " + i.code, true};
    if (flow_ == nullptr) fail(event_->line, "ICMP before there is anything it could be about");
    sockets_.unreachable_means(k->error);
    host_.room.on_icmp({.tuple = {.remote = host_a,
                                  .local = host_b,
                                  .remote_port = flow_->remote,
                                  .local_port = flow_->local,
                                  .proto = IpProto::Tcp},
                        .sequence = {i.quoted_seq.value_or(1) + flow_->ours.value_or(0)},
                        .kind = k->kind,
                        .mtu = static_cast<uint16_t>(i.mtu.value_or(0))},
                       now_);
    settle();
  }
  void happen(const Command&) { reach(at_); }
  void happen(const Code& c) {
    reach(at_);
    assertions_.run(c, event_->line, [&](std::string_view name) -> std::optional<int64_t> {
      const auto socket = flow_ == nullptr ? nullptr : sockets_.find(flow_->remote, flow_->local);
      return tcp_info(socket == nullptr ? nullptr : sockets_.conn(*socket), name);
    });
  }
  void happen(const Call& c) {
    reach(at_);
    if (c.name == "listen") fresh_listener_ = true;
    Sockets::Attempt attempt = sockets_.begin(c, event_->line);
    const auto outcome = attempt(now_);
    settle();
    if (outcome) {
      if (c.returns && returns_at_ > now_ + slack_) fail(event_->line, c.name + "() returned at once");
      return judge(c, *outcome, event_->line);
    }
    if (!c.returns) fail(event_->line, c.name + "() blocks; expected " + print_result(c));
    pending_.push_back({c.name, event_->line, returns_at_, c, std::move(attempt)});
  }

  static std::string print_result(const Call& c) {
    return std::to_string(c.result.number) + (c.error.empty() ? "" : " " + c.error);
  }
  void judge(const Call& c, const Outcome& o, int line) {
    const std::string got =
        std::to_string(o.value) + (o.error != 0 ? " " + name_of_errno(o.error) : std::string{});
    const int64_t value =
        c.result.is(Value::Kind::Word) ? constant(c.result.text).value_or(c.result.number) : c.result.number;
    const bool any = c.result.is(Value::Kind::Ellipsis);
    if (!any && o.value != value && !(c.result.is(Value::Kind::Word) && c.name == "fcntl"))
      fail(line, c.name + "() returns " + got + ", expected " + print_result(c));
    if (!c.error.empty() && constant(c.error) != o.error)
      fail(line, c.name + "() returns " + got + ", expected " + print_result(c));
    if (!o.mistake.empty()) fail(line, c.name + "(): " + o.mistake);
  }

  // Time passes, and whatever falls due in it happens.
  void reach(Instant t) {
    if (t + settings_.tolerance < now_ && !manners_.linux_house)
      fail(event_->line, "its time is over: it is " + clock(now_) + " already");
    while (true) {
      const Instant next = host_.room.deadline();
      if (next > t || next == Instant::never()) break;
      step(next);
    }
    if (t > now_) step(t);
  }
  void step(Instant to) {
    now_ = std::max(now_, to);
    host_.room.expire(now_);
    settle();
  }
  // Until the room has nothing more to do now.
  void settle() {
    for (int turn = 0; turn < 1'000; ++turn) {
      sockets_.serve(now_);
      const size_t before = sent_.size();
      for (bool more = true; more;) {
        buf::Transmits out;
        more = host_.room.output(now_, out);
        for (buf::Transmit& t : out) take(t);
      }
      bool returned = false;
      for (size_t i = 0; i < pending_.size();) {
        const auto outcome = pending_[i].attempt(now_);
        if (!outcome) {
          ++i;
          continue;
        }
        const Pending p = std::move(pending_[i]);
        pending_.erase(pending_.begin() + static_cast<ptrdiff_t>(i));
        const Duration off = now_ > p.due ? now_ - p.due : p.due - now_;
        if (off > slack_)
          fail(p.line, p.name + "() returned at " + clock(now_) + ", expected at " + clock(p.due));
        judge(p.call, *outcome, p.line);
        returned = true;
      }
      if (sent_.size() == before && !returned && host_.room.deadline() > now_) return;
      host_.room.expire(now_);
    }
    fail(event_->line, "the room does not come to rest");
  }

  void inject(const Packet& p) {
    Flow& f = flow_for_inbound(p);
    Packet live = p;
    live.seq += Flow::theirs;
    if ((p.flags & ack) != 0) live.ack += f.ours.value_or(0);
    for (Option& o : live.options) {
      if (o.kind == Option::Kind::Sack)
        for (uint32_t& n : o.numbers) n += f.ours.value_or(0);
      if (o.kind == Option::Kind::Timestamps && o.numbers[1] != 0) {
        const auto known = f.ts_values.find(o.numbers[1]);
        o.numbers[1] = known != f.ts_values.end() ? known->second : o.numbers[1] + f.ts_shift.value_or(0);
      }
    }
    // A segment longer than a packet buffer comes as several of one burst, as a network card would cut it.
    constexpr uint32_t most = 1460;
    buf::Batch batch;
    for (uint32_t at = 0; at == 0 || at < p.text; at += most) {
      Packet part = live;
      part.seq += at;
      part.text = std::min(most, p.text - at);
      if (at + part.text < p.text) part.flags &= static_cast<uint8_t>(~(fin | psh));
      // The octet behind the SYN is the stream's first.
      const uint64_t offset = p.seq + at + ((p.flags & syn) != 0 ? 1 : 0) - 1;
      buf::Packet packet = ip4_packet(
          host_a, host_b, emit(part, f.remote, f.local, pattern_.bytes(Sockets::theirs, offset, part.text)));
      packet.data()[1] = p.ecn.value_or(0);
      batch.push(std::move(packet));
      if (batch.full()) fail(event_->line, "more text than a burst can bring");
    }
    host_.room.input(batch, now_);
    settle();
  }
  Flow& flow_for_inbound(const Packet& p) {
    if (p.ports) return flow_between({p.ports->first}, {p.ports->second});
    const bool opens = (p.flags & (syn | ack)) == syn && fresh_listener_;
    if (flow_ == nullptr || opens) {
      fresh_listener_ = false;
      return flow_between({next_remote_++}, Sockets::local_port);
    }
    return *flow_;
  }
  Flow& flow_between(Port remote, Port local) {
    for (const auto& f : flows_)
      if (f->remote == remote && f->local == local) return *(flow_ = f.get());
    flows_.push_back(std::make_unique<Flow>(Flow{.remote = remote, .local = local}));
    return *(flow_ = flows_.back().get());
  }

  // A segment as it left the room; scripts see it as `script` says.
  struct Sent {
    Instant at;
    Packet script;
    Port local, remote;
  };
  void take(buf::Transmit& t) {
    check(t.packet.linearize(), "a transmit is whole");
    Parsed live = read(t.packet.bytes());
    Flow& f = *find_flow(live.remote, live.local);
    if ((live.packet.flags & syn) != 0) f.ours = live.packet.seq;
    Packet p = live.packet;
    const uint32_t ours = f.ours.value_or(0);
    p.seq -= ours;
    if ((p.flags & ack) != 0) p.ack -= Flow::theirs;
    p.ecn = t.tos & 3;
    for (Option& o : p.options) {
      if (o.kind == Option::Kind::Sack)
        for (uint32_t& n : o.numbers) n -= Flow::theirs;
      if (o.kind == Option::Kind::Timestamps && f.ts_shift) o.numbers[0] -= *f.ts_shift;
    }
    if (p.text != 0 && !pattern_.fits(Sockets::ours, p.seq - 1, live.text))
      fail(event_->line, "the octets sent are not those that were written:\n" + sent_line({now_, p, {}, {}}));
    sent_.push_back({now_, p, live.local, live.remote});
  }
  Flow* find_flow(Port remote, Port local) {
    for (const auto& f : flows_)
      if (f->remote == remote && f->local == local) return f.get();
    flows_.push_back(std::make_unique<Flow>(Flow{.remote = remote, .local = local}));
    return flow_ = flows_.back().get();
  }

  void expect(const Packet& want) {
    const Instant latest = until_ + slack_;
    while (sent_.empty()) {
      const Instant next = host_.room.deadline();
      if (next > latest) {
        const std::string then =
            next == Instant::never() ? "no timer is armed" : "the next timer is due at " + clock(next);
        fail(event_->line, "nothing was sent by " + clock(latest) + " (" + then + ")\nexpected " +
                               clock(at_) + " " + print(want));
      }
      step(next);
    }
    Sent got = sent_.front();
    sent_.pop_front();
    // What the script writes as one large segment (TSO) may leave in several.
    while (got.script.text < want.text && got.script.seq == want.seq && !sent_.empty()) {
      const Packet& more = sent_.front().script;
      if (more.seq != got.script.seq + got.script.text || more.ack != got.script.ack) break;
      if (got.script.text + more.text > want.text || (more.text == 0 && (more.flags & fin) == 0)) break;
      got.script.text += more.text;
      got.script.flags |= more.flags & (fin | psh);
      got.script.window = more.window;
      got.at = sent_.front().at;
      sent_.pop_front();
    }
    Flow& f = *find_flow(got.remote, got.local);
    if (want.ports && (want.ports->first != got.local.v || want.ports->second != got.remote.v))
      differ(want, got, "ports");
    learn_timestamps(want, got.script, f);
    if (const std::string what = difference(want, got.script); !what.empty()) differ(want, got, what);
    const bool any = event_->when == When::Any;
    if (!any && (got.at + slack_ < at_ || got.at > until_ + slack_)) differ(want, got, "time");
  }
  // The first timestamp a script names is the first one sent; from there on both run by the millisecond.
  void learn_timestamps(const Packet& want, Packet& got, Flow& f) {
    const auto ts = [](Packet& p) -> Option* {
      for (Option& o : p.options)
        if (o.kind == Option::Kind::Timestamps) return &o;
      return nullptr;
    };
    Packet wanted = want;
    Option *w = ts(wanted), *g = ts(got);
    if (g == nullptr) return;
    if (!f.ts_shift) {
      if (w == nullptr) return;
      f.ts_shift = g->numbers[0] - w->numbers[0];
      g->numbers[0] -= *f.ts_shift;
      for (Sent& s : sent_)  // taken before the shift was known
        if (Option* o = ts(s.script); o != nullptr && s.remote == f.remote) o->numbers[0] -= *f.ts_shift;
    }
    if (w == nullptr) return;
    f.ts_values[w->numbers[0]] = g->numbers[0] + *f.ts_shift;
    const auto off = static_cast<int32_t>(g->numbers[0] - w->numbers[0]);
    const int64_t most = std::max<int64_t>(slack_.ms(), 1);
    if (!settings_.checks_timestamps || (off <= most && off >= -most)) g->numbers[0] = w->numbers[0];
  }

  // What is not as expected; empty: nothing.
  std::string difference(const Packet& want, const Packet& got) const {
    const uint8_t ignored = manners_.linux_house ? psh : 0;
    if ((want.flags | ignored) != (got.flags | ignored)) return "flags";
    if (want.seq != got.seq) return "sequence number";
    if (want.text != got.text) return "length";
    if ((want.flags & ack) != 0 && want.ack != got.ack) return "acknowledgement";
    if (want.window && want.window != got.window) return "window";
    if (want.ecn && (*want.ecn == Packet::ect_any ? (*got.ecn != 1 && *got.ecn != 2) : *want.ecn != *got.ecn))
      return "ECN";
    if (!want.any_options && !same_options(want.options, got.options)) return "options";
    return {};
  }

  [[noreturn]] void differ(const Packet& want, const Sent& got, const std::string& what) const {
    std::string when = clock(at_);
    if (until_ != at_) when += event_->when == When::Any ? "" : "~" + clock(until_);
    if (event_->when == When::Any) when = "*";
    Packet shown = got.script;  // only what the script asks for
    if (!want.window) shown.window.reset();
    if (!want.ecn) shown.ecn.reset();
    fail(event_->line, "another " + what + " than expected\nexpected " + when + " " + print(want) +
                           "\n     got " + clock(got.at) + " " + print(shown));
  }
  std::string sent_line(const Sent& s) const { return "     got " + clock(s.at) + " " + print(s.script); }
  std::string clock(Instant t) const {
    char b[32];
    std::snprintf(b, sizeof b, "%.6f", (t - start_).seconds());
    return b;
  }
  [[noreturn]] static void fail(int line, const std::string& what) { throw Fault{line, what}; }

  const Script& script_;
  const Manners manners_;
  const Settings settings_;
  Pattern pattern_;
  Host host_;
  Sockets sockets_;
  Assertions assertions_;

  const Instant start_{100'000'000'000};
  Instant now_ = start_, last_ = start_, at_, until_, returns_at_;
  Duration slack_;
  bool anchored_ = true, fresh_listener_ = false;
  const Event* event_ = nullptr;
  std::deque<Sent> sent_;
  std::vector<Pending> pending_;
  std::vector<std::unique_ptr<Flow>> flows_;
  Flow* flow_ = nullptr;  // that a segment without ports belongs to
  uint16_t next_remote_ = 50'000;
};

}  // namespace

Verdict play(std::string_view text, const Manners& manners) {
  const uint32_t packets = packet_pool().packets_free(), headers = packet_pool().headers_free();
  Verdict v;
  try {
    const Script script = parse(text);
    Player{script, manners}.play();
  } catch (const Fault& f) {
    v = {f.lacking ? Verdict::Kind::Skipped : Verdict::Kind::Failed, f.line, f.what};
  }
  if (packet_pool().packets_free() != packets || packet_pool().headers_free() != headers)
    v = {Verdict::Kind::Failed, 0, "packet buffers did not come back"};
  return v;
}

}  // namespace sluice::test::pkt
