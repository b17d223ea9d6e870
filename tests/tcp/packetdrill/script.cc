// SPDX-License-Identifier: Apache-2.0
#include "tcp/packetdrill/script.h"

#include <limits>

#include "tcp/packetdrill/lexer.h"
#include "wire/tcp.h"

namespace sluice::test::pkt {
namespace {

using namespace wire::tcp_flag;

constexpr std::pair<char, uint8_t> flag_letters[] = {{'S', syn}, {'F', fin}, {'P', psh}, {'R', rst},
                                                     {'U', urg}, {'E', ece}, {'W', cwr}, {'.', ack}};

class Parser {
 public:
  explicit Parser(std::string_view text) : in_{text} {}

  Script script() {
    Script s;
    while (in_.accept("--")) {
      std::string name = in_.word();
      s.flags.emplace_back(std::move(name), in_.accept("=") ? in_.rest_of_line() : std::string{});
    }
    while (!in_.at_end()) s.events.push_back(event());
    return s;
  }

 private:
  Event event() {
    Event e{.line = in_.line()};
    if (in_.sees("`")) {  // before the first event: no time
      e.line = in_.line();
      e.when = When::Relative;
      e.what = command();
      return e;
    }
    (void)in_.peek();
    e.line = in_.line();
    e.when = in_.accept("*") ? When::Any : in_.accept("+") ? When::Relative : When::Absolute;
    if (e.when != When::Any) e.at = e.until = in_.time();
    if (in_.accept("~")) {
      e.when = e.when == When::Relative ? When::RelativeRange : When::AbsoluteRange;
      if (e.when == When::RelativeRange) in_.expect("+");
      e.until = in_.time();
      if (e.until < e.at) in_.fail("a range of time that goes backwards");
    }
    std::optional<Duration> returns;
    if (in_.accept("...")) returns = in_.time();
    if (returns && *returns < e.at) in_.fail("a call that returns before it begins");
    if (in_.sees("<") || in_.sees(">"))
      packet(e);
    else if (in_.sees("`"))
      e.what = command();
    else if (in_.accept("%{"))
      e.what = Code{in_.until("}%")};
    else
      e.what = call(returns);
    const bool outbound = std::holds_alternative<Packet>(e.what) && !std::get<Packet>(e.what).inbound;
    if (e.when != When::Absolute && e.when != When::Relative && !outbound)
      in_.fail("only what is sent can have a range of time");
    return e;
  }

  Command command() {
    in_.expect("`");
    return {in_.until("`")};
  }

  void packet(Event& e) {
    Packet p{.inbound = in_.accept("<")};
    if (!p.inbound) in_.expect(">");
    if (in_.accept("[") || in_.accept("(")) ip_info(p);
    if (in_.accept_word("icmp")) {
      e.what = icmp(p.inbound);
      return;
    }
    for (const char* other : {"udp", "ipv4", "ipv6", "gre", "mpls", "encap"})
      if (in_.accept_word(other)) in_.lacks(std::string{other} + " packets");
    ports(p);
    flags(p);
    p.seq = in_.number_up_to<uint32_t>();
    in_.expect(":");
    const auto end = in_.number_up_to<uint32_t>();
    in_.expect("(");
    p.text = in_.number_up_to<uint16_t>();
    in_.expect(")");
    if (p.seq + p.text != end) in_.fail("the text is not as long as its sequence numbers say, before");
    if (in_.accept_word("ack")) {
      p.ack = in_.number_up_to<uint32_t>();
      if ((p.flags & ack) == 0) in_.fail("ack without the flag '.'");
    }
    if (in_.accept_word("win")) p.window = in_.number_up_to<uint16_t>();
    if (in_.accept_word("urg")) p.urgent = in_.number_up_to<uint16_t>();
    if (in_.accept("<")) {
      if (in_.accept("...")) {
        if (p.inbound) in_.fail("<...> says nothing of what comes in");
        p.any_options = true;
      } else {
        do p.options.push_back(option());
        while (in_.accept(","));
      }
      in_.expect(">");
    }
    if (p.inbound && !p.window && (p.flags & rst) == 0) p.window = 0;
    e.what = std::move(p);
  }

