// SPDX-License-Identifier: Apache-2.0
#include "dns/rdata_text.h"

#include <arpa/inet.h>

#include <charconv>

namespace sluice::dns {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

struct Reader {
  std::span<const Token> tokens;
  const Name& origin;
  RdataFault& fault;
  std::string out{};
  size_t next = 0;

  bool fail(const Token& t, std::string wrong, std::string right) {
    fault = {t, std::move(wrong), std::move(right)};
    return false;
  }
  bool number(const Token& t, uint64_t most, size_t octets);
  bool period(const Token& t);
  bool name(const Token& t);
  bool address(const Token& t, int family, size_t octets);
  bool string(const Token& t);
  bool tag(const Token& t);
  bool rest(const Token& t);
  bool field(Field f, const Token& t);
};

std::string shown(const Token& t) { return '\'' + std::string(t.text.substr(0, 80)) + '\''; }

bool Reader::number(const Token& t, uint64_t most, size_t octets) {
  uint64_t v = 0;
  const char* end = t.text.data() + t.text.size();
  const auto [stop, wrong] = std::from_chars(t.text.data(), end, v);
  if (t.quoted || wrong != std::errc{} || stop != end || v > most)
    return fail(t, shown(t) + " is not a number from 0 to " + std::to_string(most), "write a decimal number");
  for (size_t i = octets; i-- > 0;) out += static_cast<char>(v >> (8 * i));
  return true;
}

bool Reader::period(const Token& t) {
  const auto v = t.quoted ? std::nullopt : parse_period(t.text);
  if (!v)
    return fail(t, shown(t) + " is not a time", "write seconds, or units as in 1h30m, below 2^32 seconds");
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(*v >> shift);
  return true;
}

bool Reader::name(const Token& t) {
  Name n;
  if (const char* wrong = Name::parse(t.text, origin, n))
    return fail(t, shown(t) + " is not a domain name: " + wrong, "labels of 1 to 63 octets, 255 in all");
  out += as_text(n.wire());
  return true;
}

bool Reader::address(const Token& t, int family, size_t octets) {
  uint8_t b[16];
  if (t.quoted || inet_pton(family, std::string(t.text).c_str(), b) != 1)
    return fail(t, shown(t) + (octets == 4 ? " is not an IPv4 address" : " is not an IPv6 address"),
                octets == 4 ? "four numbers from 0 to 255, as in 192.0.2.1" : "as in 2001:db8::1");
  out += as_text({b, octets});
  return true;
}

bool Reader::string(const Token& t) {
  std::string s;
  if (const char* wrong = unescape(t.text, s))
    return fail(t, shown(t) + " has " + wrong, "\\X or \\DDD, 000 to 255");
  if (s.size() > 255)
    return fail(t, "a string of " + std::to_string(s.size()) + " octets",
                "cut it into strings of at most 255");
  out += static_cast<char>(s.size());
  out += s;
  return true;
}

bool Reader::tag(const Token& t) {
  const size_t began = out.size();
  if (!t.quoted && string(t) && field_len(Field::Tag, as_bytes(out).subspan(began))) return true;
  return fail(t, shown(t) + " is not a property tag", "letters and digits only, as in issue (RFC 8659)");
}

bool Reader::rest(const Token& t) {
  std::string s;
  if (const char* wrong = unescape(t.text, s))
    return fail(t, shown(t) + " has " + wrong, "\\X or \\DDD, 000 to 255");
  out += s;
  return true;
}

bool Reader::field(Field f, const Token& t) {
  switch (f) {
    case Field::End:
      return true;
    case Field::Name:
    case Field::PlainName:
      return name(t);
    case Field::U8:
      return number(t, 0xff, 1);
    case Field::U16:
      return number(t, 0xffff, 2);
    case Field::U32:
      return number(t, 0xffffffff, 4);
    case Field::Period:
      return period(t);
    case Field::Ip4:
      return address(t, AF_INET, 4);
    case Field::Ip6:
      return address(t, AF_INET6, 16);
    case Field::Strings:
      return string(t);
    case Field::Tag:
      return tag(t);
    case Field::Rest:
      return rest(t);
  }
  return false;
}

std::string_view field_text(Field f) {
  switch (f) {
    case Field::Name:
    case Field::PlainName:
      return "a domain name";
    case Field::U8:
    case Field::U16:
    case Field::U32:
      return "a number";
    case Field::Period:
      return "a time in seconds";
    case Field::Ip4:
      return "an IPv4 address";
    case Field::Ip6:
      return "an IPv6 address";
    case Field::Tag:
      return "a property tag";
    default:
      return "a string";
  }
}

bool by_form(const RdataForm& form, const Token& last, Reader& r) {
  for (const Field f : form.fields) {
    if (f == Field::End) break;
    if (r.next == r.tokens.size()) {
      const Token& end = r.tokens.empty() ? last : r.tokens.back();
      return r.fail({{}, end.line, end.column + static_cast<uint32_t>(end.text.size()), false},
                    std::string(form.mnemonic) + " data ends too early", "add " + std::string(field_text(f)));
    }
    do
      if (!r.field(f, r.tokens[r.next++])) return false;
    while (f == Field::Strings && r.next < r.tokens.size());
  }
  if (r.next < r.tokens.size())
    return r.fail(r.tokens[r.next], shown(r.tokens[r.next]) + " after the end of the data",
                  "remove it, or put it into quotes with what it belongs to");
  return true;
}

constexpr int hex(char c) {
  if (is_digit(c)) return c - '0';
  const auto l = static_cast<char>(lower(static_cast<uint8_t>(c)));
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// \# length hex..., RFC 3597 §5; the hex digits may be cut anywhere between octets or inside one.
bool generic(Reader& r) {
  if (r.tokens.size() < 2) return r.fail(r.tokens[0], "\\# without a length", "write \\# LENGTH HEX");
  if (!r.number(r.tokens[1], 0xffff, 2)) return false;
  const size_t len = load_be<uint16_t>(as_bytes(r.out).data());
  r.out.clear();
  int high = -1;
  for (const Token& t : r.tokens.subspan(2)) {
    for (const char c : t.text) {
      const int v = hex(c);
      if (v < 0 || t.quoted) return r.fail(t, shown(t) + " is not hexadecimal", "digits 0-9 and a-f");
      if (high >= 0) r.out += static_cast<char>(high << 4 | v);
      high = high >= 0 ? -1 : v;
    }
  }
  if (high < 0 && r.out.size() == len) return true;
  return r.fail(r.tokens[1],
                "length " + std::to_string(len) + " does not match the hexadecimal octets that follow",
                "they are " + std::to_string(r.out.size()) + (high >= 0 ? " and a half" : ""));
}

}  // namespace

const char* unescape(std::string_view text, std::string& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i == text.size()) return "a backslash with nothing after it";
    if (!is_digit(text[i])) {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3 || !is_digit(text[i + 1]) || !is_digit(text[i + 2]))
      return "an escape \\DDD without three digits";
    const int v = (text[i] - '0') * 100 + (text[i + 1] - '0') * 10 + (text[i + 2] - '0');
    if (v > 255) return "an escape \\DDD above 255";
    out += static_cast<char>(v);
    i += 2;
  }
  return nullptr;
}

