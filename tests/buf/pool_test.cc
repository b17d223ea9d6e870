// SPDX-License-Identifier: Apache-2.0
#include "buf/pool.h"

#include <gtest/gtest.h>

#include <string>

#include "support/eal.h"

namespace sluice::buf {
namespace {

TEST(PacketPool, an_attached_slice_is_part_of_the_packet_until_the_packet_dies) {
  PacketPool& pool = test::packet_pool();
  const uint32_t packets = pool.packets_free(), headers = pool.headers_free();
  ChunkPool chunks{2};
  Chunk* c = chunks.alloc();
  ASSERT_NE(c, nullptr);
  std::memcpy(c->data, "0123456789", 10);
  {
    Packet p = test::packet_of(as_bytes("head "));
    Slice s{*c, 2, 5};
    ASSERT_TRUE(pool.attach(p, s));
    EXPECT_EQ(p.size(), 10u);
    EXPECT_FALSE(p.contiguous());
    EXPECT_EQ(chunks.free(), 1u);
    ASSERT_TRUE(p.linearize());
    EXPECT_EQ(as_text(p.bytes()), "head 23456");
    EXPECT_EQ(chunks.free(), 2u) << "a linearized packet no longer needs the chunk";
  }
  EXPECT_EQ(pool.packets_free(), packets);
  EXPECT_EQ(pool.headers_free(), headers);
}

TEST(PacketPool, a_received_packet_lives_as_long_as_its_slices) {
  PacketPool& pool = test::packet_pool();
  const uint32_t packets = pool.packets_free();
  {
    Slice whole{test::packet_of(as_bytes("abcdef")), 1, 5};
    Slice part = whole.clone(1, 2);
    whole = Slice{};
    EXPECT_EQ(as_text(part.bytes()), "cd");
    EXPECT_EQ(pool.packets_free(), packets - 1);
  }
  EXPECT_EQ(pool.packets_free(), packets);
}

TEST(ChunkPool, runs_out_with_null_and_recovers) {
  test::start_eal();
  ChunkPool pool{1};
  {
    Slice s{*pool.alloc(), 0, 10};
    EXPECT_EQ(pool.alloc(), nullptr);
  }
  EXPECT_NE(pool.alloc(), nullptr);
}

TEST(ContentMemory, keeps_every_byte_in_pieces) {
  test::start_eal();
  std::string big(ContentMemory::piece * 2 + 777, 'x');
  for (size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>(i * 2654435761u >> 24);
  const ContentMemory content{as_bytes(big)};
  ASSERT_TRUE(content.ok());
  const auto chunks = content.chunks();
  ASSERT_EQ(chunks.size(), 3u);
  std::string back;
  for (const Chunk& c : chunks) back += as_text(Bytes{c.data, c.size});
  EXPECT_EQ(back, big);
}

}  // namespace
}  // namespace sluice::buf
