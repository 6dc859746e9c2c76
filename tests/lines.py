"""Runs a twin, a cable to it that is cut every 10 s, and `run` over two lines; then judges the file."""

import asyncio
import json
import re
import signal
import sys

CUT_EVERY = 10
RENEW_EVERY_MS = 8_000
CONFIG = """
collect:
  - {{market: binance-spot, instruments: [BTCUSDT, ETHUSDT], channels: [trade, depth@100ms, bookTicker], lines: 2}}
settings: {{websocket: 'ws://{twin}', rest: 'http://{twin}', timers: {{retry: 50, retry_cap: 100, rotate: {renew}}}}}
sessions: {{binance-spot-1: {{websocket: 'ws://{cable}'}}}}
sink: {{file: '{events}'}}
"""


class Cable:
    """A way to the twin that can be cut."""

    def __init__(self, host, port):
        self.far = host, port
        self.writers = set()

    async def lay(self):
        server = await asyncio.start_server(self.connect, "127.0.0.1", 0)
        return "%s:%d" % server.sockets[0].getsockname()

    async def connect(self, reader, writer):
        far_reader, far_writer = await asyncio.open_connection(*self.far)
        self.writers |= {writer, far_writer}
        await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))
        self.writers -= {writer, far_writer}

    def cut(self):
        for writer in self.writers:
            writer.transport.abort()
        return len(self.writers) // 2


async def carry(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.transport.abort()


async def main(program, folder, seconds):
    twin = await asyncio.create_subprocess_exec(
        program, "twin", "--market", "binance-spot", "--pace", "5000", stdout=asyncio.subprocess.PIPE
    )
    address = None
    while address is None:
        words = (await twin.stdout.readline()).decode()
        found = re.search(r"ws://([0-9.]+:[0-9]+)", words)
        address = found and found.group(1)
    host, port = address.split(":")
    cable = Cable(host, int(port))
    laid = await cable.lay()
    events = f"{folder}/events.ndjson"
    config = f"{folder}/config.yaml"
    with open(config, "w") as file:
        file.write(CONFIG.format(twin=address, cable=laid, events=events, renew=RENEW_EVERY_MS))
    run = await asyncio.create_subprocess_exec(
        program, "run", config, stderr=asyncio.subprocess.PIPE
    )
    cuts = 0
    for _ in range(int(seconds) // CUT_EVERY):
        await asyncio.sleep(CUT_EVERY)
        cuts += cable.cut()
    run.send_signal(signal.SIGINT)
    _, words = await run.communicate()
    twin.kill()
    await twin.wait()
    judge(events, cuts, words.decode(), run.returncode)


def judge(events, cuts, words, code):
    reached, gaps, repetitions, holes, messages = {}, 0, 0, 0, 0
    downs = {}
    for line in open(events):
        event = json.loads(line)
        if event["kind"] == "gap":
            gaps += 1
        elif event["kind"] == "status" and event["status"] == "down":
            key = event["session"], event["cause"]
            downs[key] = downs.get(key, 0) + 1
        elif event["kind"] == "trade" or event.get("book") == "delta":
            messages += 1
            stream = event["instrument"], event["channel"]
            first = event.get("first", event.get("id"))
            last = event.get("last", event.get("id"))
            before = reached.get(stream, first - 1)
            repetitions += last <= before
            holes += first > before + 1
            reached[stream] = last
    print(words.strip())
    print(f"downs: {downs}")
    renewed = {session for session, cause in downs if cause == "renewed"}
    bars = [
        (f"{cuts} cuts of line A", cuts > 0),
        (f"both lines renewed: {sorted(renewed)}", len(renewed) == 2),
        (f"{messages} numbered messages of {len(reached)} streams", len(reached) == 4),
        (f"{gaps} gaps", gaps == 0),
        (f"{holes} holes", holes == 0),
        (f"{repetitions} repetitions", repetitions == 0),
        ("the lead of each line is told", "line b was first with" in words),
        (f"exit code {code}", code == 0),
    ]
    for name, held in bars:
        print("PASS" if held else "FAIL", name)
    sys.exit(not all(held for _, held in bars))


asyncio.run(main(*sys.argv[1:]))
