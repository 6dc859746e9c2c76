"""The network between `run` and its exchanges, and what can be done to it from outside.

Two namespaces, one for the client and one for the exchanges, joined by a link (a veth pair) for each session, so
that what befalls one session's network leaves the others alone. Both are made from a parent with a small
`tcp_child_ehash_entries`: they get a socket table of their own, which is read in microseconds.
"""

import subprocess
from pathlib import Path

TABLE_ENTRIES = 1024


class Loopback:
    """No namespaces: client and exchanges meet on 127.0.0.1, and only the exchanges misbehave."""

    client = server = ()
    links = False

    def address(self, _number):
        return "127.0.0.1"

    def port(self, _number):
        return 0

    def close(self):
        pass


class Namespaces:
    """A namespace for the client, one for the exchanges, and a link for each session between them."""

    links = True

    def __init__(self, count):
        Path("/proc/sys/net/ipv4/tcp_child_ehash_entries").write_text(str(TABLE_ENTRIES), encoding="ascii")
        self.holders = [
            subprocess.Popen(["unshare", "--net", "sh", "-c", "echo ready; exec cat"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
            for _ in range(2)
        ]
        for holder in self.holders:
            holder.stdout.readline()
        self.client, self.server = [
            ("nsenter", f"--net=/proc/{holder.pid}/ns/net", "--") for holder in self.holders
        ]
        for side in (self.client, self.server):
            execute(side, "ip", "link", "set", "lo", "up")
        execute(self.server, "nft", "add table ip faults")
        for number in range(count):
            self.join(number)

    def join(self, number):
        near, far = near_end(number), far_end(number)
        namespace = self.holders[1].pid
        execute(self.client, "ip", "link", "add", near, "type", "veth", "peer", far, "netns", str(namespace))
        execute(self.client, "ip", "address", "add", f"10.77.{number}.1/30", "dev", near)
        execute(self.server, "ip", "address", "add", f"10.77.{number}.2/30", "dev", far)
        execute(self.client, "ip", "link", "set", near, "up")
        execute(self.server, "ip", "link", "set", far, "up")
        for hook in ("input", "output"):
            chain = f"add chain ip faults {far}_{hook} {{ type filter hook {hook} priority 0; }}"
            execute(self.server, "nft", chain)

    def address(self, number):
        return f"10.77.{number}.2"

    def port(self, number):
        return 20001 + number

    def close(self):
        for holder in self.holders:
            holder.stdin.close()
            holder.wait()


def near_end(number):
    return f"near{number}"


def far_end(number):
    return f"far{number}"


def execute(side, *command):
    done = subprocess.run([*side, *command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")


class NetworkFault:
    """What befalls a link for `holds` seconds. `sign` names the deadline by which a client can tell."""

    def __init__(self, name, sign, holds, *rules, link=None):
        self.name, self.sign, self.holds, self.rules, self.link = name, sign, holds, rules, link

    def begin(self, place, number):
        self.move(place, number, "down")
        for hook, rule in self.rules:
            self.filter(place, number, hook, rule)

    def end(self, place, number):
        for hook in dict(self.rules):
            execute(place.server, "nft", f"flush chain ip faults {far_end(number)}_{hook}")
        self.move(place, number, "up")

    def filter(self, place, number, hook, rule):
        direction = "iifname" if hook == "input" else "oifname"
        end = far_end(number)
        execute(place.server, "nft", f"add rule ip faults {end}_{hook} {direction} {end} {rule}")

    def move(self, place, number, to):
        if self.link == "near":
            execute(place.client, "ip", "link", "set", near_end(number), to)
        if self.link == "far":
            execute(place.server, "ip", "link", "set", far_end(number), to)


CATALOGUE = [
    NetworkFault("black-hole", "silence", 3.0, ("input", "drop"), ("output", "drop")),
    NetworkFault("half-open", "silence", 3.0, ("output", "drop")),
    NetworkFault("unheard", "silence", 3.0, ("input", "drop")),
    NetworkFault("network-down", "silence", 3.0, link="near"),
    NetworkFault("carrier-lost", "silence", 3.0, link="far"),
    NetworkFault("unreachable", "silence", 3.0, ("input", "reject with icmp type host-unreachable")),
    NetworkFault("reset-and-refused", "at-once", 1.5, ("input", "ip protocol tcp reject with tcp reset")),
    NetworkFault("reset-and-syn-dropped", "at-once", 2.5, ("input", "tcp flags & (syn|ack) == syn drop"),
                 ("input", "ip protocol tcp reject with tcp reset")),
    NetworkFault("blip", None, 0.4, ("input", "drop"), ("output", "drop")),
]
