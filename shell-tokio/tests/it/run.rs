//! What only this shell offers: a run until a future is ready, and a stream of owned events.

use std::pin::Pin;

use marketprism_core::connection::{Cause, Connection};
use marketprism_core::fleet::Fleet;
use marketprism_shell_tests::heard::{Heard, config, connection, heard, text, webpki};
use marketprism_shell_tests::peer::{Act, Peer};
use marketprism_tokio::Driver;

fn driver(peer: &Peer) -> Driver<Connection> {
    let mut fleet = Fleet::new();
    fleet.add(connection(config(peer.address)), None);
    Driver::new(fleet, webpki())
}

#[tokio::test]
async fn a_run_stops_in_good_order_when_asked() {
    let peer = Peer::plain([Act::Echo("welcome")]);
    let mut driver = driver(&peer);
    let (welcomed, stop) = tokio::sync::oneshot::channel();
    let (mut welcomed, mut all) = (Some(welcomed), Vec::new());
    driver
        .run(
            |_, event| {
                all.extend(heard(event));
                if all.contains(&text("welcome"))
                    && let Some(welcomed) = welcomed.take()
                {
                    welcomed.send(()).unwrap();
                }
            },
            stop,
        )
        .await;
    let down = Heard::Down(Cause::Stopped);
    assert_eq!(all, [Heard::Open, text("welcome"), down]);
    peer.finished();
}

#[tokio::test]
async fn a_stream_yields_owned_events_and_ends_with_the_last_machine() {
    let peer = Peer::plain([Act::Fin("one"), Act::Echo("two")]);
    let driver = driver(&peer);
    let mut events = driver.events(|_, event| heard(event));
    let mut all = Vec::new();
    while let Some(event) = next(&mut events).await {
        if event == text("two") {
            events.driver().stop();
        }
        all.push(event);
    }
    let expected = [
        Heard::Open,
        text("one"),
        Heard::Down(Cause::Eof),
        Heard::Open,
        text("two"),
        Heard::Down(Cause::Stopped),
    ];
    assert_eq!(all, expected);
    assert_eq!(next(&mut events).await, None);
    peer.finished();
}

async fn next<S: futures_core::Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    std::future::poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}
