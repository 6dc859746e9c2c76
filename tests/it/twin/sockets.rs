//! The twin on real sockets, plain and TLS: each fault as a client's system sees it.

use std::io;
use std::time::Duration;

use marketprism::twin::{Exchange, Fault, Options, Server};
use marketprism_core::market::Market;
use marketprism_core::ws::TransmitQueue;
use marketprism_core::ws::handshake::Refused;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::place::{Next, Transport, run};

#[test]
fn a_clean_close_is_a_close_frame_and_an_end() {
    run(async |mut place| {
        let mut client = place.streaming().await;
        place.server.inject(Fault::Close(1001));
        assert_eq!(place.end(&mut client).await, Next::Close(Some(1001)));
        let mut answer = TransmitQueue::client(1024, [1; 32]);
        answer.close(None).unwrap();
        place
            .serve(client.stream.write_all(answer.bytes()))
            .await
            .unwrap();
        assert_eq!(place.next(&mut client).await, Next::End);
        drop(client);
        place.until_live(0).await;
    });
}

#[test]
fn a_cut_is_an_end_and_a_reset_is_a_reset() {
    for (fault, end) in [
        (Fault::Cut, Next::End),
        (Fault::Reset, Next::Failed(io::ErrorKind::ConnectionReset)),
    ] {
        run(async |mut place| {
            let mut client = place.streaming().await;
            place.server.inject(fault);
            assert_eq!(place.end(&mut client).await, end, "{:?}", place.transport);
            drop(client);
            place.until_live(0).await;
        });
    }
}

#[test]
fn a_half_close_is_an_end_without_notice_and_the_far_end_stays() {
    run(async |mut place| {
        let mut client = place.streaming().await;
        place.server.inject(Fault::HalfClose);
        let end = match place.transport {
            Transport::Tcp => Next::End,
            Transport::Tls => Next::Torn,
        };
        assert_eq!(place.end(&mut client).await, end);
        place.serve_for(Duration::from_millis(300)).await;
        assert_eq!(place.live(), 1);
        place
            .serve(client.stream.write_all(b"still there"))
            .await
            .unwrap();
        drop(client);
        place.until_live(0).await;
    });
}

#[test]
fn a_stall_is_silence_until_the_client_goes() {
    run(async |mut place| {
        let mut client = place.streaming().await;
        place.server.inject(Fault::Stall);
        let silence = tokio::time::timeout(Duration::from_millis(300), place.end(&mut client));
        assert!(silence.await.is_err());
        place
            .serve(client.stream.write_all(b"never read"))
            .await
            .unwrap();
        place.serve_for(Duration::from_millis(100)).await;
        assert_eq!(place.live(), 1);
        drop(client);
        place.until_live(0).await;
    });
}

