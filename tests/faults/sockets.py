#!/usr/bin/env python3
"""Watches the sockets of one process from outside, in the kernel's own tables.

    sockets.py sample OUT MILLISECONDS PID PORT...   until the process ends: its sockets to these remote ports by inode,
                                              the connections that it begins (each SYN once, where raw sockets are
                                              allowed), its descriptors and its resident memory; OUT gets it as JSON
    sockets.py order TRACE PORT...            in a trace of connect and close by `strace -f`: to each remote port the
                                              close of a socket comes before the connect of the next
"""

import ctypes
import json
import os
import re
import socket
import struct
import sys
import time

ESTABLISHED, CLOSE_WAIT = 1, 8
# linux/netlink.h, linux/sock_diag.h
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY = 4, 20
NLM_F_REQUEST, NLM_F_DUMP = 0x1, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
# linux/if_ether.h, linux/if_packet.h, asm/socket.h
ETH_P_ALL, PACKET_OUTGOING, SO_ATTACH_FILTER, SO_TIMESTAMPNS = 0x0003, 4, 26, 35
# How often memory and descriptors are written down.
LEDGER_PERIOD = 0.25
PAGE = os.sysconf("SC_PAGE_SIZE")


class Table:
    """Every TCP socket of IPv4: inode -> (state, remote port)."""

    def __init__(self):
        try:
            self.netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)
            self.by_netlink()
        except OSError:
            self.netlink = None

    def rows(self):
        return self.by_netlink() if self.netlink else by_proc()

    def by_netlink(self):
        request = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 0xFFF) + bytes(48)
        header = struct.pack("=IHHII", 16 + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0)
        self.netlink.send(header + request)
        rows = {}
        while True:
            data = self.netlink.recv(1 << 20)
            at = 0
            while at < len(data):
                length, kind = struct.unpack_from("=IH", data, at)
                if kind == NLMSG_DONE:
                    return rows
                if kind == NLMSG_ERROR:
                    raise OSError("the kernel refuses the question for its sockets")
                # struct inet_diag_msg: family, state, timer, retrans, sport, dport, addresses and cookie, …, inode
                state = data[at + 17]
                (port,) = struct.unpack_from("!H", data, at + 22)
                (inode,) = struct.unpack_from("=I", data, at + 16 + 68)
                rows[inode] = (state, port)
                at += (length + 3) & ~3


def by_proc():
    """The slow way, where the kernel has no inet_diag."""
    rows = {}
    with open("/proc/net/tcp", encoding="ascii") as lines:
        for line in list(lines)[1:]:
            columns = line.split()
            rows[int(columns[9])] = (int(columns[3], 16), int(columns[2].rsplit(":", 1)[1], 16))
    return rows


class Dials:
    """The connections that are begun from here: the first SYN of each, with the kernel's time."""

    def __init__(self, ports):
        self.ports, self.seen, self.dials = set(ports), set(), []
        try:
            self.tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        except PermissionError:
            self.tap = None
            return
        self.tap.setblocking(False)
        self.tap.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.tap.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, syn_filter())
        # The kernel begins to take times a moment later; what came before has none of its own.
        time.sleep(0.1)
        self.read()
        self.dials.clear()

    def read(self):
        while self.tap:
            try:
                packet, ancillary, _, address = self.tap.recvmsg(128, 64)
            except BlockingIOError:
                return
            if address[2] == PACKET_OUTGOING:
                self.note(packet, ancillary)

    def note(self, packet, ancillary):
        start = (packet[0] & 0xF) * 4
        near, far, sequence = struct.unpack_from("!HHI", packet, start)
        if far not in self.ports or (near, far, sequence) in self.seen:
            return
        self.seen.add((near, far, sequence))
        for _, kind, data in ancillary:
            if kind == SO_TIMESTAMPNS:
                seconds, nanos = struct.unpack("=qq", data)
                self.dials.append((seconds * 1_000_000_000 + nanos, far))


def syn_filter():
    """Classic BPF: TCP over IPv4 with SYN and without ACK."""
    program = [
        (0x30, 0, 0, 9),  # ldb [9]: the protocol
        (0x15, 0, 5, socket.IPPROTO_TCP),
        (0xB1, 0, 0, 0),  # ldxb 4*([0]&0xf): the header's length
        (0x50, 0, 0, 13),  # ldb [x+13]: the flags
        (0x54, 0, 0, 0x12),
        (0x15, 0, 1, 0x02),
        (0x06, 0, 0, 128),
        (0x06, 0, 0, 0),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in program))
    syn_filter.code = code  # The kernel reads it when the option is set.
    return struct.pack("@HP", len(program), ctypes.addressof(code))


