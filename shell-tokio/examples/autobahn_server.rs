//! The server that the Autobahn suite puts to the test: `core::ws::Server` over tokio.
//!
//! Listens on `$AUTOBAHN_ADDR` and echoes every message, compressed where the client offers it.

use std::error::Error;
use std::io;

use marketprism_core::ReceiveBuffer;
use marketprism_core::ws::handshake::Response;
use marketprism_core::ws::{Full, Item, Limits, Server, ServerEvent, deflate};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The suite sends messages of 16 MiB and messages in 65537 fragments; sound limits are lower.
const LIMITS: Limits = Limits {
    max_fragments: 1 << 17,
    ..Limits::DEFAULT
};

/// Room for what one read can bring when it is compressed a thousandfold.
const TRANSMIT: usize = 128 << 20;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(std::env::var("AUTOBAHN_ADDR")?).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            if let Err(error) = serve(stream).await {
                eprintln!("{error}");
            }
        });
    }
}

async fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut server = Server::new(LIMITS, TRANSMIT, Some(deflate::Config::default()));
    let mut rx = ReceiveBuffer::with_capacity(64 << 10);
    let mut copy = Copy::default();
    loop {
        // Nothing more is read before the echo of what was read is out, so the queue stays small.
        while !server.transmit().is_empty() {
            let count = stream.write(server.transmit()).await?;
            server.transmitted(count);
        }
        if server.is_over() {
            break;
        }
        let count = stream.read(rx.spare()).await?;
        if count == 0 {
            return Ok(());
        }
        rx.commit(count);
        echo(&mut server, &mut rx, &mut copy).map_err(|Full| io::ErrorKind::OutOfMemory)?;
    }
    end(stream).await
}

/// A message is lent by the server, which also has to queue its echo: hence a copy.
#[derive(Default)]
struct Copy {
    text: String,
    binary: Vec<u8>,
}

/// Takes in what has been read. That the client broke the protocol is no error of ours: it has
/// been told, and the connection is over.
fn echo(server: &mut Server, rx: &mut ReceiveBuffer, copy: &mut Copy) -> Result<(), Full> {
    while let Ok(Some(event)) = server.next(rx) {
        match event {
            // Whatever does not ask for an upgrade is refused with the reason.
            ServerEvent::Request(_) => {
                if let Err(error) = server.accept(None) {
                    server.respond(&Response::refusal(error))?;
                }
            }
            ServerEvent::Item(Item::Text(text)) => {
                copy.text.clear();
                copy.text.push_str(text);
                server.queue().text(&copy.text)?;
            }
            ServerEvent::Item(Item::Binary(bytes)) => {
                copy.binary.clear();
                copy.binary.extend_from_slice(bytes);
                server.queue().binary(&copy.binary)?;
            }
            ServerEvent::Item(Item::Ping(_) | Item::Pong(_) | Item::Close(_)) => {}
        }
    }
    Ok(())
}

/// The server closes first, and reads until the client has closed too: a socket closed with
/// bytes unread would be reset, and the close frame lost.
async fn end(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let mut rest = [0; 4096];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}
