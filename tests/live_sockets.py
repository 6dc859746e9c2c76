#!/usr/bin/env python3
"""Judges the sockets of one process. Used by live_sockets.sh.

    live_sockets.py sample PID PORT...    until the process ends, every 20 ms: how many sockets it holds to each
                                          remote port, and how long any of them stands in CLOSE_WAIT, by inode
                                          and in the kernel's own table
    live_sockets.py order TRACE PORT...   in a trace of connect and close by `strace -f`: to each remote port
                                          the close of a socket comes before the connect of the next

Prints figures and exits with 1 if a session (a port) ever had two sockets.
"""

import os
import re
import socket
import struct
import sys
import time

PERIOD = 0.020
CLOSE_WAIT_MAX = 0.100
ESTABLISHED, SYN_SENT, CLOSE_WAIT = 1, 2, 8
# linux/netlink.h, linux/sock_diag.h
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY = 4, 20
NLM_F_REQUEST, NLM_F_DUMP, NLM_F_DUMP_INTR = 0x1, 0x300, 0x10
NLMSG_ERROR, NLMSG_DONE = 2, 3


def table(netlink):
    """Every TCP socket of IPv4: inode -> (state, remote port)."""
    return table_by_netlink(netlink) if netlink else table_by_proc()


def table_by_proc():
    """The slow way, where the kernel has no inet_diag."""
    rows = {}
    with open("/proc/net/tcp", encoding="ascii") as lines:
        for line in list(lines)[1:]:
            columns = line.split()
            rows[int(columns[9])] = (int(columns[3], 16), int(columns[2].rsplit(":", 1)[1], 16))
    return rows


def open_netlink():
    try:
        netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)
        table_by_netlink(netlink)
        return netlink
    except OSError:
        return None


def table_by_netlink(netlink):
    request = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 0xFFF) + bytes(48)
    header = struct.pack("=IHHII", 16 + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0)
    netlink.send(header + request)
    rows = {}
    while True:
        data = netlink.recv(1 << 20)
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


def own_inodes(pid):
    """The sockets that the process holds, or None when it has ended."""
    inodes = set()
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                link = os.readlink(f"/proc/{pid}/fd/{name}")
            except FileNotFoundError:
                continue
            if link.startswith("socket:["):
                inodes.add(int(link[8:-1]))
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    return inodes


def sample(pid, ports):
    established_max = {port: 0 for port in ports}
    held_max = {port: 0 for port in ports}
    half_closed = {}
    samples, close_wait_max, gap_max, inodes = 0, 0.0, 0.0, set()
    netlink = open_netlink()
    last = due = time.monotonic()
    while True:
        # The table first, the descriptors after it: a socket that replaces another meanwhile is
        # never counted beside it.
        rows = table(netlink)
        own = own_inodes(pid)
        if own is None:
            break
        now = time.monotonic()
        samples, gap_max, last = samples + 1, max(gap_max, now - last), now
        held = [(inode, *rows[inode]) for inode in own if inode in rows and rows[inode][1] in held_max]
        for port in ports:
            states = [state for _, state, remote in held if remote == port]
            established_max[port] = max(established_max[port], states.count(ESTABLISHED))
            held_max[port] = max(held_max[port], len(states))
        inodes.update(inode for inode, _, _ in held)
        half_closed = {
            inode: half_closed.get(inode, now) for inode, state, _ in held if state == CLOSE_WAIT
        }
        for since in half_closed.values():
            close_wait_max = max(close_wait_max, now - since)
        due = max(due + PERIOD, now)
        time.sleep(due - now)
    print(f"samples                      {samples}, the longest pause between two {gap_max * 1000:.0f} ms")
    print(f"sockets seen                 {len(inodes)} to {len(ports)} ports")
    print(f"established at once, at most {max(established_max.values())} to a port")
    print(f"open at once, at most        {max(held_max.values())} to a port")
    print(f"longest in CLOSE_WAIT        {close_wait_max * 1000:.0f} ms")
    if not inodes:
        sys.exit("no socket was ever seen: nothing is shown")
    if max(established_max.values()) > 1:
        sys.exit("a session had more than one established socket")
    if close_wait_max > CLOSE_WAIT_MAX:
        sys.exit("a socket stood in CLOSE_WAIT for more than 100 ms")



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
    print(f"traced                       {connects} connects, {closes} closes, each close before the next connect")
    if connects <= len(ports):
        sys.exit("nobody ever reconnected: nothing is shown")
    if open_to:
        sys.exit(f"{len(open_to)} sockets were never closed")


def main():
    mode, subject, ports = sys.argv[1], sys.argv[2], [int(port) for port in sys.argv[3:]]
    if mode == "sample":
        sample(int(subject), ports)
    else:
        order(subject, ports)


main()