def descriptors(pid):
    """How many the process holds, and the inodes of its sockets; None when it has ended."""
    inodes = set()
    try:
        names = os.listdir(f"/proc/{pid}/fd")
        for name in names:
            try:
                link = os.readlink(f"/proc/{pid}/fd/{name}")
            except FileNotFoundError:
                continue
            if link.startswith("socket:["):
                inodes.add(int(link[8:-1]))
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    return len(names), inodes


def resident(pid):
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as text:
            return int(text.read().split()[1]) * PAGE
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0


class Sampler:
    """What was seen of a process. `held` is written at each change: time, port, and [inode, state] of its sockets."""

    def __init__(self, pid, ports):
        self.pid, self.ports = pid, ports
        self.table, self.dials = Table(), Dials(ports)
        self.began, self.samples, self.pause_max = time.monotonic(), 0, 0.0
        self.now = {port: [] for port in ports}
        self.held, self.figures = [], []

    def run(self, period):
        last = due = time.monotonic()
        ledger_due = due
        while self.sample(write=last >= ledger_due):
            if last >= ledger_due:
                ledger_due = last + LEDGER_PERIOD
            now = time.monotonic()
            self.pause_max = max(self.pause_max, now - last)
            last = now
            due = max(due + period, now)
            time.sleep(due - now)

    def sample(self, write):
        # The table first, the descriptors after it: a socket that replaces another meanwhile is never counted
        # beside it.
        rows = self.table.rows()
        found = descriptors(self.pid)
        if found is None:
            return False
        at = time.time_ns()
        count, own = found
        held = {port: [] for port in self.ports}
        for inode in own:
            state, port = rows.get(inode, (0, 0))
            if port in held:
                held[port].append((inode, state))
        for port, sockets in held.items():
            sockets.sort()
            if sockets != self.now[port]:
                self.held.append((at, port, sockets))
        self.now = held
        self.samples += 1
        self.dials.read()
        if write:
            self.figures.append((at, count, resident(self.pid)))
        return True

    def report(self):
        return {
            "samples": self.samples,
            "pause_max": self.pause_max,
            "cpu": time.process_time(),
            "lasted": time.monotonic() - self.began,
            "ended": time.time_ns(),
            "held": self.held,
            "figures": self.figures,
            "dials": self.dials.dials if self.dials.tap else None,
        }


CONNECT = re.compile(r"connect\((\d+), \{sa_family=AF_INET, sin_port=htons\((\d+)\)")
CLOSE = re.compile(r"close\((\d+)")


def order(trace, ports):
    """Replays a trace. A call that strace shows in two halves counts where it begins for connect, and where
    it ends for close, which is the stricter way for both."""
    open_to, connects, closes, closing = {}, 0, 0, {}
    with open(trace, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            thread = line.split(maxsplit=1)[0]
            connect = CONNECT.search(line)
            if connect and int(connect[2]) in ports:
                descriptor, port = int(connect[1]), int(connect[2])
                others = [other for other, to in open_to.items() if to == port and other != descriptor]
                if others:
                    sys.exit(f"line {number}: connect to port {port} while descriptor {others[0]} is open to it")
                connects += descriptor not in open_to
                open_to[descriptor] = port
                continue
            close = CLOSE.search(line)
            if close and "<unfinished" in line:
                closing[thread] = int(close[1])
                continue
            descriptor = int(close[1]) if close else None
            if "<... close resumed" in line:
                descriptor = closing.pop(thread, None)
            if descriptor in open_to:
                del open_to[descriptor]
                closes += 1
    if connects <= len(ports):
        sys.exit("nobody ever reconnected: nothing is shown")
    if open_to:
        sys.exit(f"{len(open_to)} sockets were never closed")
    print(f"{connects} connects, {closes} closes, each close before the next connect")


def main():
    if sys.argv[1] == "sample":
        out, milliseconds, pid, *ports = sys.argv[2:]
        sampler = Sampler(int(pid), [int(port) for port in ports])
        sampler.run(int(milliseconds) / 1000)
        with open(out, "w", encoding="utf-8") as file:
            json.dump(sampler.report(), file)
    else:
        order(sys.argv[2], [int(port) for port in sys.argv[3:]])


main()
