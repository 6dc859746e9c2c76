#!/usr/bin/env python3
"""An exchange that floods, and a reader that is far too slow for it.

    flood.py PROGRAM RUNTIME [SECONDS]

One session of `run` gets up to 200,000 trades a second, and a ping each second; its standard output is a pipe
that is read at a megabyte a second. Its memory must stay bounded, its connection must live and answer each ping, and
what it could not write must be told: lines and losses together account for all that was sent.
"""

import base64
import hashlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from config import runtime_line

RATE, TICK = 200_000, 0.01
# Well within the quota of frames: of pings that come faster, only the newest is answered.
PING_EVERY = 1.0
READ_BYTES_PER_SECOND = 1 << 20
BUFFER_BYTES = 4 << 20
RESIDENT_MAX = 32 << 20
# The sockets may be held up for a second in each round (`sink: block`), and the machine may be busy.
PONG_MAX = 5.0
# Of the lines that are told as lost, a few may be about the subscription and not about trades.
OTHER_LINES_MAX = 10
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, PING, PONG, CLOSE = 0x1, 0x9, 0xA, 0x8
TRADE = (
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1767225600150,"s":"BTCUSDT","t":%012d,"p":"91437.12000000",'
    b'"q":"0.00350000","T":1767225600149,"m":true,"M":true}}'
)
CONFIG = """\
{runtime}collect:
  - {{market: binance-spot, instruments: [BTCUSDT], channels: [trade]}}
markets:
  binance-spot: {{websocket: 'ws://127.0.0.1:{port}', rest: 'http://127.0.0.1:9'}}
sink: {{buffer_bytes: {buffer}}}
"""


def frame(opcode, payload):
    length = len(payload)
    head = struct.pack("!BB", 0x80 | opcode, length) if length < 126 else struct.pack("!BBH", 0x80 | opcode, 126, length)
    return head + payload


class Exchange:
    """One client at a time, served from the thread that runs `flood`; another thread hears what the client says."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.subscribed = threading.Event()
        self.pings, self.pongs, self.connections = {}, [], 0
        self.sent, self.next_id = 0, 100_000_000_001
        self.lasted = 0.0

    def accept(self):
        self.client, _ = self.listener.accept()
        self.connections += 1
        request = b""
        while b"\r\n\r\n" not in request:
            request += self.client.recv(4096)
        key = next(line.split(b":")[1].strip() for line in request.split(b"\r\n")
                   if line.lower().startswith(b"sec-websocket-key"))
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        self.client.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        threading.Thread(target=self.hear, daemon=True).start()

    def hear(self):
        stream = self.client.makefile("rb")
        while head := stream.read(2):
            opcode, length = head[0] & 0xF, head[1] & 0x7F
            if length == 126:
                (length,) = struct.unpack("!H", stream.read(2))
            mask = stream.read(4)
            payload = bytes(byte ^ mask[place % 4] for place, byte in enumerate(stream.read(length)))
            self.heard(opcode, payload)

    def heard(self, opcode, payload):
        if opcode == PONG:
            self.pongs.append(time.monotonic() - self.pings.pop(payload))
        elif opcode == TEXT:
            answer = json.dumps({"result": None, "id": json.loads(payload)["id"]}).encode()
            self.client.sendall(frame(TEXT, answer))
            self.subscribed.set()
        elif opcode == CLOSE:
            self.client.sendall(frame(CLOSE, payload))
            self.client.shutdown(socket.SHUT_WR)

    def flood(self, seconds):
        self.subscribed.wait(10)
        start = time.monotonic()
        due, ping_due = start, start
        while (now := time.monotonic()) < start + seconds:
            if now >= ping_due:
                self.ping(now)
                ping_due = now + PING_EVERY
            self.burst(int(RATE * TICK))
            due += TICK
            time.sleep(max(0, due - time.monotonic()))
        self.lasted = time.monotonic() - start

    def burst(self, count):
        first = self.next_id
        self.client.sendall(b"".join(frame(TEXT, TRADE % number) for number in range(first, first + count)))
        self.next_id += count
        self.sent += count

    def ping(self, now):
        payload = b"%d" % len(self.pings) + b"-%f" % now
        self.pings[payload] = now
        self.client.sendall(frame(PING, payload))


class SlowReader(threading.Thread):
    """Reads so many bytes a second, until it is told to hurry."""

    def __init__(self, pipe):
        super().__init__(daemon=True)
        self.pipe, self.text, self.hurry = pipe, [], threading.Event()

    def run(self):
        while block := os.read(self.pipe.fileno(), 1 << 16):
            self.text.append(block)
            self.hurry.wait(len(block) / READ_BYTES_PER_SECOND)

    def lines(self):
        return [json.loads(line) for line in b"".join(self.text).splitlines()]


class Memory(threading.Thread):
    """The most that a process ever held."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.status, self.most = Path(f"/proc/{pid}/statm"), 0

    def run(self):
        while True:
            try:
                pages = int(self.status.read_text(encoding="ascii").split()[1])
            except (OSError, IndexError):
                return
            self.most = max(self.most, pages * os.sysconf("SC_PAGE_SIZE"))
            time.sleep(0.05)


def judge(exchange, lines, memory, code):
    overflows = [line for line in lines if line.get("cause") == "overflow"]
    lost, written = sum(line["lost"] for line in overflows), sum(line["kind"] == "trade" for line in lines)
    told = [line["status"] for line in lines if line["kind"] == "status"]
    late = max(exchange.pongs, default=float("inf"))
    yield ("a flood: the connection lives", exchange.connections == 1 and told.count("down") <= 1,
           f"{exchange.connections} connection, {exchange.sent / exchange.lasted / 1000:.0f} thousand messages a second taken")
    yield ("a flood: each ping is answered", not exchange.pings and late <= PONG_MAX,
           f"{len(exchange.pongs)} pongs, the latest after {late * 1000:.0f} ms")
    yield ("a flood: memory is bounded", memory.most <= RESIDENT_MAX,
           f"{memory.most / (1 << 20):.1f} MiB at the most, with {BUFFER_BYTES >> 20} MiB of buffer")
    yield ("a flood: what was lost is told", overflows and 0 <= written + lost - exchange.sent <= OTHER_LINES_MAX,
           f"{written} written and {lost} told as lost in {len(overflows)} gaps, of {exchange.sent}")
    yield ("a flood: the process ended well", code == 0, f"exit code {code}")


def main():
    program, runtime, *rest = sys.argv[1:]
    seconds = float(rest[0]) if rest else 5.0
    exchange = Exchange()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(CONFIG.format(runtime=runtime_line(runtime), port=exchange.port, buffer=BUFFER_BYTES), encoding="utf-8")
        run = subprocess.Popen([program, "run", str(config)], stdout=subprocess.PIPE)
        try:
            memory, reader = Memory(run.pid), SlowReader(run.stdout)
            memory.start()
            reader.start()
            exchange.accept()
            exchange.flood(seconds)
            time.sleep(PONG_MAX)
            reader.hurry.set()
            run.send_signal(signal.SIGINT)
            code = run.wait(30)
            reader.join(10)
        finally:
            run.kill()
            run.wait()
    rows = list(judge(exchange, reader.lines(), memory, code))
    for question, passed, figure in rows:
        print(f"{'PASS' if passed else 'FAIL'}  {question:<58} {figure}")
    sys.exit(0 if all(passed for _, passed, _ in rows) else 1)


main()
