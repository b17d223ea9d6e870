// SPDX-License-Identifier: Apache-2.0
// Frames and ports for the tests of io.
#pragma once

#include <deque>
#include <vector>

#include "buf/port.h"
#include "support/eal.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/ip_addr.h"
#include "wire/tuple.h"

namespace sluice::test {

constexpr Mac mac_a{{0x02, 0, 0, 0, 0, 0xa}}, mac_b{{0x02, 0, 0, 0, 0, 0xb}};

inline void append(std::vector<uint8_t>& to, const std::vector<uint8_t>& what) {
  for (const uint8_t octet : what) to.push_back(octet);  // g++ 12 sees an overflow in vector::insert
}

// An IPv4 packet with a right header checksum. `fragment`: flags and offset as they stand in the header.
inline std::vector<uint8_t> ip4(Ip4Addr src, Ip4Addr dst, uint8_t proto, const std::vector<uint8_t>& payload,
                                uint16_t fragment = 0) {
  std::vector<uint8_t> p(20);
  p[0] = 0x45;
  store_be<uint16_t>(&p[2], static_cast<uint16_t>(20 + payload.size()));
  store_be<uint16_t>(&p[6], fragment);
  p[8] = 64;
  p[9] = proto;
  src.store(&p[12]);
  dst.store(&p[16]);
  store_be<uint16_t>(&p[10], wire::Sum{}.add(p).checksum());
  append(p, payload);
  return p;
}

// A UDP datagram with a right checksum.
inline std::vector<uint8_t> udp(Ip4Addr src, Ip4Addr dst, uint16_t sport, uint16_t dport,
                                const std::vector<uint8_t>& payload) {
  std::vector<uint8_t> d(8);
  store_be(&d[0], sport);
  store_be(&d[2], dport);
  store_be(&d[4], static_cast<uint16_t>(8 + payload.size()));
  append(d, payload);
  const auto length = static_cast<uint32_t>(d.size());
  const uint16_t sum = wire::pseudo_header(src, dst, 17, length).add(Bytes{d}).checksum();
  store_be<uint16_t>(&d[6], sum == 0 ? 0xffff : sum);
  return d;
}

inline std::vector<uint8_t> frame(const Mac& dst, const Mac& src, wire::EtherType type,
                                  const std::vector<uint8_t>& payload) {
  std::vector<uint8_t> f(wire::Ethernet::header_len);
  wire::Ethernet::emit(f.data(), dst, src, type);
  append(f, payload);
  return f;
}

inline std::vector<uint8_t> udp_frame(Ip4Addr src, Ip4Addr dst, uint16_t sport, uint16_t dport,
                                      const std::vector<uint8_t>& payload = {}) {
  return frame(mac_b, mac_a, wire::EtherType::Ip4, ip4(src, dst, 17, udp(src, dst, sport, dport, payload)));
}

inline std::vector<uint8_t> bytes_of(const buf::Packet& p) {
  std::vector<uint8_t> b;
  for (const rte_mbuf* m = p.raw(); m != nullptr; m = m->next)
    b.insert(b.end(), rte_pktmbuf_mtod(m, const uint8_t*), rte_pktmbuf_mtod(m, const uint8_t*) + m->data_len);
  return b;
}

// A port whose wire the test holds: what it puts into `arriving` is received, what is sent lands in `sent`.
class FakePort final : public buf::NetPort {
 public:
  std::deque<buf::Packet> arriving;
  std::vector<buf::Packet> sent;

  void rx(buf::Batch& in) override {
    while (!in.full() && !arriving.empty()) {
      in.push(std::move(arriving.front()));
      arriving.pop_front();
    }
  }
  void tx(buf::Batch& out) override {
    for (buf::Packet& p : out) sent.push_back(std::move(p));
    out.clear();
  }
};

}  // namespace sluice::test
