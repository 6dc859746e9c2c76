//! Faults of TLS over real sockets, as a client's TLS sees them.

use std::time::Duration;

use marketprism::twin::{Fault, Flaw, HandshakeFault, RecordFault};

use super::place::{Next, Place, Transport, run, run_over};

const SPAN: Duration = Duration::from_millis(300);

/// What TLS says where plain text comes instead of a record.
const NO_RECORD: &str = "received corrupt message of type InvalidContentType";

fn says(sentence: &str) -> Next {
    Next::Tls(sentence.to_owned())
}

/// A new client streams as if nothing had been, and the ledger has seen it.
async fn recovers(place: &mut Place) {
    place.streaming().await;
    assert_eq!(place.server.ledger().unrecovered().count(), 0);
    place.until_live(0).await;
}

#[test]
fn records_go_wrong_in_the_middle_of_the_stream() {
    for (fault, end) in [
        (RecordFault::Cut, Next::Torn),
        (RecordFault::Corrupt, says("cannot decrypt peer's message")),
        (RecordFault::Garbage, says(NO_RECORD)),
        (
            RecordFault::Alert,
            says("received fatal alert: BadRecordMac"),
        ),
        (RecordFault::CloseNotify, Next::End),
    ] {
        run_over(Transport::Tls, async |mut place| {
            let mut client = place.streaming().await;
            place.server.inject(Fault::Record(fault));
            assert_eq!(place.end(&mut client).await, end, "{fault:?}");
            drop(client);
            place.until_live(0).await;
            recovers(&mut place).await;
        });
    }
}

#[test]
fn tcp_stays_open_behind_a_close_notify() {
    run_over(Transport::Tls, async |mut place| {
        let mut client = place.streaming().await;
        place.server.inject(Fault::Record(RecordFault::CloseNotify));
        assert_eq!(place.end(&mut client).await, Next::End);
        place.serve_for(SPAN).await;
        assert_eq!(place.live(), 1);
    });
}

#[test]
fn handshakes_fail_for_a_while() {
    for (fault, sentence) in [
        (HandshakeFault::PlainHttp, NO_RECORD),
        (
            HandshakeFault::Certificate(Flaw::WrongName),
            "invalid peer certificate: certificate not valid for name \"127.0.0.1\"",
        ),
        (
            HandshakeFault::Certificate(Flaw::Expired),
            "invalid peer certificate: certificate expired",
        ),
        (
            HandshakeFault::Certificate(Flaw::UnknownAuthority),
            "invalid peer certificate: UnknownIssuer",
        ),
        (HandshakeFault::Cut, "nothing"),
    ] {
        run_over(Transport::Tls, async |mut place| {
            let mut client = place.streaming().await;
            place.server.inject(Fault::Handshake(fault, SPAN));
            assert_eq!(place.end(&mut client).await, Next::End);
            drop(client);
            for _ in 0..2 {
                let end = Next::from(place.dial().await.err().unwrap());
                if let Next::Tls(said) = &end {
                    assert!(said.starts_with(sentence), "{said}");
                } else {
                    assert_eq!((fault, end), (HandshakeFault::Cut, Next::Torn));
                }
            }
            place.serve_for(SPAN).await;
            recovers(&mut place).await;
        });
    }
}

#[test]
fn handshakes_hang_for_a_while() {
    for fault in [HandshakeFault::Hang, HandshakeFault::HangMidway] {
        run_over(Transport::Tls, async |mut place| {
            place.streaming().await;
            place.server.inject(Fault::Handshake(fault, SPAN));
            place.until_live(0).await;
            assert!(tokio::time::timeout(SPAN, place.dial()).await.is_err());
            place.until_live(0).await;
            recovers(&mut place).await;
        });
    }
}

#[test]
fn without_tls_none_of_its_faults_strikes() {
    run(async |mut place| {
        let transport = place.transport;
        let mut client = place.streaming().await;
        let mut secure = Fault::catalogue();
        secure.retain(|fault| fault.needs_tls());
        assert_eq!(secure.len(), 12);
        for fault in secure {
            place.server.inject(fault);
        }
        let struck = place.server.ledger().faults().len();
        assert_eq!(struck > 0, transport == Transport::Tls);
        if transport == Transport::Tcp {
            assert!(matches!(place.next(&mut client).await, Next::Text(_)));
        }
    });
}
