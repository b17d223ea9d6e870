// SPDX-License-Identifier: Apache-2.0
#include "dns/master_file.h"

#include <algorithm>
#include <charconv>

#include "dns/lexer.h"
#include "dns/rdata_text.h"

namespace sluice::dns {
namespace {

bool same_text(std::string_view a, std::string_view b) {
  return std::ranges::equal(as_bytes(a), as_bytes(b), {}, lower, lower);
}

std::optional<Class> class_named(std::string_view text) {
  if (same_text(text, "IN")) return Class::In;
  if (same_text(text, "CH")) return Class::Ch;
  if (same_text(text, "HS")) return Class::Hs;
  if (text.size() < 6 || !same_text(text.substr(0, 5), "CLASS")) return std::nullopt;
  uint16_t n = 0;
  const auto [end, wrong] = std::from_chars(text.data() + 5, text.data() + text.size(), n);
  if (wrong != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return static_cast<Class>(n);
}

std::string quoted(std::string_view s) { return '\'' + std::string(s.substr(0, 80)) + '\''; }

class Parser {
 public:
  Parser(const Name& origin, const Loader& load, const Options& options, Complaints& complaints)
      : origin_{origin}, load_{load}, options_{options}, complaints_{complaints} {}

  void file(std::string_view text, std::string_view name);
  MasterFile take() { return std::move(out_); }

 private:
  void entry(const Entry&);
  void directive(const Entry&);
  void include(const Entry&);
  void record(const Entry&);
  bool owner(const Entry&, size_t& next);
  bool ttl_and_class(const Entry&, size_t& next, std::optional<uint32_t>& ttl);
  bool resolve_ttl(const Token& at, Type, const std::string& rdata, std::optional<uint32_t>& ttl);
  std::optional<uint32_t> ttl_value(const Token&);
  bool has(const Entry&, size_t least, size_t most, const char* right);
  void complain(const Token& at, std::string wrong, std::string right,
                Complaint::Weight weight = Complaint::Weight::Error);

  Name origin_;
  const Loader& load_;
  const Options& options_;
  Complaints& complaints_;
  MasterFile out_;
  uint32_t file_ = 0;   // the one being read
  uint32_t depth_ = 0;  // of $INCLUDE
  std::string owner_;   // lower-cased wire name of the entry before; empty: none yet, or it was faulty
  bool owner_faulty_ = false;
  std::optional<uint32_t> default_ttl_;  // $TTL
  std::optional<uint32_t> last_ttl_;     // RFC 1035 §5.1: "omitted ... default to the last explicitly stated"
};

void Parser::complain(const Token& at, std::string wrong, std::string right, Complaint::Weight weight) {
  complaints_.add({out_.files[file_], at.line, at.column, std::move(wrong), std::move(right), weight});
}

void Parser::file(std::string_view text, std::string_view name) {
  const uint32_t before = file_;
  file_ = static_cast<uint32_t>(out_.files.size());
  out_.files.emplace_back(name);
  Lexer lexer{text};
  Entry e;
  Miscut m{};
  for (;;) {
    const auto got = lexer.next(e, m);
    if (got == Lexer::Got::End) break;
    if (got == Lexer::Got::Miscut)
      complain({{}, m.line, m.column, false}, m.wrong, m.right);
    else
      entry(e);
  }
  file_ = before;
}

void Parser::entry(const Entry& e) {
  const Token& first = e.tokens[0];
  if (!e.begins_blank && !first.quoted && first.text.starts_with('$')) return directive(e);
  record(e);
}

bool Parser::has(const Entry& e, size_t least, size_t most, const char* right) {
  if (e.tokens.size() < least) {
    complain(e.tokens.back(), std::string(e.tokens[0].text) + " lacks its argument", right);
    return false;
  }
  if (e.tokens.size() > most) {
    complain(e.tokens[most], quoted(e.tokens[most].text) + " after the end of the directive", right);
    return false;
  }
  return true;
}

void Parser::directive(const Entry& e) {
  const std::string_view what = e.tokens[0].text;
  if (same_text(what, "$ORIGIN")) {
    if (!has(e, 2, 2, "write $ORIGIN NAME")) return;
    Name n;
    if (const char* wrong = Name::parse(e.tokens[1].text, origin_, n))
      return complain(e.tokens[1], quoted(e.tokens[1].text) + " is not a domain name: " + wrong,
                      "write $ORIGIN NAME");
    origin_ = n;
  } else if (same_text(what, "$TTL")) {
    if (!has(e, 2, 2, "write $TTL TIME")) return;
    if (const auto t = ttl_value(e.tokens[1])) default_ttl_ = t;
  } else if (same_text(what, "$INCLUDE")) {
    include(e);
  } else {
    complain(e.tokens[0], "unknown directive " + quoted(what), "$ORIGIN, $TTL and $INCLUDE are known");
  }
}

void Parser::include(const Entry& e) {
  if (!has(e, 2, 3, "write $INCLUDE FILE [ORIGIN]")) return;
  Name origin = origin_;
  if (e.tokens.size() == 3) {
    if (const char* wrong = Name::parse(e.tokens[2].text, origin_, origin))
      return complain(e.tokens[2], quoted(e.tokens[2].text) + " is not a domain name: " + wrong,
                      "write $INCLUDE FILE [ORIGIN]");
  }
  std::string name;
  if (const char* wrong = unescape(e.tokens[1].text, name))
    return complain(e.tokens[1], std::string("the file name has ") + wrong, "double each backslash");
  if (depth_ == options_.include_depth_max)
    return complain(e.tokens[1], "$INCLUDE inside $INCLUDE, deeper than " + std::to_string(depth_),
                    "does a file include itself? else raise include_depth_max");
  const auto text = load_ ? load_(name, out_.files[file_]) : std::nullopt;
  if (!text) return complain(e.tokens[1], "cannot read " + quoted(name), "name a readable file");
  // RFC 1035 §5.1: $INCLUDE never changes the origin of the file that includes; nor its current owner.
  const Name origin_before = origin_;
  const std::string owner_before = owner_;
  const bool faulty_before = owner_faulty_;
  origin_ = origin;
  ++depth_;
  file(*text, name);
  --depth_;
  origin_ = origin_before;
  owner_ = owner_before;
  owner_faulty_ = faulty_before;
}

std::optional<uint32_t> Parser::ttl_value(const Token& t) {
  const auto v = t.quoted ? std::nullopt : parse_period(t.text);
  if (!v) {
    complain(t, quoted(t.text) + " is not a TTL", "write seconds or units, as in 3600 or 1h30m");
    return std::nullopt;
  }
  if (*v <= max_ttl) return v;
  complain(t, "a TTL above 2147483647 counts as 0 (RFC 2181 §8)", "write at most 2147483647",
           Complaint::Weight::Warning);
  return 0;
}

bool Parser::owner(const Entry& e, size_t& next) {
  if (e.begins_blank) {
    if (owner_.empty() && !owner_faulty_)
      complain(e.tokens[0], "an entry without an owner, and none before it",
               "begin the line with a name or @");
    return !owner_.empty();
  }
  const Token& t = e.tokens[next++];
  Name n;
  const char* wrong = Name::parse(t.text, origin_, n);
  owner_faulty_ = wrong != nullptr;
  owner_ = wrong ? std::string{} : lowered(n.wire());
  if (wrong)
    complain(t, quoted(t.text) + " is not a domain name: " + wrong, "labels of 1 to 63 octets, 255 in all");
  return wrong == nullptr;
}

// RFC 1035 §5.1: [TTL] [class] or [class] [TTL].
bool Parser::ttl_and_class(const Entry& e, size_t& next, std::optional<uint32_t>& ttl) {
  bool had_class = false;
  for (; next < e.tokens.size(); ++next) {
    const Token& t = e.tokens[next];
    if (!ttl && !t.text.empty() && t.text[0] >= '0' && t.text[0] <= '9') {
      ttl = ttl_value(t);
      if (!ttl) return false;
      continue;
    }
    const auto c = had_class ? std::nullopt : class_named(t.text);
    if (!c) return true;
    had_class = true;
    if (*c != Class::In) {
      complain(t, "class " + quoted(t.text) + " in a zone of class IN", "write IN, or leave it out");
      return false;
    }
  }
  return true;
}

bool Parser::resolve_ttl(const Token& at, Type type, const std::string& rdata, std::optional<uint32_t>& ttl) {
  if (ttl) {
    last_ttl_ = ttl;
    return true;
  }
  ttl = default_ttl_ ? default_ttl_ : last_ttl_;
  if (ttl) return true;
  if (type != Type::Soa) {
    complain(at, "no TTL, and none before it", "put $TTL 3600 at the top of the file");
    return false;
  }
  ttl =
      std::min(load_be<uint32_t>(as_bytes(rdata).data() + rdata.size() - 4), static_cast<uint32_t>(max_ttl));
  default_ttl_ = ttl;
  complain(at, "no TTL; the SOA's MINIMUM is taken", "put $TTL 3600 at the top of the file",
           Complaint::Weight::Warning);
  return true;
}

void Parser::record(const Entry& e) {
  size_t next = 0;
  const bool named = owner(e, next);
  std::optional<uint32_t> ttl;
  if (!ttl_and_class(e, next, ttl)) return;
  if (next == e.tokens.size())
    return complain(e.tokens.back(), "an entry without a type", "write NAME [TTL] [IN] TYPE DATA");
  const Token& word = e.tokens[next++];
  const auto type = word.quoted ? std::nullopt : type_named(word.text);
  if (!type) {
    std::string known;
    for (const RdataForm& f : rdata_forms()) known += std::string(f.mnemonic) + ' ';
    return complain(word, "unknown type " + quoted(word.text),
                    "known are " + known + "and TYPEn \\# LENGTH HEX");
  }
  if (!is_data(*type))
    return complain(word, type_text(*type) + " is not a type of data", "meta-types live in messages only");
  RdataFault fault;
  const auto rdata = parse_rdata(*type, word, std::span{e.tokens}.subspan(next), origin_, fault);
  if (!rdata) return complain(fault.at, fault.wrong, fault.right);
  if (!named || !resolve_ttl(word, *type, *rdata, ttl)) return;
  const Token& first = e.tokens[0];
  out_.records.push_back({owner_, *type, *ttl, *rdata, {file_, first.line, first.column}});
}

}  // namespace

MasterFile parse_master_file(std::string_view text, std::string_view name, const Name& origin,
                             const Loader& load, const Options& options, Complaints& complaints) {
  Parser p{origin, load, options, complaints};
  p.file(text, name);
  return p.take();
}

}  // namespace sluice::dns
