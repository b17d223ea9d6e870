// SPDX-License-Identifier: Apache-2.0
#include "config/codec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "base/check.h"

namespace sluice::config {
namespace {

template <class T>
std::optional<T> decimal(std::string_view text) {
  T v{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return v;
}

struct Unit {
  const char* name;
  uint64_t size;
};
// The largest first: the text of a value uses the first that divides it.
constexpr Unit time_units[] = {{"h", 3'600'000'000'000}, {"m", 60'000'000'000}, {"s", 1'000'000'000},
                               {"ms", 1'000'000},        {"us", 1'000},         {"ns", 1}};
constexpr Unit size_units[] = {{"", 1},
                               {"k", 1'000},
                               {"M", 1'000'000},
                               {"G", 1'000'000'000},
                               {"Ki", 1ull << 10},
                               {"Mi", 1ull << 20},
                               {"Gi", 1ull << 30}};

// `text` is digits and the name of one of the units; nothing when it is not or does not fit into `most`.
std::optional<uint64_t> with_unit(std::string_view text, std::span<const Unit> units, uint64_t most) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto v = decimal<uint64_t>(text.substr(0, digits));
  if (!v) return std::nullopt;
  for (const Unit& unit : units)
    if (text.substr(digits) == unit.name)
      return *v > most / unit.size ? std::nullopt : std::optional{*v * unit.size};
  return std::nullopt;
}

constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool is_port_name(std::string_view t) {
  return !t.empty() && t.size() <= 15 && is_alpha(t[0]) &&
         std::ranges::all_of(t, [](char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '_'; });
}

// Labels of 1 to 63 octets, 253 in all, a dot at the end allowed; escapes (RFC 4343 §2.1) are not.
bool is_dotted(std::string_view t, bool underscore) {
  if (t.ends_with('.')) t.remove_suffix(1);
  if (t.empty() || t.size() > 253) return false;
  size_t label = 0;
  for (const char c : t) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      continue;
    }
    if (!is_alpha(c) && !is_digit(c) && c != '-' && !(underscore && c == '_')) return false;
    if (++label > 63) return false;
  }
  return label != 0;
}
bool is_domain(std::string_view t) { return t == "." || is_dotted(t, true); }
bool is_host(std::string_view t) { return is_dotted(t, false); }

// In all kinds of device but raw a comma would start another device argument.
bool is_interface(std::string_view t) {
  return !t.empty() && t.size() <= 15 && t != "." && t != ".." && std::ranges::all_of(t, [](char c) {
    return c > ' ' && c < 127 && c != '/' && c != ',' && c != ':';
  });
}
bool is_file(std::string_view t) { return !t.empty() && t.size() < 4096; }
bool is_device_file(std::string_view t) { return is_file(t) && !t.contains(','); }
bool is_socket(std::string_view t) { return is_device_file(t) && t.size() <= 107; }  // sockaddr_un's room
bool is_pci(std::string_view t) {
  constexpr std::string_view form = "hhhh:hh:hh.o";
  if (t.size() != form.size()) return false;
  for (size_t i = 0; i < t.size(); ++i) {
    const bool fits = form[i] == 'h'   ? is_hex(t[i])
                      : form[i] == 'o' ? t[i] >= '0' && t[i] <= '7'
                                       : t[i] == form[i];
    if (!fits) return false;
  }
  return true;
}
bool is_null_size(std::string_view t) {
  const auto v = decimal<uint32_t>(t);
  return v && *v <= 64;
}
bool is_raw(std::string_view t) { return is_file(t); }

constexpr const char* any_text = "^.+$";
constexpr const char* no_comma = "^[^,]+$";
constexpr TextKind interface_name{"an interface name of at most 15 characters like sluice0",
                                  "^[^,:/ ]{1,15}$", is_interface};
constexpr TextKind socket_path{"the path of a socket, at most 107 octets and no comma", no_comma, is_socket};

bool is_bond_mode(std::string_view t) { return t == "active-backup" || t == "802.3ad"; }

constexpr std::array<DeviceForm, 11> forms = {{
    {"pci",
     io::DeviceKind::pci,
     "a NIC, by PCI address",
     {"a PCI address like 0000:3b:00.0", "^[0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\\.[0-7]$", is_pci}},
    {"virtio_user", io::DeviceKind::virtio_user, "client of a vhost-user device, by its socket", socket_path},
    {"vhost_user", io::DeviceKind::vhost_user, "vhost-user device for a VM, by the socket to serve",
     socket_path},
    {"tap", io::DeviceKind::tap, "a tap interface to make", interface_name},
    {"af_packet", io::DeviceKind::af_packet, "a kernel interface, by AF_PACKET", interface_name},
    {"af_xdp", io::DeviceKind::af_xdp, "a kernel interface, by AF_XDP", interface_name},
    {"memif", io::DeviceKind::memif, "shared memory, by its socket", socket_path},
    {"pcap",
     io::DeviceKind::pcap,
     "packets from a capture file; what is sent is lost",
     {"the path of a capture file, no comma", no_comma, is_device_file}},
    {"null",
     io::DeviceKind::null,
     "made-up packets, so many in a burst; what is sent is lost",
     {"a number of packets from 0 to 64", "^[0-9]{1,2}$", is_null_size}},
    {"bond",
     io::DeviceKind::bond,
     "several devices as one, by how they work together: one at a time, or all with LACP",
     {"active-backup or 802.3ad", "^(active-backup|802\\.3ad)$", is_bond_mode}},
    {"raw",
     io::DeviceKind::raw,
     "DPDK device arguments as they are",
     {"DPDK device arguments", any_text, is_raw}},
}};

constexpr std::pair<const char*, Mode> modes[] = {
    {"latency", Mode::Latency}, {"balanced", Mode::Balanced}, {"efficient", Mode::Efficient}};
constexpr std::pair<const char*, Hugepages> hugepages[] = {
    {"auto", Hugepages::Auto}, {"on", Hugepages::On}, {"off", Hugepages::Off}};
constexpr std::pair<const char*, RouteKind> route_kinds[] = {{"forward", RouteKind::Forward},
                                                             {"blackhole", RouteKind::Blackhole},
                                                             {"unreachable", RouteKind::Unreachable},
                                                             {"prohibit", RouteKind::Prohibit}};
constexpr std::pair<const char*, ReversePath> reverse_paths[] = {
    {"off", ReversePath::Off}, {"loose", ReversePath::Loose}, {"strict", ReversePath::Strict}};
constexpr std::pair<const char*, OuterTag> outer_tags[] = {{"802.1ad", OuterTag::Ieee8021ad},
                                                           {"802.1q", OuterTag::Ieee8021q}};
constexpr std::pair<const char*, tcp::Algorithm> algorithms[] = {
    {"cubic", tcp::Algorithm::Cubic}, {"reno", tcp::Algorithm::Reno}, {"bbr", tcp::Algorithm::Bbr}};

}  // namespace

template <Number T>
std::optional<T> parse_number(std::string_view text) {
  if constexpr (std::same_as<T, bool>) {
    return text == "true" ? std::optional{true} : text == "false" ? std::optional{false} : std::nullopt;
  } else if constexpr (std::same_as<T, Duration>) {
    const auto ns = with_unit(text, time_units, INT64_MAX);
    return ns ? std::optional{Duration{static_cast<int64_t>(*ns)}} : std::nullopt;
  } else if constexpr (std::same_as<T, uint64_t>) {
    return with_unit(text, size_units, UINT64_MAX);
  } else {
    return decimal<T>(text);
  }
}
template std::optional<bool> parse_number(std::string_view);
template std::optional<uint16_t> parse_number(std::string_view);
template std::optional<uint32_t> parse_number(std::string_view);
template std::optional<uint64_t> parse_number(std::string_view);
template std::optional<double> parse_number(std::string_view);
template std::optional<Duration> parse_number(std::string_view);

template <Number T>
std::string number_text(T v) {
  if constexpr (std::same_as<T, bool>) {
    return v ? "true" : "false";
  } else if constexpr (std::same_as<T, double>) {
    char text[64];
    return {text, std::to_chars(text, text + sizeof text, v).ptr};
  } else if constexpr (std::same_as<T, Duration>) {
    if (v.ns == 0) return "0s";
    const auto* unit = time_units;
    while (v.ns % static_cast<int64_t>(unit->size) != 0) ++unit;  // the last divides all
    return std::to_string(v.ns / static_cast<int64_t>(unit->size)) + unit->name;
  } else {
    return std::to_string(v);
  }
}
template std::string number_text(bool);
template std::string number_text(uint16_t);
template std::string number_text(uint32_t);
template std::string number_text(uint64_t);
template std::string number_text(double);
template std::string number_text(Duration);

template <Number T>
std::string number_right(T least, T most) {
  if constexpr (std::same_as<T, bool>) return "true or false";
  const char* what = "a whole number";
  if constexpr (std::same_as<T, double>) what = "a number";
  if constexpr (std::same_as<T, uint64_t>) what = "a whole number (k, M, G, Ki, Mi or Gi may follow)";
  if constexpr (std::same_as<T, Duration>) what = "a time with its unit (ns, us, ms, s, m or h)";
  return std::string{what} + " from " + number_text(least) + " to " + number_text(most);
}
template std::string number_right(bool, bool);
template std::string number_right(uint16_t, uint16_t);
template std::string number_right(uint32_t, uint32_t);
template std::string number_right(uint64_t, uint64_t);
template std::string number_right(double, double);
template std::string number_right(Duration, Duration);

template <>
Choices<Mode> choices<Mode>() {
  return modes;
}
template <>
Choices<Hugepages> choices<Hugepages>() {
  return hugepages;
}
template <>
Choices<RouteKind> choices<RouteKind>() {
  return route_kinds;
}
template <>
Choices<ReversePath> choices<ReversePath>() {
  return reverse_paths;
}
template <>
Choices<OuterTag> choices<OuterTag>() {
  return outer_tags;
}
template <>
Choices<tcp::Algorithm> choices<tcp::Algorithm>() {
  return algorithms;
}

std::optional<Endpoint> Codec<Endpoint>::parse(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto addr = parse_ip(host);
  const auto port = decimal<uint16_t>(text.substr(colon + 1));
  if (!addr || !port || *port == 0 || bracketed != host.contains(':')) return std::nullopt;
  return Endpoint{*addr, {*port}};
}

std::string Codec<Endpoint>::text(const Endpoint& e) {
  const std::string host = to_text(e.addr);
  return (e.addr.is_v4() ? host : "[" + host + "]") + ":" + std::to_string(e.port.v);
}

std::optional<Mac> Codec<Mac>::parse(std::string_view text) {
  Mac m;
  if (text.size() != 17) return std::nullopt;
  for (size_t i = 0; i < 6; ++i) {
    const std::string_view two = text.substr(i * 3, 2);
    if (!is_hex(two[0]) || !is_hex(two[1]) || (i < 5 && text[i * 3 + 2] != ':')) return std::nullopt;
    std::from_chars(two.data(), two.data() + 2, m.b[i], 16);
  }
  if (m.is_group() || m.is_zero()) return std::nullopt;
  return m;
}

std::string Codec<Mac>::text(const Mac& m) {
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", m.b[0], m.b[1], m.b[2], m.b[3], m.b[4],
                m.b[5]);
  return text;
}

std::optional<MssClamp> Codec<MssClamp>::parse(std::string_view text) {
  if (text == "off") return MssClamp{};
  if (text == "mtu") return MssClamp{MssClamp::Kind::Mtu};
  const auto v = decimal<uint16_t>(text);
  if (!v || *v < MssClamp::least || *v > MssClamp::greatest) return std::nullopt;
  return MssClamp{MssClamp::Kind::Number, *v};
}

std::string Codec<MssClamp>::text(const MssClamp& c) {
  if (c.kind == MssClamp::Kind::Number) return std::to_string(c.number);
  return c.kind == MssClamp::Kind::Mtu ? "mtu" : "off";
}

const TextKind port_name{"a name of at most 15 letters, digits, '-' and '_' that starts with a letter",
                         "^[A-Za-z][A-Za-z0-9_-]{0,14}$", is_port_name};
const TextKind vrf_name{port_name.right, port_name.pattern, is_port_name};
const TextKind domain_name{"a domain name like example.test", "^[A-Za-z0-9_.-]+$", is_domain};
const TextKind host_name{"a host name like www.example.test", "^[A-Za-z0-9.-]+$", is_host};
const TextKind file_path{"a path, from the configuration's folder or with a slash in front", any_text,
                         is_file};
const TextKind device_args{"DPDK device arguments like queue_size=512", any_text, is_raw};

std::span<const DeviceForm> device_forms() { return forms; }
const DeviceForm& form_of(io::DeviceKind kind) {
  const auto form = std::ranges::find(forms, kind, &DeviceForm::kind);
  check(form != forms.end(), "every kind of device has a form");
  return *form;
}

}  // namespace sluice::config
