// SPDX-License-Identifier: Apache-2.0
// DNS queries over UDP, closed loop (so many under way) or open loop (a rate). Written straight into frames,
// as answers are read straight out of them; only ARP, Neighbour Discovery and pings go through the host's
// rooms. Each answer is checked: checksums, id and port, the question echoed, response code, number of
// answers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/load/headers.h"
#include "app/load/host.h"
#include "app/load/load.h"
#include "app/load/pace.h"
#include "app/load/queries.h"
#include "app/load/sources.h"
#include "wire/udp.h"

namespace sluice::load {

struct DnsPlan {
  IpAddr server, next_hop;
  Port port{53};
  uint32_t outstanding = 256;  // at most, open loop or closed
  double rate = 0;             // queries a second; 0: closed loop
  Duration timeout = 1_s;
  int expect_rcode = -1;    // -1: NOERROR and NXDOMAIN
  int expect_answers = -1;  // -1: any
};

class DnsLoad final : public Load {
 public:
  static constexpr uint32_t most_outstanding = 1u << 20;

  DnsLoad(const DnsPlan&, const Queries&, buf::NetPort&, const Mac& ours, Sources, Host&, buf::PacketPool&);

  size_t turn(Instant now) override;
  bool ready(Instant now) override;
  std::string missing() const override;
  void start(Instant now) override;
  void measure(Instant now) override;
  void stop(Instant now) override;
  bool drained() const override { return true; }
  bool leave(Instant) override { return false; }

  const std::string& trouble() const { return trouble_; }  // the last one, in words

 private:
  // A query that may be under way. Slot and use give id and port, so that an answer to an earlier use of the
  // slot is not taken for one to this.
  struct Slot {
    Instant due;  // when it was, or should have been, sent
    Instant sent;
    uint32_t query = 0;
    uint16_t use = 0;
    bool under_way = false;
  };
  enum class Verdict : uint8_t { Answer, Damaged, Strange };

  Port port_of(uint32_t slot) const;
  size_t receive(Instant now);
  Verdict look(buf::Packet&, Instant now);
  void answer(uint32_t slot, Bytes message, size_t octets, Instant now);
  bool right(const Slot&, Bytes message);
  void write(uint8_t* out, uint32_t slot, Bytes query, uint16_t sum) const;
  size_t send(Instant now);
  void sweep(Instant now);
  void release(uint32_t slot);
  bool wrong(Fault f, const char* what);

  DnsPlan plan_;
  const Queries& queries_;
  buf::NetPort& port_;
  Mac ours_;
  Sources sources_;
  Host& host_;
  buf::PacketPool& pool_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;  // a ring: the slot that was free the longest is used next
  size_t free_first_ = 0, free_count_ = 0;
  Headers headers_;
  uint64_t udp_sum_ = 0;  // of what all queries have in common
  buf::Batch waiting_;    // written, and not yet taken by the device
  uint32_t next_query_ = 0, swept_ = 0;
  Pace pace_;
  uint64_t ordered_ = 0, due_before_ = 0;
  Instant next_sweep_;
  bool sending_ = false, counting_ = false;
  std::string trouble_;
};

}  // namespace sluice::load
