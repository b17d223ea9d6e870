// SPDX-License-Identifier: Apache-2.0
#include "io/left_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace sluice::test {
namespace {

namespace fs = std::filesystem;

class LeftSocket : public ::testing::Test {
 protected:
  LeftSocket() {
    char name[] = "/tmp/sluice-left-XXXXXX";
    folder = mkdtemp(name);
    path = folder / "port.sock";
  }
  ~LeftSocket() override { fs::remove_all(folder); }
  int listener(int type) const {
    const int fd = socket(AF_UNIX, type, 0);
    sockaddr_un a{.sun_family = AF_UNIX, .sun_path = {}};
    std::strncpy(a.sun_path, path.c_str(), sizeof a.sun_path - 1);
    EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a), 0);
    EXPECT_EQ(listen(fd, 1), 0);
    return fd;
  }
  fs::path folder, path;
};

TEST_F(LeftSocket, one_that_nobody_listens_at_is_removed) {
  for (const int type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    close(listener(type));
    ASSERT_TRUE(fs::exists(path));
    EXPECT_EQ(io::make_way_for_socket(path), "");
    EXPECT_FALSE(fs::exists(path));
  }
}

TEST_F(LeftSocket, one_in_use_stays) {
  for (const int type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    const int fd = listener(type);
    EXPECT_NE(io::make_way_for_socket(path).find("serves"), std::string::npos);
    EXPECT_TRUE(fs::exists(path));
    close(fd);
    fs::remove(path);
  }
}

TEST_F(LeftSocket, what_is_no_socket_stays) {
  std::ofstream{path} << "text";
  EXPECT_NE(io::make_way_for_socket(path).find("no socket"), std::string::npos);
  EXPECT_TRUE(fs::exists(path));
  EXPECT_NE(io::make_way_for_socket(folder).find("no socket"), std::string::npos);
}

TEST_F(LeftSocket, where_nothing_is_nothing_is_in_the_way) {
  EXPECT_EQ(io::make_way_for_socket(path), "");
  EXPECT_NE(io::make_way_for_socket(folder / std::string(200, 'x')).find("too long"), std::string::npos);
}

}  // namespace
}  // namespace sluice::test
