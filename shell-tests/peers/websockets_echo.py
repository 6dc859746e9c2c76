"""An echo server by the Python package `websockets`: prints its port, ends with its stdin."""

import asyncio
import sys

from websockets.asyncio.server import serve


async def echo(socket):
    async for message in socket:
        match message:
            case "ping":
                pong = await socket.ping("payload")
                await pong
                await socket.send("ponged")
            case "close":
                await socket.close(4001, "as asked")
                return
            case "abort":
                socket.transport.abort()
                return
            case _:
                await socket.send(message)


async def main():
    async with serve(echo, "127.0.0.1", 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
