#!/usr/bin/python3
"""Writes FPM frames of type 2 (protobuf) with Google's protobuf implementation instead of the one that fpm2afi decodes them
with: frames.bin, one frame after the other, and frames.json, the name of each and the versions that made them.

    /usr/bin/python3 test/tools/make-protobuf-fixtures.py DIRECTORY [PROTO-DIRECTORY]

Needs protoc and Python's protobuf (Debian: protobuf-compiler, python3-protobuf). PROTO-DIRECTORY holds fpm.proto and
qpb/qpb.proto, or, as FRR's source has them, fpm/fpm.proto and qpb/qpb.proto; ours by default.
"""

import ipaddress
import json
import os
import struct
import subprocess
import sys
import tempfile

import google.protobuf

HERE = os.path.dirname(os.path.abspath(__file__))


def load(protos):
    """The generated module of fpm.proto."""
    name = "fpm/fpm.proto" if os.path.exists(os.path.join(protos, "fpm/fpm.proto")) else "fpm.proto"
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(["protoc", f"-I{protos}", f"--python_out={out}", name, "qpb/qpb.proto"], check=True)
        sys.path.insert(0, out)
        if name.startswith("fpm/"):
            from fpm import fpm_pb2 as module
        else:
            import fpm_pb2 as module
    return module