  void ip_info(Packet& p) {
    constexpr std::pair<const char*, uint8_t> names[] = {
        {"noecn", 0}, {"ect01", Packet::ect_any}, {"ect0", 2}, {"ect1", 1}, {"ce", 3}};
    for (const auto& [name, bits] : names)
      if (in_.accept_word(name)) p.ecn = bits;
    if (!p.ecn) in_.lacks("IP fields other than ECN");
    if (!in_.accept("]") && !in_.accept(")")) in_.lacks("IP fields other than ECN");
  }
  void ports(Packet& p) {
    if (!std::isdigit(uint8_t(in_.peek()))) return;
    const auto src = in_.number_up_to<uint16_t>();
    in_.expect(">");
    p.ports = {src, in_.number_up_to<uint16_t>()};
  }
  void flags(Packet& p) {
    if (in_.accept("-")) return;
    bool any = false;
    for (bool more = true; more;) {
      more = false;
      const char c = in_.peek();
      for (const auto& [letter, bit] : flag_letters) {
        if (c != letter) continue;
        (void)in_.accept({&c, 1});
        p.flags |= bit;
        any = more = true;
        break;
      }
    }
    if (in_.peek() == 'A') in_.lacks("AccECN");
    if (!any) in_.fail("expected the flags of a segment");
  }

  Option option() {
    using K = Option::Kind;
    if (in_.accept_word("nop")) return {K::Nop, {}};
    if (in_.accept_word("eol")) return {K::End, {}};
    if (in_.accept_word("sackOK")) return {K::SackPermitted, {}};
    if (in_.accept_word("mss")) return {K::Mss, {in_.number_up_to<uint16_t>()}};
    if (in_.accept_word("wscale")) return {K::Scale, {in_.number_up_to<uint8_t>()}};
    if (in_.accept_word("TS")) {
      in_.expect("val");
      const auto val = in_.number_up_to<uint32_t>();
      in_.expect("ecr");
      return {K::Timestamps, {val, in_.number_up_to<uint32_t>()}};
    }
    if (in_.accept_word("sack")) {
      Option o{K::Sack, {}};
      while (std::isdigit(uint8_t(in_.peek()))) {
        o.numbers.push_back(in_.number_up_to<uint32_t>());
        in_.expect(":");
        o.numbers.push_back(in_.number_up_to<uint32_t>());
      }
      if (o.numbers.empty() || o.numbers.size() > 8) in_.fail("a SACK option has one to four blocks, before");
      return o;
    }
    for (const auto& [name, what] : {std::pair{"FOEXP", "TCP Fast Open"},
                                     {"FO", "TCP Fast Open"},
                                     {"md5", "TCP MD5 signatures"},
                                     {"ECN", "AccECN"},
                                     {"accecn", "AccECN"}})
      if (in_.accept_word(name)) in_.lacks(what);
    in_.fail("expected a TCP option");
  }

  Icmp icmp(bool inbound) {
    Icmp i{.inbound = inbound, .type = in_.word()};
    if (std::isalpha(uint8_t(in_.peek())) && !in_.sees("mtu")) i.code = in_.word();
    if (in_.accept_word("mtu")) i.mtu = in_.number_up_to<uint32_t>();
    if (in_.accept("[")) {
      i.quoted_seq = in_.number_up_to<uint32_t>();
      (void)in_.until("]");
    }
    return i;
  }

  Call call(std::optional<Duration> returns) {
    Call c{.name = in_.word(), .returns = returns};
    in_.expect("(");
    if (!in_.sees(")")) do
        c.arguments.push_back(value());
      while (in_.accept(","));
    in_.expect(")");
    in_.expect("=");
    c.result = value();
    if (in_.peek() == 'E') c.error = in_.word();
    if (in_.accept("(")) (void)in_.until(")");  // strerror's words
    return c;
  }

