#!/usr/bin/env python3
"""What `run` told: each line read once, streams checked for order and holes by their own numbers.

    events.py FILE     counts the messages out of order without a mark, and those behind a hole without a gap, and
                       exits with 1 if there are any
"""

import json
import sys
from collections import Counter, defaultdict

MARKET_KINDS = {"trade", "book", "ticker"}
# Marks of messages that bring nothing new.
OLD_MARKS = {"duplicate", "stale"}


class Follower:
    """The whole lines that were appended to a file since the last look."""

    def __init__(self, path):
        self.path, self.file, self.rest = path, None, b""

    def lines(self):
        if self.file is None:
            try:
                self.file = open(self.path, "rb")
            except FileNotFoundError:
                return
        for line in self.file:
            self.rest += line
            if line.endswith(b"\n"):
                whole, self.rest = self.rest, b""
                yield json.loads(whole)


class Stream:
    """One stream: what has been reached, and the holes told since the last message."""

    def __init__(self):
        self.last, self.told = None, []
        self.awaited_ns, self.first_ns = 0, None

    def gap(self, line):
        if "from" in line:
            self.told.append((line["from"], line["to"]))

    def market(self, line):
        """What is wrong with this message, if anything: `disorder` or `hole`."""
        if self.first_ns is None and line["received_ns"] > self.awaited_ns:
            self.first_ns = line["received_ns"]
        numbers = numbers_of(line)
        if numbers is None:
            return None
        first, last, previous = numbers
        mark = line.get("disorder")
        if mark in OLD_MARKS:
            return None if self.last is None or last <= self.last else "disorder"
        anew = self.last is None or mark == "reset" or line.get("book") == "snapshot" and last >= self.last
        wrong = None if anew else self.judge(first, previous, last, mark)
        self.last, self.told = last, []
        return wrong

    def judge(self, first, previous, last, mark):
        if mark == "overlap":
            return None if first <= self.last < last else "disorder"
        if first is None:
            return None if last > self.last else "disorder"
        reached = first - 1 if previous is None else previous
        if reached < self.last:
            return "disorder"
        if reached > self.last and not self.covers(self.last + 1, reached):
            return "hole"
        return None

    def covers(self, first, last):
        """Whether holes that were told leave none of these numbers out."""
        for start, end in sorted(self.told):
            if start <= first <= end:
                first = end + 1
        return first > last


def numbers_of(line):
    """The first number of a message, the last, and the one before it where the message names it. No first where
    numbers rise and need not follow each other; nothing at all where a message has none."""
    if line["kind"] == "trade":
        if line["channel"] == "aggTrade" or "first_id" not in line:
            return line["id"], line["id"], None
        return line["first_id"], line["last_id"], None
    if line["kind"] == "book":
        if line["book"] == "snapshot":
            return None, line["last"], None
        if line["book"] == "top":
            return (None, line["last"], None) if "last" in line else None
        return line.get("first"), line["last"], line.get("previous")
    return None


class Events:
    """Everything that `run` has told so far."""

    def __init__(self, path):
        self.follower = Follower(path)
        self.streams = defaultdict(dict)
        self.gaps = defaultdict(list)
        # The lines about the connection, each with the time of the last data before it.
        self.status, self.last_data = defaultdict(list), defaultdict(int)
        self.kinds, self.wrong, self.examples = Counter(), Counter(), []
        self.marks = Counter()

    def read(self):
        for line in self.follower.lines():
            self.take(line)

    def take(self, line):
        kind, session = line["kind"], line["session"]
        self.kinds[kind] += 1
        if kind == "status":
            line["last_data_ns"] = self.last_data[session]
            self.status[session].append(line)
            return
        if "channel" not in line:
            return
        name = (line.get("instrument"), line["channel"])
        if kind in MARKET_KINDS:
            self.market(session, name, line)
        elif kind == "gap":
            self.stream(session, name).gap(line)
            if "from" in line:
                self.gaps[session, name].append((line["from"], line["to"]))

    def market(self, session, name, line):
        self.last_data[session] = line["received_ns"]
        if "disorder" in line:
            self.marks[line["disorder"]] += 1
        stream = self.stream(session, name)
        before = stream.last
        wrong = stream.market(line)
        if wrong:
            self.wrong[wrong] += 1
            self.examples.append(f"{wrong} after {before}: {json.dumps(line)[:300]}")

    def stream(self, session, name):
        return self.streams[session].setdefault(name, Stream())

    def await_flow(self, session, at):
        for stream in self.streams[session].values():
            stream.awaited_ns, stream.first_ns = at, None

    def flowing(self, session, count):
        """When the last of so many streams had its first message since `await_flow`; None if it has had none."""
        firsts = [stream.first_ns for stream in self.streams[session].values()]
        return max(firsts) if len(firsts) >= count and None not in firsts else None

    def reports(self, session, stream, first, last):
        """Whether gaps of a stream cover these numbers."""
        told = self.gaps[session, stream]
        return any(start <= first and last <= end for start, end in told)


def stream_of(words):
    """Instrument and channel of a stream in the words of a twin's ledger."""
    if ":" in words:
        channel, instrument = words.split(":", 1)
        return instrument, channel
    instrument, channel = words.split("@", 1)
    return instrument.upper(), channel


def main():
    events = Events(sys.argv[1])
    events.read()
    print(f"{events.wrong['disorder']} disorder, {events.wrong['hole']} hole", *events.examples, sep="\n")
    sys.exit(1 if events.wrong else 0)


if __name__ == "__main__":
    main()