#[test]
fn a_stall_with_pings_is_silence_as_far_as_data_go() {
    run(async |mut place| {
        let mut client = place.streaming().await;
        place.server.inject(Fault::StallWithPings);
        let silence = tokio::time::timeout(Duration::from_millis(300), place.end(&mut client));
        assert!(silence.await.is_err());
        let mut request = TransmitQueue::client(1024, [1; 32]);
        request
            .text(r#"{"method":"LIST_SUBSCRIPTIONS","id":1}"#)
            .unwrap();
        place
            .serve(client.stream.write_all(request.bytes()))
            .await
            .unwrap();
        let Next::Text(reply) = place.next(&mut client).await else {
            panic!("requests are answered");
        };
        assert!(
            reply.starts_with(r#"{"result":["btcusdt@bookTicker""#),
            "{reply}"
        );
    });
}

#[test]
fn nobody_listens_for_a_while_and_then_somebody_at_the_same_port() {
    run(async |mut place| {
        let mut client = place.streaming().await;
        place
            .server
            .inject(Fault::Refuse(Duration::from_millis(300)));
        let reset = Next::Failed(io::ErrorKind::ConnectionReset);
        assert_eq!(place.end(&mut client).await, reset);
        let refused = place.dial().await.err().map(|error| error.kind());
        assert_eq!(refused, Some(io::ErrorKind::ConnectionRefused));
        place.serve_for(Duration::from_millis(350)).await;
        place.streaming().await;
    });
}

#[test]
fn who_is_accepted_is_reset_for_a_while() {
    run(async |mut place| {
        let mut client = place.streaming().await;
        let span = Duration::from_millis(300);
        place.server.inject(Fault::ResetOnAccept(span));
        assert_eq!(place.end(&mut client).await, Next::End);
        place.serve_for(span).await;
        for _ in 0..2 {
            let reset = match place.dial().await {
                Ok(mut stream) => place.serve(stream.read(&mut [0; 8])).await.map(drop),
                Err(error) => Err(error),
            };
            let kind = reset.map_err(|error| error.kind());
            assert_eq!(kind, Err(io::ErrorKind::ConnectionReset));
        }
        assert_eq!(place.live(), 1, "who has ended, and still holds its end");
        place.serve_for(span).await;
        place.streaming().await;
    });
}

/// The queue of other systems cannot be filled.
#[cfg(target_os = "linux")]
#[test]
fn connects_hang_for_a_while_and_then_come_through() {
    run(async |mut place| {
        let mut client = place.streaming().await;
        place
            .server
            .inject(Fault::DroppedSyn(Duration::from_millis(400)));
        let reset = Next::Failed(io::ErrorKind::ConnectionReset);
        assert_eq!(place.end(&mut client).await, reset);
        let address = place.server.address();
        let hanging = [TcpStream::connect(address), TcpStream::connect(address)];
        for connect in hanging {
            let within = tokio::time::timeout(Duration::from_millis(150), connect);
            assert!(place.serve(within).await.is_err());
        }
        assert_eq!(place.live(), 0);
        // The system repeats the SYN after a second.
        drop(place.dial().await.unwrap());
        place.streaming().await;
        assert_eq!(place.server.ledger().sockets().total, 3);
    });
}

#[test]
fn who_is_not_read_cannot_write_for_ever_while_data_go_on() {
    run(async |mut place| {
        let mut client = place.streaming().await;
        let span = Duration::from_millis(800);
        place.server.inject(Fault::Unread(span));
        place.server.turn().await.unwrap();
        let flood = vec![0; 16 << 20];
        let within = tokio::time::timeout(span / 2, client.stream.write_all(&flood));
        assert!(place.serve(within).await.is_err());
        assert!(matches!(place.next(&mut client).await, Next::Text(_)));
        let reset = Next::Failed(io::ErrorKind::ConnectionReset);
        assert_eq!(place.end(&mut client).await, reset);
        place.until_live(0).await;
    });
}

#[test]
fn an_upgrade_is_refused_with_status_and_retry_after() {
    run(async |mut place| {
        let mut client = place.streaming().await;
        place
            .server
            .inject(Fault::Status(503, Duration::from_secs(2)));
        assert_eq!(place.end(&mut client).await, Next::End);
        let mut client = place.connect().await;
        let refused = Next::Refused(Refused::Status(503, Some(Duration::from_secs(2))));
        assert_eq!(place.next(&mut client).await, refused);
        assert_eq!(place.next(&mut client).await, Next::End);
    });
}

#[test]
fn one_socket_after_the_other_never_counts_as_two() {
    run(async |mut place| {
        for _ in 0..60 {
            let mut client = place.connect().await;
            assert!(matches!(place.next(&mut client).await, Next::Text(_)));
        }
        let sockets = place.server.ledger().sockets();
        assert_eq!((sockets.most, sockets.total), (1, 60));
    });
}

#[test]
fn a_client_that_says_nothing_in_tls_or_http_is_dropped() {
    run(async |mut place| {
        let mut options = Options::new(Market::Okx);
        options.rules = options.rules.compressed(50);
        options.instruments.clear();
        let exchange = Exchange::new(Market::Okx, options, 1);
        let tls = (place.transport == Transport::Tls).then_some(&place.certificates);
        place.server = Server::bind(exchange, "127.0.0.1:0".parse().unwrap(), tls).unwrap();
        let mut client = place
            .serve(TcpStream::connect(place.server.address()))
            .await
            .unwrap();
        let read = place.serve(client.read(&mut [0; 8])).await;
        assert_eq!(read.unwrap_or(0), 0);
        assert_eq!(place.live(), 0);
    });
}
