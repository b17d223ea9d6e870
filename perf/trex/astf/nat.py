# SPDX-License-Identifier: Apache-2.0
"""Many clients behind one router: 16,382 clients on port 0, 254 servers on port 1, TCP and UDP exchanges through sluice.

NAT is not in sluice yet: until it is, the clients' addresses arrive as they are, and this is routing with state at both ends. With
NAT nothing here changes, for TRex's servers answer whoever comes.

  -t --octets 16384         of a TCP response
  -t --udp 1                UDP exchanges for each TCP connection, of 3 datagrams each way"""
import argparse

from trex.astf.api import (ASTFAssociation, ASTFAssociationRule, ASTFIPGen, ASTFIPGenDist, ASTFIPGenGlobal, ASTFProfile, ASTFProgram,
                           ASTFTCPClientTemplate, ASTFTCPServerTemplate, ASTFTemplate)

CLIENTS, SERVERS = ["198.18.64.1", "198.18.127.254"], ["198.19.64.1", "198.19.64.254"]
REQUEST = b"q" * 200
DATAGRAMS = 3


class Nat:
    def get_profile(self, tunables=(), **_):
        parser = argparse.ArgumentParser(prog="astf/nat.py")
        parser.add_argument("--octets", type=int, default=16384)
        parser.add_argument("--udp", type=float, default=1)
        o = parser.parse_args(tunables)
        addresses = ASTFIPGen(glob=ASTFIPGenGlobal(ip_offset="0.0.0.0"), dist_client=ASTFIPGenDist(CLIENTS, "seq"),
                              dist_server=ASTFIPGenDist(SERVERS, "seq"))

        asks, answers = ASTFProgram(), ASTFProgram()
        asks.send(REQUEST)
        asks.recv(o.octets)
        answers.recv(len(REQUEST))
        answers.send("r" * o.octets)
        templates = [self.template(asks, answers, addresses, 8080, 1)]
        if o.udp > 0:
            asks, answers = ASTFProgram(stream=False), ASTFProgram(stream=False)
            for number in range(1, DATAGRAMS + 1):
                asks.send_msg(REQUEST)
                asks.recv_msg(number)
                answers.recv_msg(number)
                answers.send_msg(b"r" * 400)
            templates.append(self.template(asks, answers, addresses, 5001, o.udp))
        return ASTFProfile(default_ip_gen=addresses, templates=templates)

    @staticmethod
    def template(client, server, addresses, port, share):
        return ASTFTemplate(
            client_template=ASTFTCPClientTemplate(program=client, ip_gen=addresses, port=port, cps=share),
            server_template=ASTFTCPServerTemplate(program=server, assoc=ASTFAssociation(rules=ASTFAssociationRule(port=port))))


def register():
    return Nat()
