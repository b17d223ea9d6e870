// SPDX-License-Identifier: Apache-2.0
// Two TCP rooms and the line between them, in virtual time; flows that carry a known stream and note when it
// arrived. What must hold at every moment is checked at every moment.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "netsim/link.h"
#include "support/pattern.h"
#include "support/tcp_pair.h"

namespace sluice::test::netsim {

struct WorldOptions {
  LinkOptions up, down;  // a to b, b to a
  tcp::Options a, b;
  tcp::Path path;
  uint64_t seed = 1;
};

// One connection: a opens it, writes `up` octets and closes; b answers `down` octets and closes.
struct Flow {
  uint64_t number = 0, up = 0, down = 0;
  Instant begins{};
  uint64_t abort_at = UINT64_MAX;  // octets a has read and written when it aborts
  bool opened = false, refused = false, aborted = false;
  // As seen by each end:
  struct End {
    std::optional<buf::StreamId> id;
    uint64_t wrote = 0, read = 0;
    bool peer_closed = false, closed = false, failed = false;
    Instant moved;       // last octet of text that arrived
    Instant acted;       // last time this end sent, or heard
    SeqNum una, nxt;     // as it was then
    uint32_t again = 0;  // segments sent again by then
    Duration rto;        // the longest since then
  } a, b;
  bool over() const {
    const bool never_heard = aborted && !b.id;  // it was given up before b had it
    return (a.closed || a.failed) && (b.closed || b.failed || never_heard);
  }
};

class World {
 public:
  explicit World(const WorldOptions&);

  // A flow that begins `after` now; stays where it is for the world's life.
  Flow& add(uint64_t up, uint64_t down, Duration after = 0_s);
  // Until all flows are over and nothing flies, or `limit` has passed. True: came to rest.
  bool run(Duration limit);
  // A SYN from nowhere, which nobody will complete.
  void stray_syn();
  void set_line(const LinkOptions& up, const LinkOptions& down) { up_.set(up), down_.set(down); }
  // Lets go of flows that are over; how many are not.
  size_t forget_ended();

  Instant now{1'000'000'000};
  // The first thing that went wrong; empty: nothing.
  const std::string& fault() const { return fault_; }
  bool memory_is_back() const;
  const Host& host_a() const { return a_; }
  const Host& host_b() const { return b_; }
  const Link& up() const { return up_; }
  const Link& down() const { return down_; }

 private:
  static constexpr Port port{80};
  static constexpr uint16_t service = 7;

  void turn(Host&, Link& out, bool is_a);
  void deliver(Host&, Link& in, bool is_a);
  void serve(buf::Stream&, bool is_a);
  void send(buf::Transmit&, Link&);
  void watch(const Host&, const tcp::Options&, Flow::End&, const char* who);
  void fail(const std::string& what) {
    if (fault_.empty()) fault_ = what;
  }

  const WorldOptions o_;
  Pattern pattern_;
  Host a_, b_;
  Link up_, down_;
  size_t links_a_, links_b_;
  std::vector<std::unique_ptr<Flow>> flows_;
  std::map<uint64_t, Flow*> of_a_, of_b_;  // by stream
  std::map<uint16_t, Flow*> by_port_;
  static constexpr uint16_t first_port = 10'000;
  uint16_t next_port_ = first_port, next_stray_ = 0;
  uint64_t added_ = 0;
  std::string fault_;
};

}  // namespace sluice::test::netsim