  Value value() {
    Value v = term();
    while (in_.accept("|")) {
      const Value more = term();
      v.text.append("|").append(more.text);
      v.number |= more.number;
    }
    return v;
  }
  Value term() {
    if (++depth_ > 16) in_.fail("too many brackets");
    Value v = term_inside();
    --depth_;
    return v;
  }
  Value term_inside() {
    using K = Value::Kind;
    const char c = in_.peek();
    if (in_.accept("...")) return {};
    if (in_.accept("[")) return list("]");
    if (in_.accept("{")) return list("}");
    if (in_.accept("\"")) return {.kind = K::Text, .text = in_.until("\"")};
    if (std::isdigit(uint8_t(c)) || c == '-') {
      Value v{.kind = K::Number};
      v.number = in_.number();
      return v;
    }
    Value v{.kind = K::Word, .text = in_.word()};
    if (in_.accept("(")) v.text.append("(").append(in_.until(")")).append(")");
    return v;
  }
  // Items, or fields when they have names.
  Value list(std::string_view end) {
    Value v{.kind = Value::Kind::List};
    while (!in_.accept(end)) {
      Value item = value();
      std::string name;
      if (item.is(Value::Kind::Word) && in_.accept("=")) {
        v.kind = Value::Kind::Struct;
        name = item.text.substr(0, item.text.find('('));
        item = value();
      }
      v.items.push_back(std::move(item));
      v.names.push_back(std::move(name));
      if (!in_.accept(",") && !in_.sees(end)) in_.fail("expected ',' or '" + std::string{end} + "'");
    }
    return v;
  }

  Lexer in_;
  int depth_ = 0;
};

std::string print(const Option& o) {
  using K = Option::Kind;
  const auto n = [&](size_t i) { return std::to_string(o.numbers[i]); };
  switch (o.kind) {
    case K::Nop:
      return "nop";
    case K::End:
      return "eol";
    case K::Mss:
      return std::string{"mss "}.append(n(0));
    case K::Scale:
      return std::string{"wscale "}.append(n(0));
    case K::SackPermitted:
      return "sackOK";
    case K::Timestamps:
      return std::string{"TS val "}.append(n(0)).append(" ecr ").append(n(1));
    case K::Sack: {
      std::string s = "sack";
      for (size_t i = 0; i + 1 < o.numbers.size(); i += 2)
        s.append(" ").append(n(i)).append(":").append(n(i + 1));
      return s;
    }
    default:
      return "unknown";
  }
}

}  // namespace

const Value* Value::field(std::string_view name) const {
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return &items[i];
  return nullptr;
}

std::string print(const Packet& p) {
  std::string s{p.inbound ? "<" : ">"};
  if (p.ecn) s += std::array{" [noecn]", " [ect1]", " [ect0]", " [ce]", " [ect01]"}[*p.ecn];
  s += " ";
  if (p.flags == 0) s += "-";
  for (const auto& [letter, bit] : flag_letters)
    if (p.flags & bit) s += letter;
  const auto add = [&](const char* before, uint32_t n) { s.append(before).append(std::to_string(n)); };
  add(" ", p.seq);
  add(":", p.seq + p.text);
  add("(", p.text);
  s += ")";
  if (p.flags & ack) add(" ack ", p.ack);
  if (p.window) add(" win ", *p.window);
  if (p.urgent) add(" urg ", *p.urgent);
  if (p.any_options) return s + " <...>";
  for (size_t i = 0; i < p.options.size(); ++i) s.append(i == 0 ? " <" : ",").append(print(p.options[i]));
  if (!p.options.empty()) s += ">";
  return s;
}

Script parse(std::string_view text) { return Parser{text}.script(); }

}  // namespace sluice::test::pkt
