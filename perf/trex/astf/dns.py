# SPDX-License-Identifier: Apache-2.0
"""DNS against sluice's own server: 16,382 clients, each flow asks the names of example.test and two that are not there.

TRex has only the clients here; sluice at 198.18.0.1:53 is the server. Start with --astf-client-mask 1. A flow sends its next query
when the last is answered, so queries a second are flows a second times eight. TRex counts answers and does not read them:
sluice_dns_responses_total in the metrics tells the right from the wrong."""
import struct

from trex.astf.api import (ASTFAssociation, ASTFAssociationRule, ASTFIPGen, ASTFIPGenDist, ASTFIPGenGlobal, ASTFProfile, ASTFProgram,
                           ASTFTCPClientTemplate, ASTFTCPServerTemplate, ASTFTemplate)

CLIENTS, SERVER = ["198.18.64.1", "198.18.127.254"], ["198.18.0.1", "198.18.0.1"]
A, MX, AAAA, SRV = 1, 15, 28, 33
NAMES = (("www.example.test", A), ("www.example.test", AAAA), ("alias.example.test", A), ("example.test", MX),
         ("_http._tcp.example.test", SRV), ("h1.wild.example.test", A), ("none.example.test", A), ("none.example.test", AAAA))


def query(number, name, kind):
    """RFC 1035 4.1, with EDNS for answers of 1232 octets (RFC 6891 6.1.2)."""
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0" + struct.pack("!HH", kind, 1)
    return struct.pack("!HHHHHH", number, 0, 1, 0, 0, 1) + question + b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0)


class Dns:
    def get_profile(self, tunables=(), **_):
        client, server = ASTFProgram(stream=False), ASTFProgram(stream=False)
        for number, (name, kind) in enumerate(NAMES):
            client.send_msg(query(number, name, kind))
            client.recv_msg(number + 1)
            # Never runs: TRex wants a server for each template. The real one is sluice.
            server.recv_msg(number + 1)
            server.send_msg(b"x")

        addresses = ASTFIPGen(glob=ASTFIPGenGlobal(ip_offset="0.0.0.0"), dist_client=ASTFIPGenDist(CLIENTS, "seq"),
                              dist_server=ASTFIPGenDist(SERVER, "seq"))
        template = ASTFTemplate(
            client_template=ASTFTCPClientTemplate(program=client, ip_gen=addresses, port=53, cps=1),
            server_template=ASTFTCPServerTemplate(program=server, assoc=ASTFAssociation(rules=ASTFAssociationRule(port=53))))
        return ASTFProfile(default_ip_gen=addresses, templates=template)


def register():
    return Dns()