std::optional<uint32_t> parse_period(std::string_view text) {
  uint64_t sum = 0;
  for (bool first = true; first || !text.empty(); first = false) {
    uint32_t n = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (wrong != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    uint64_t unit = 1;
    if (text.empty()) {
      if (!first) return std::nullopt;  // 1h30: thirty what?
    } else {
      switch (lower(static_cast<uint8_t>(text.front()))) {
        case 'w':
          unit = 604'800;
          break;
        case 'd':
          unit = 86'400;
          break;
        case 'h':
          unit = 3'600;
          break;
        case 'm':
          unit = 60;
          break;
        case 's':
          unit = 1;
          break;
        default:
          return std::nullopt;
      }
      text.remove_prefix(1);
    }
    sum += n * unit;
    if (sum > UINT32_MAX) return std::nullopt;
  }
  return static_cast<uint32_t>(sum);
}

std::optional<std::string> parse_rdata(Type type, const Token& last, std::span<const Token> tokens,
                                       const Name& origin, RdataFault& fault) {
  Reader r{tokens, origin, fault};
  const RdataForm* form = form_of(type);
  if (!tokens.empty() && !tokens[0].quoted && tokens[0].text == "\\#") {
    if (!generic(r)) return std::nullopt;
    if (form != nullptr && !has_form(*form, as_bytes(r.out))) {
      r.fail(tokens[0], "these octets are no " + std::string(form->mnemonic) + " data",
             "write the data as text");
      return std::nullopt;
    }
    return std::move(r.out);
  }
  if (form == nullptr) {
    r.fail(tokens.empty() ? last : tokens[0], "the data of " + type_text(type) + " has no known text form",
           "write it as \\# LENGTH HEX (RFC 3597)");
    return std::nullopt;
  }
  if (!by_form(*form, last, r)) return std::nullopt;
  if (r.out.size() > 0xffff) {
    r.fail(tokens[0], "data longer than 65535 octets", "make it shorter");
    return std::nullopt;
  }
  return std::move(r.out);
}

}  // namespace sluice::dns
