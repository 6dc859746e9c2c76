// An echo server by the npm package `ws`: prints its port, ends with its stdin.
"use strict";

const { WebSocketServer } = require("ws");

const server = new WebSocketServer(
  { host: "127.0.0.1", port: 0, perMessageDeflate: { threshold: 0 } },
  () => console.log(server.address().port),
);

server.on("connection", (socket) => {
  socket.on("pong", (payload) => {
    if (payload.toString() === "payload") socket.send("ponged");
  });
  socket.on("message", (data, isBinary) => {
    switch (isBinary ? undefined : data.toString()) {
      case "ping":
        socket.ping("payload");
        break;
      case "close":
        socket.close(4001, "as asked");
        break;
      case "abort":
        socket.terminate();
        break;
      default:
        socket.send(data, { binary: isBinary });
    }
  });
});

process.stdin.resume();
process.stdin.on("end", () => process.exit());