def fill_prefix(route, text, vrf=0, saf=1):
    network = ipaddress.ip_network(text)
    route.vrf_id = vrf
    route.address_family = 1 if network.version == 4 else 2
    route.sub_address_family = saf
    route.key.prefix.length = network.prefixlen
    # As qpb.h does: as many bytes as the length needs.
    route.key.prefix.bytes = network.network_address.packed[: (network.prefixlen + 7) // 8]


def fill_nexthop(nexthop, text):
    """`10.0.0.2@3`, `@3`, `fe80::2@4`, `10.0.0.2`."""
    address, _, index = text.partition("@")
    if index:
        nexthop.if_id.index = int(index)
    if address:
        value = ipaddress.ip_address(address)
        if value.version == 4:
            nexthop.address.v4.value = int(value)
        else:
            nexthop.address.v6.bytes = value.packed


def add(fpm, prefix, nexthops=(), kind=1, protocol=9, metric=20, vrf=0, saf=1, sid=None):
    message = fpm.Message(type=1)
    route = message.add_route
    fill_prefix(route, prefix, vrf, saf)
    if kind is not None:
        route.route_type = kind
    route.protocol = protocol
    route.metric = metric
    for text in nexthops:
        fill_nexthop(route.nexthops.add(), text)
    if sid:
        route.srv6_encap_source_address.bytes = ipaddress.ip_address("2001:db8::1").packed
        route.srv6_vpn_sid.bytes = ipaddress.ip_address(sid).packed
    return message


def delete(fpm, prefix, vrf=0):
    message = fpm.Message(type=2)
    fill_prefix(message.delete_route, prefix, vrf)
    return message


def local_sid(fpm, sid, behavior=None, nexthop=None, vrf=None, bits=None, kind=3):
    message = fpm.Message(type=kind)
    message.srv6_localsid.sid.bytes = ipaddress.ip_address(sid).packed
    if bits:
        form = message.srv6_localsid.sid_format
        form.locator_block_length, form.locator_node_length, form.function_length, form.argument_length = bits
    if behavior:
        field = getattr(message.srv6_localsid, behavior)
        field.SetInParent()
        if nexthop:
            fill_nexthop(field.nexthop, nexthop)
        if vrf is not None:
            field.vrf_id = vrf
    return message


def messages(fpm):
    yield "add-ipv4", add(fpm, "10.1.240.0/20", ["10.0.0.2@3"])
    yield "add-ipv4-default", add(fpm, "0.0.0.0/0", ["10.0.0.2"], protocol=4, metric=0)
    yield "add-ipv4-host", add(fpm, "192.0.2.1/32", ["@3"], protocol=2)
    yield "add-ipv4-several", add(fpm, "198.51.100.0/24", ["10.0.0.2@3", "10.0.1.2@4", "@5"], protocol=7)
    yield "add-ipv6", add(fpm, "2001:db8::/32", ["fe80::2@4"], protocol=8)
    yield "add-ipv6-default", add(fpm, "::/0", ["2001:db8::1@4"], protocol=6)
    yield "add-ipv6-several", add(fpm, "2001:db8:1::/48", ["fe80::2@4", "fe80::3@5"], metric=2147483647)
    yield "add-ipv6-mapped", add(fpm, "2001:db8:2::/48", ["::ffff:10.0.0.2@3"])
    yield "add-unreachable", add(fpm, "203.0.113.0/24", kind=2)
    yield "add-blackhole", add(fpm, "203.0.113.0/25", kind=3)
    yield "add-unknown-type", add(fpm, "203.0.113.0/26", ["10.0.0.2@3"], kind=0)
    yield "add-no-type", add(fpm, "203.0.113.0/27", ["10.0.0.2@3"], kind=None)
    yield "add-no-nexthop", add(fpm, "203.0.113.0/28")
    yield "add-vrf", add(fpm, "10.1.240.0/20", ["10.9.0.2@9"], vrf=5)
    yield "add-multicast", add(fpm, "10.2.0.0/16", ["10.0.0.2@3"], saf=2)
    yield "add-srv6-vpn", add(fpm, "10.3.0.0/16", ["@4"], sid="2001:db8:f::1")
    for protocol in range(11):
        yield f"add-protocol-{protocol:02}", add(fpm, "10.4.0.0/16", ["10.0.0.2@3"], protocol=protocol)
    yield "delete-ipv4", delete(fpm, "10.1.240.0/20")
    yield "delete-ipv6", delete(fpm, "2001:db8::/32")
    yield "delete-vrf", delete(fpm, "10.1.240.0/20", vrf=5)
    for behavior in ("end", "un"):
        yield f"sid-{behavior}", local_sid(fpm, "2001:db8:f::10", behavior, bits=(32, 16, 16, 0))
    for behavior, nexthop in (("end_x", "fe80::2@4"), ("end_dx6", "2001:db8::9@4"), ("end_dx4", "10.0.0.2@3"), ("ua", "@4")):
        yield f"sid-{behavior}", local_sid(fpm, "2001:db8:f::11", behavior, nexthop=nexthop)
    for behavior in ("end_t", "end_dt6", "end_dt4", "end_dt46", "udt6", "udt4", "udt46"):
        yield f"sid-{behavior}", local_sid(fpm, "2001:db8:f::12", behavior, vrf=5)
    yield "sid-bare", local_sid(fpm, "2001:db8:f::13")
    yield "sid-delete", local_sid(fpm, "2001:db8:f::10", kind=4)
    yield "unknown-message", fpm.Message(type=0)


def main():
    directory = sys.argv[1]
    protos = sys.argv[2] if len(sys.argv) > 2 else os.path.join(HERE, "../../proto")
    fpm = load(os.path.abspath(protos))
    os.makedirs(directory, exist_ok=True)
    names, stream = [], b""
    for name, message in messages(fpm):
        # Everything that is required is there, or this raises.
        payload = message.SerializeToString(deterministic=True)
        names.append(name)
        stream += struct.pack("!BBH", 1, 2, 4 + len(payload)) + payload
    with open(os.path.join(directory, "frames.bin"), "wb") as file:
        file.write(stream)
    compiler = subprocess.run(["protoc", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    made = {"compiler": compiler, "python": f"protobuf {google.protobuf.__version__}", "frames": names}
    with open(os.path.join(directory, "frames.json"), "w", encoding="utf8") as file:
        json.dump(made, file, indent=2)
        file.write("\n")


main()
