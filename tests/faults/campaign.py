#!/usr/bin/env python3
"""`run` as one process against an exchange twin for each session, under every fault, judged from outside.

    campaign.py PROGRAM FAULTS RUNTIME namespaces|loopback [traced]

Used by faults.sh, which says what is measured. Prints a table of recoveries by class and a line for each bar, and
exits with 1 if any of them fails. Traced, the order of system calls is the only bar.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import network
from config import runtime_line
from events import Events, Follower, stream_of

HERE = Path(__file__).parent
SEED = 1
SECOND = 1_000_000_000
# Milliseconds. The deadlines of seconds are compressed twenty times, those of minutes further, or most of a run
# would be waiting.
TIMERS = {
    "connect": 500, "upgrade": 500, "probe": 1000, "silence": 1500, "data": 2000, "close": 250,
    "retry": 50, "retry_cap": 800, "retry_after_cap": 3000, "stable": 3000, "rotate": 30000,
    "ack": 500, "settle": 50, "first_data": 1500, "stream_silence_floor": 500, "stream_silence_cap": 2000,
    "stream_retry": 50, "stream_retry_cap": 800, "quarantine": 500, "quarantine_cap": 800, "stream_stable": 3000,
}
# Which deadlines have to pass before a fault is noticed, by the sign that the ledger names.
DEADLINES = {
    "at-once": ("close",), "connect": ("connect",), "upgrade": ("upgrade",), "silence": ("silence",),
    "data": ("data", "close"), "stream": ("stream_silence_cap",), "ack": ("ack",),
    "refusal": ("settle", "quarantine_cap"),
}
# Signs that a dial has to be spent on.
COSTS_A_DIAL = {"connect", "upgrade"}
# Signs after which there are new requests on the same socket, and the longest window of the venues' quotas of
# requests, which are not compressed.
ASKS_AGAIN = {"stream", "ack", "refusal"}
REQUESTS_PER_MS = 1500
BACKOFF_STEP_MS = TIMERS["retry_cap"]
# Dialling, TLS, subscribing, and the first message of the slowest stream.
ARRIVAL_MS = 700
# Dials of a market, counted over its sessions: so many in so many milliseconds.
DIALS = {"binance-spot": (280, 15000), "binance-usdm": (280, 15000), "okx": (2, 1500)}
# A quota so tight makes the next dial wait for its window.
FEW_DIALS = 2
# What a SYN may be late by against the moment at which it was decided.
DIAL_JITTER_MS = 50
PACE_US = 20000
FAULTS_EVERY_MS = 3500
CLOSE_WAIT_MAX_MS = 100
RESIDENT_GROWTH_MAX = 4 << 20
# Of the faults, those that the network does.
NETWORK_SHARE = 0.2
STUCK_AFTER = 60
ESTABLISHED, CLOSE_WAIT = 1, 8


class Session:
    """One session, its exchange, and who makes it suffer."""

    def __init__(self, number, name, market, tls, streams, suffers):
        self.number, self.name, self.market, self.tls = number, name, market, tls
        self.streams, self.suffers = streams, suffers
        self.url = self.port = self.twin = self.origin = None
        self.faults = 0


SESSIONS = [
    ("binance-spot-1", "binance-spot", True, 2, "exchange"),
    ("binance-spot-2", "binance-spot", False, 2, "exchange"),
    ("binance-spot-3", "binance-spot", True, 2, "network"),
    ("binance-usdm-public-1", "binance-usdm", True, 2, "exchange"),
    ("binance-usdm-public-2", "binance-usdm", False, 2, "network"),
    ("binance-usdm-market-1", "binance-usdm", False, 2, "exchange"),
    ("okx-public-1", "okx", True, 4, "exchange"),
    ("okx-public-2", "okx", False, 4, "exchange"),
]

CONFIG = """\
{runtime}collect:
  - {{market: binance-spot, instruments: [BTCUSDT, ETHUSDT], channels: [trade, depth@100ms, bookTicker]}}
  - {{market: binance-usdm, instruments: [BTCUSDT, ETHUSDT], channels: [aggTrade, depth@100ms, bookTicker]}}
  - {{market: okx, instruments: [BTC-USDT, ETH-USDT-SWAP], channels: [trades, books, bbo-tbt, tickers]}}
