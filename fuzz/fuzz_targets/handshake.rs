//! Any bytes as an answer and as a request: no panic, the same verdict however they are cut, and
//! nothing taken beyond the head.
#![no_main]

use libfuzzer_sys::fuzz_target;
use marketprism_core::ReceiveBuffer;
use marketprism_core::ws::deflate::Config;
use marketprism_core::ws::handshake::{Request, RequestReader, ResponseReader, ServerRequest};

const MAX: usize = 1 << 10;

const REQUEST: Request<'_> = Request {
    host: "localhost",
    port: 443,
    tls: true,
    path: "/",
    headers: &[],
    protocols: &["a", "b"],
    deflate: Some(Config::DEFAULT),
};

fuzz_target!(|input: &[u8]| {
    let [size, stream @ ..] = input else {
        return;
    };
    let size = usize::from(*size).max(1);
    for read in [read_answer, read_request] {
        let whole = read(stream, stream.len().max(1));
        assert_eq!(read(stream, 1), whole);
        assert_eq!(read(stream, size), whole);
    }
});

/// What was read as text, with how many bytes it took; or why it was refused.
type Verdict = Result<(String, usize), String>;

fn read_answer(stream: &[u8], size: usize) -> Option<Verdict> {
    let mut reader = ResponseReader::new(&REQUEST, *b"the sample nonce", MAX);
    feed(stream, size, |rx| match reader.read(rx) {
        Ok(upgraded) => Ok(upgraded.map(|upgraded| format!("{upgraded:?}"))),
        Err(refused) => Err(format!("{refused:?}")),
    })
}

fn read_request(stream: &[u8], size: usize) -> Option<Verdict> {
    let mut reader = RequestReader::new(MAX);
    feed(stream, size, |rx| match reader.read(rx) {
        Ok(request) => Ok(request.map(|request| describe(&request))),
        Err(error) => Err(format!("{error:?}")),
    })
}

fn describe(request: &ServerRequest<'_>) -> String {
    let accepted = request.upgrade().map(|upgrade| {
        upgrade.map(|upgrade| {
            let protocol = upgrade.protocols().next();
            upgrade.accept(protocol, Some(Config::DEFAULT))
        })
    });
    format!("{request:?} {:?} {accepted:?}", request.query())
}

/// Feeds the stream in chunks until there is a verdict; `None` if it ends before.
fn feed(
    stream: &[u8],
    size: usize,
    mut read: impl FnMut(&mut ReceiveBuffer) -> Result<Option<String>, String>,
) -> Option<Verdict> {
    let mut rx = ReceiveBuffer::with_capacity(stream.len());
    let mut fed = 0;
    for chunk in stream.chunks(size) {
        rx.spare()[..chunk.len()].copy_from_slice(chunk);
        rx.commit(chunk.len());
        fed += chunk.len();
        match read(&mut rx) {
            Ok(None) => assert!(rx.is_empty()),
            Ok(Some(what)) => return Some(Ok((what, fed - rx.filled().len()))),
            Err(why) => return Some(Err(why)),
        }
    }
    None
}
