# SPDX-License-Identifier: Apache-2.0
"""HTTP against sluice's own server: 16,382 clients, each connection carries one request or many.

TRex has only the clients here; sluice at 198.18.0.1:80 is the server. Start with --astf-client-mask 1.

  -t --requests 1           requests on a connection; 1: connect, GET, close
  -t --path /index.html     what to ask for
  -t --octets 208           of the whole response, head and body: TRex counts octets and does not read them. Ask once:
                            curl -si -H 'Host: www.example.test' http://198.18.0.1/index.html | wc -c"""
import argparse

from trex.astf.api import (ASTFAssociation, ASTFAssociationRule, ASTFIPGen, ASTFIPGenDist, ASTFIPGenGlobal, ASTFProfile, ASTFProgram,
                           ASTFTCPClientTemplate, ASTFTCPServerTemplate, ASTFTemplate)

CLIENTS, SERVER = ["198.18.64.1", "198.18.127.254"], ["198.18.0.1", "198.18.0.1"]


class Http:
    def get_profile(self, tunables=(), **_):
        parser = argparse.ArgumentParser(prog="astf/http.py")
        parser.add_argument("--requests", type=int, default=1)
        parser.add_argument("--path", default="/index.html")
        parser.add_argument("--octets", type=int, default=208)
        o = parser.parse_args(tunables)
        if not 1 <= o.requests <= 100000:
            raise ValueError(f"--requests {o.requests} is not between 1 and 100000")
        request = f"GET {o.path} HTTP/1.1\r\nHost: www.example.test\r\n\r\n"

        client = ASTFProgram()
        client.set_var("left", o.requests)
        client.set_label("again")
        client.send(request)
        client.recv(o.octets, True)
        client.jmp_nz("left", "again")
        # Never runs: TRex wants a server for each template. The real one is sluice.
        server = ASTFProgram()
        server.recv(len(request))
        server.send("x" * o.octets)

        addresses = ASTFIPGen(glob=ASTFIPGenGlobal(ip_offset="0.0.0.0"), dist_client=ASTFIPGenDist(CLIENTS, "seq"),
                              dist_server=ASTFIPGenDist(SERVER, "seq"))
        template = ASTFTemplate(
            client_template=ASTFTCPClientTemplate(program=client, ip_gen=addresses, port=80, cps=1),
            server_template=ASTFTCPServerTemplate(program=server, assoc=ASTFAssociation(rules=ASTFAssociationRule(port=80))))
        return ASTFProfile(default_ip_gen=addresses, templates=template)


def register():
    return Http()