settings:
  # Nobody is there: all sockets that are judged are those of the sessions.
  rest: http://127.0.0.1:9
  timers: {timers}
markets:
{markets}
sessions:
{sessions}
sink: {{file: {sink}}}
"""


class Fault:
    """A fault that struck a session, in wall-clock nanoseconds."""

    def __init__(self, session, name, sign, lasts_ms, at, keeps_away=False):
        self.session, self.name, self.sign, self.lasts_ms, self.at = session, name, sign, lasts_ms, at
        self.keeps_away, self.recovered = keeps_away, None

    def bound_ms(self):
        """What its recovery may take when it comes alone."""
        noticed = sum(TIMERS[timer] for timer in DEADLINES.get(self.sign, ()))
        count, per = DIALS[self.session.market]
        dials = 2 if self.sign in COSTS_A_DIAL else 1
        room = per * dials if count <= FEW_DIALS else 0
        requests = REQUESTS_PER_MS if self.sign in ASKS_AGAIN else 0
        return self.lasts_ms + noticed + max(BACKOFF_STEP_MS, room) + requests + ARRIVAL_MS

    def puts_off(self, other):
        """Whether this fault may put off the recovery from another: a later one of the same session does. Sessions of
        a market share one address, which may be told to keep away, and one quota of dials, which may be tight."""
        if self.session is other.session:
            return other.at < self.at
        shares = self.keeps_away or DIALS[self.session.market][0] <= FEW_DIALS
        return shares and self.session.market == other.session.market

    def ends(self):
        """When its recovery is due if it comes alone."""
        return self.at + self.bound_ms() * 1_000_000

    def took_ms(self):
        return (self.recovered - self.at) / 1e6


class Ledger:
    """What the twin of a session did to it."""

    def __init__(self, session, path):
        self.session, self.follower = session, Follower(path)
        self.faults, self.open, self.omissions = [], {}, []

    def read(self):
        for line in self.follower.lines():
            kind = line["kind"]
            if kind == "begin":
                self.session.origin = line["origin_ns"]
            elif kind == "fault":
                self.struck(line)
            elif kind == "recovered":
                fault = self.open.pop((line["at_ns"], line["fault"]))
                fault.recovered = self.session.origin + line["recovered_ns"]
            elif kind == "omission":
                self.omissions.append((stream_of(line["stream"]), line["first"], line["last"]))

    def struck(self, line):
        at = self.session.origin + line["at_ns"]
        fault = Fault(self.session, line["fault"], line["sign"], line["lasts_ms"], at, line["keeps_away"])
        self.faults.append(fault)
        self.open[line["at_ns"], line["fault"]] = fault


class Injector:
    """Lets the network of one session misbehave, one fault at a time, in an order that the seed determines."""

    def __init__(self, session, place, events, count):
        self.session, self.place, self.events, self.left = session, place, events, count
        self.random = random.Random(SEED * 1000 + session.number)
        self.bag, self.faults, self.kind = [], [], None
        self.next_at = time.time_ns() + 3 * SECOND
        self.lifted = None

    def is_over(self):
        return self.left == 0 and self.kind is None

    def turn(self, now):
        if self.kind is None:
            if self.left > 0 and now >= self.next_at:
                self.strike()
        elif self.lifted is None:
            if now >= self.faults[-1].at + int(self.kind.holds * SECOND):
                self.lift()
        else:
            self.await_recovery(now)

    def strike(self):
        if not self.bag:
            self.bag = network.CATALOGUE.copy()
            self.random.shuffle(self.bag)
        self.kind, self.left = self.bag.pop(), self.left - 1
        at = time.time_ns()
        self.kind.begin(self.place, self.session.number)
        # A connection may be half way through a dial when the fault is lifted.
        lasts = int(self.kind.holds * 1000) + TIMERS["connect"]
        fault = Fault(self.session, self.kind.name, "at-once", lasts, at)
        fault.noticed_by = self.kind.sign
        self.faults.append(fault)

    def lift(self):
        self.kind.end(self.place, self.session.number)
        self.lifted = time.time_ns()
        self.events.await_flow(self.session.name, self.lifted)

    def await_recovery(self, now):
        flowing = self.events.flowing(self.session.name, self.session.streams)
        if flowing:
            self.faults[-1].recovered = flowing
            self.kind = self.lifted = None
            self.next_at = now + self.random.randrange(500, 1500) * 1_000_000


class Bars:
    """The lines of the verdict."""

    def __init__(self):
        self.lines, self.failed = [], 0

    def judge(self, question, passed, figure):
        self.failed += not passed
        self.lines.append(f"{'PASS' if passed else 'FAIL'}  {question:<58} {figure}")

    def skip(self, question, why):
        self.lines.append(f"skip  {question:<58} {why}")

    def show(self):
        print("\n".join(self.lines))


class Campaign:
    """One process under faults until so many have struck, and everything that was seen meanwhile."""

    def __init__(self, program, faults, runtime, place, folder, traced):
        self.program, self.runtime, self.place, self.folder = program, runtime, place, folder
        self.traced = traced
        self.sessions = [Session(number, *row) for number, row in enumerate(SESSIONS)]
        self.children = []
        self.share(faults)
        self.events = Events(folder / "events.ndjson")
        self.ledgers, self.injectors = [], []

    def share(self, faults):
        by_network = [s for s in self.sessions if s.suffers == "network" and self.place.links]
        by_exchange = [s for s in self.sessions if s not in by_network]
        for_network = int(faults * NETWORK_SHARE) if by_network else 0
        for group, count in ((by_network, for_network), (by_exchange, faults - for_network)):
            for place, session in enumerate(group):
                session.suffers = "network" if group is by_network else "exchange"
                session.faults = count // len(group) + (place < count % len(group))

    def start(self):
        for session in self.sessions:
            self.start_twin(session)
        for session in self.sessions:
            self.await_twin(session)
        (self.folder / "config.yaml").write_text(self.config(), encoding="utf-8")
        run = [self.program, "run", str(self.folder / "config.yaml")]
        tracer = ["strace", "-f", "-e", "trace=connect,close", "-o", str(self.folder / "trace")]
        self.run = self.spawn([*self.place.client, *(tracer if self.traced else []), *run])
        self.sampler = None if self.traced else self.start_sampler()
        self.started = time.time_ns()

    def start_twin(self, session):
        command = [
            *self.place.server, self.program, "twin", "--market", session.market, "--seed",
            str(SEED + session.number), "--address", self.place.address(session.number), "--port",
            str(self.place.port(session.number)), "--pace", str(PACE_US),
            "--ledger", str(self.folder / f"{session.name}.ledger"),
        ]
        if session.tls:
            command += ["--tls-ca", str(self.folder / f"{session.name}.pem")]
        if session.suffers == "exchange":
            command += ["--faults-every", str(FAULTS_EVERY_MS), "--fault-count", str(session.faults)]
        session.twin = self.spawn(command, stdout=subprocess.PIPE, text=True)

    def await_twin(self, session):
        line = session.twin.stdout.readline().split()
        session.url = line[1]
        session.port = int(session.url.rsplit(":", 1)[1])
        self.ledgers.append(Ledger(session, self.folder / f"{session.name}.ledger"))

    def config(self):
        limits = {"binance-spot": 2, "binance-usdm": 2, "okx": 4}
        markets = [
            f"  {market}: {{limits: {{streams: {limits[market]}, dials: {{count: {count}, per: {per}}}}}}}"
            for market, (count, per) in DIALS.items()
        ]
        sessions = []
        for session in self.sessions:
            trust = f", ca_file: {self.folder}/{session.name}.pem" if session.tls else ""
            sessions.append(f"  {session.name}: {{websocket: '{session.url}'{trust}}}")
        return CONFIG.format(
            runtime=runtime_line(self.runtime), timers=json.dumps(TIMERS).replace('"', ""), markets="\n".join(markets),
            sessions="\n".join(sessions), sink=self.folder / "events.ndjson",
        )

    def start_sampler(self):
        milliseconds = "5" if self.place.links else "20"
        ports = [str(session.port) for session in self.sessions]
        out = str(self.folder / "sockets.json")
        sampler = [sys.executable, str(HERE / "sockets.py"), "sample", out, milliseconds, str(self.run.pid), *ports]
        return self.spawn([*self.place.client, *sampler])

    def spawn(self, command, **options):
        child = subprocess.Popen(command, **options)
        self.children.append(child)
        return child

    def read(self):
        self.events.read()
        for ledger in self.ledgers:
            ledger.read()

    def faults(self):
        return [fault for book in (*self.ledgers, *self.injectors) for fault in book.faults]

    def suffer(self):
        """Until every fault has struck and been recovered from, or nothing moves any more."""
        self.injectors = [
            Injector(session, self.place, self.events, session.faults)
            for session in self.sessions if session.suffers == "network"
        ]
        total = sum(session.faults for session in self.sessions)
        told, moved = 0, time.monotonic()
        state = None
        while self.run.poll() is None:
            self.read()
            for injector in self.injectors:
                injector.turn(time.time_ns())
            faults = self.faults()
            done = sum(fault.recovered is not None for fault in faults)
            if (len(faults), done) != state:
                state, moved = (len(faults), done), time.monotonic()
            if done >= told + 50:
                told = done
                print(f"   {len(faults)} faults, {done} recovered, {int((time.time_ns() - self.started) / 1e9)} s",
                      flush=True)
            if done == len(faults) >= total and all(injector.is_over() for injector in self.injectors):
                return
            if time.monotonic() - moved > STUCK_AFTER:
                return
            time.sleep(0.05)

    def settle(self):
        """Two quiet seconds and a half; what is held then is held for good."""
        self.quiet = time.time_ns()
        time.sleep(2.5)
        self.last_look = time.time_ns()

    def finish(self):
        os.kill(child_of(self.run.pid) if self.traced else self.run.pid, signal.SIGINT)
        self.exit = self.run.wait(30)
        for session in self.sessions:
            session.twin.send_signal(signal.SIGINT)
            session.twin.wait(30)
        self.read()
        if self.sampler:
            self.sampler.wait(30)
            self.sockets = json.loads((self.folder / "sockets.json").read_text(encoding="utf-8"))

    def kill(self):
        if self.traced and self.run.poll() is None:
            # What strace runs outlives it otherwise.
            os.kill(child_of(self.run.pid), signal.SIGKILL)
        for child in self.children:
            if child.poll() is None:
                child.kill()
                child.wait()


def child_of(pid):
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()[0])


def limits(faults):
    """Until when each fault must be recovered from, those that put its recovery off taken into account."""
    until = {}
    for fault in faults:
        end = fault.ends()
        for other in sorted(faults, key=lambda other: other.at):
            if other.puts_off(fault) and fault.at < other.ends() and other.at < min(end, fault.recovered or end):
                end = max(end, other.ends())
        until[fault] = end
    return until


def median(values):
    values = sorted(values)
    return values[len(values) // 2] if values else 0


def table_of_classes(faults, until):
    """Recoveries by class, and those that took too long. A recovery that another fault has put off has a bound of
    its own, and is not among the times."""
    classes, late = defaultdict(list), []
    for fault in faults:
        classes[fault.name].append(fault)
    print(f"{'fault':<22} {'struck':>6} {'recovered':>9} {'put off':>7} {'median ms':>9} {'worst ms':>8} {'bound ms':>8}")
    for name, struck in sorted(classes.items()):
        alone = [fault for fault in struck if until[fault] == fault.ends()]
        took = [fault.took_ms() for fault in alone if fault.recovered]
        recovered = sum(fault.recovered is not None for fault in struck)
        bound = max(fault.bound_ms() for fault in struck)
        over = [fault for fault in struck if fault.recovered and fault.recovered > until[fault]]
        mark = f"  {len(over)} too late" if over else ""
        late += [f"{name} on {fault.session.name}: {fault.took_ms():.0f} ms" for fault in over]
        print(f"{name:<22} {len(struck):>6} {recovered:>9} {len(struck) - len(alone):>7} {median(took):>9.0f}"
              f" {max(took, default=0):>8.0f} {bound:>8.0f}{mark}")
    return late


def judge(campaign, bars):
    faults = campaign.faults()
    until = limits(faults)
    late = table_of_classes(faults, until)
    done = sum(fault.recovered is not None for fault in faults)
    total = sum(session.faults for session in campaign.sessions)
    bars.judge("every fault recovered", done == len(faults) >= total, f"{done} of {max(total, len(faults))}")
    bars.judge("recovered within deadline and one back-off step", not late, f"{len(late)} late {'; '.join(late[:5])}")
    judge_sockets(campaign, bars)
    judge_dials(campaign, bars)
    judge_resources(campaign, bars)
    judge_events(campaign, bars)
    judge_half_open(campaign, bars)
    bars.judge("the process ended well", campaign.exit == 0, f"exit code {campaign.exit}")


def judge_trace(campaign, bars):
    ports = [str(session.port) for session in campaign.sessions]
    command = [sys.executable, str(HERE / "sockets.py"), "order", str(campaign.folder / "trace"), *ports]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    bars.judge("each socket is closed before the next is connected", found.returncode == 0,
               (found.stdout + found.stderr).strip())
    bars.judge("the process ended well", campaign.exit == 0, f"exit code {campaign.exit}")


def judge_sockets(campaign, bars):
    sockets = campaign.sockets
    established = held = waited = 0
    waiting, seen = {}, set()
    for at, port, rows in sockets["held"]:
        states = [state for _, state in rows]
        established = max(established, states.count(ESTABLISHED))
        held = max(held, len(rows))
        seen.update((port, inode) for inode, _ in rows)
        half_closed = {inode for inode, state in rows if state == CLOSE_WAIT}
        for key in [key for key in waiting if key[0] == port and key[1] not in half_closed]:
            waited = max(waited, at - waiting.pop(key))
        for inode in half_closed:
            waiting.setdefault((port, inode), at)
    waited = max([waited, *(sockets["ended"] - at for at in waiting.values())])
    figure = (
        f"{len(seen)} sockets, {sockets['samples']} samples, the longest pause {sockets['pause_max'] * 1000:.0f} ms,"
        f" {100 * sockets['cpu'] / sockets['lasted']:.0f} % of a core for sampling"
    )
    bars.judge("at most one ESTABLISHED per session in any sample", established <= 1 and seen, f"{established}; {figure}")
    bars.judge("at most one socket per session in any state", held <= 1, str(held))
    bars.judge("CLOSE_WAIT at most 100 ms", waited / 1e6 <= CLOSE_WAIT_MAX_MS, f"{waited / 1e6:.0f} ms")
    total = sum(len(states) for states in held_at(sockets, campaign.last_look).values())
    bars.judge("2 s after the last fault: the live sockets and no other", is_whole(campaign, campaign.last_look),
               f"{total} of {len(campaign.sessions)} sessions")


def is_whole(campaign, moment):
    """Whether each session holds one established socket and nothing else."""
    held = held_at(campaign.sockets, moment)
    return len(held) == len(campaign.sessions) and all(states == [ESTABLISHED] for states in held.values())


def held_at(sockets, moment):
    """The states of the sockets to each port at a moment."""
    last = {}
    for at, port, rows in sockets["held"]:
        if at <= moment:
            last[port] = [state for _, state in rows]
    return last


def most_within(times, span):
    """The most of these times that lie in any span of this length."""
    most, start = 0, 0
    for end, at in enumerate(times):
        while times[start] <= at - span:
            start += 1
        most = max(most, end - start + 1)
    return most


def judge_dials(campaign, bars):
    by_port = {session.port: session for session in campaign.sessions}
    markets, sessions = defaultdict(list), defaultdict(list)
    for session in campaign.sessions:
        lines = campaign.events.status[session.name]
        markets["told", session.market] += [line["received_ns"] for line in lines if line["status"] == "dialing"]
    for at, port in campaign.sockets["dials"] or []:
        markets["seen", by_port[port].market].append(at)
        sessions[by_port[port].name].append(at)
    worst = {}
    for (_, market), times in markets.items():
        count, per = DIALS[market]
        most = most_within(sorted(times), (per - DIAL_JITTER_MS) * 1_000_000)
        worst[market] = max(worst.get(market, 0), most)
    fine = all(most <= DIALS[market][0] for market, most in worst.items())
    figure = ", ".join(f"{market} {most} in {DIALS[market][1]} ms of {DIALS[market][0]}" for market, most in worst.items())
    bars.judge("dials within the quota in every window", fine and worst, figure)
    if campaign.sockets["dials"] is None:
        bars.skip("dials of a session in any 2 s", "no raw sockets here")
        return
    most = max(most_within(sorted(times), 2 * SECOND) for times in sessions.values())
    bars.judge("dials of a session in any 2 s", most <= 20, f"at most {most}, {len(campaign.sockets['dials'])} in all")


def judge_resources(campaign, bars):
    figures = [row for row in campaign.sockets["figures"] if row[0] <= campaign.last_look]
    start = next((count for at, count, _ in figures if is_whole(campaign, at)), None)
    end = figures[-1][1]
    bars.judge("descriptors at the end as at the start", start == end, f"{start}, {end}")
    warm = figures[len(figures) // 4][2]
    peak, last = max(row[2] for row in figures), figures[-1][2]
    mib = [f"{value / (1 << 20):.1f}" for value in (warm, peak, last)]
    bars.judge("resident memory after warm-up grows by at most 4 MiB", last - warm <= RESIDENT_GROWTH_MAX,
               f"{mib[0]} MiB after a quarter, {mib[1]} at most, {mib[2]} at the end")


def judge_events(campaign, bars):
    events = campaign.events
    marks = ", ".join(f"{count} {mark}" for mark, count in sorted(events.marks.items())) or "none marked"
    bars.judge("duplicates and disorder unmarked: 0", events.wrong["disorder"] == 0, f"{events.wrong['disorder']}; {marks}")
    bars.judge("holes without a gap: 0", events.wrong["hole"] == 0, str(events.wrong["hole"]))
    for example in events.examples[:5]:
        print(example)
    omissions = [(ledger.session.name, *omission) for ledger in campaign.ledgers for omission in ledger.omissions]
    told = sum(events.reports(*omission) for omission in omissions)
    bars.judge("every omission of the exchanges reported as a gap", told == len(omissions), f"{told} of {len(omissions)}")


def judge_half_open(campaign, bars):
    question = "half-open: descriptor closed within the silence deadline"
    faults = [fault for injector in campaign.injectors for fault in injector.faults if fault.noticed_by == "silence"]
    if not faults:
        bars.skip(question, "no network namespace here")
        return
    # The deadline counts from the last byte, and where our packets alone are dropped some of theirs still come.
    silent, closed, redialled = [], [], []
    for fault in faults:
        told = [line for line in campaign.events.status[fault.session.name] if line["received_ns"] > fault.at]
        down = next(line for line in told if line["status"] == "down")
        dials = [line["received_ns"] for line in told if line["status"] == "dialing"]
        rows = [(at, rows) for at, port, rows in campaign.sockets["held"] if port == fault.session.port]
        before = next((held for at, held in reversed(rows) if at <= fault.at and held), [])
        inodes = {inode for inode, _ in before}
        gone = [at for at, held in rows if at > fault.at and not inodes & {inode for inode, _ in held}]
        end = gone[0] if gone else campaign.last_look
        silent.append((end - max(fault.at, down["last_data_ns"])) / 1e6)
        closed.append((end - fault.at) / 1e6)
        redialled.append((dials[0] - fault.at) / 1e6)
    bars.judge(question, max(silent) <= TIMERS["silence"] + CLOSE_WAIT_MAX_MS,
               f"{len(faults)} times: {max(silent):.0f} ms after the last byte at the latest; after the drop"
               f" {median(closed):.0f} ms, worst {max(closed):.0f}; dialled anew after {median(redialled):.0f} ms,"
               f" worst {max(redialled):.0f}")


def place_of(kind):
    return network.Namespaces(len(SESSIONS)) if kind == "namespaces" else network.Loopback()


def main():
    program, faults, runtime, kind, *rest = sys.argv[1:]
    traced = rest == ["traced"]
    place, bars = place_of(kind), Bars()
    folder = Path(tempfile.mkdtemp())
    campaign = Campaign(program, int(faults), runtime, place, folder, traced)
    try:
        campaign.start()
        campaign.suffer()
        campaign.settle()
        campaign.finish()
    finally:
        campaign.kill()
        place.close()
    (judge_trace if traced else judge)(campaign, bars)
    bars.show()
    if bars.failed:
        sys.exit(f"what was recorded is in {folder}")
    shutil.rmtree(folder)


main()
