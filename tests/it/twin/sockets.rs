//! The twin on real sockets, plain and TLS: each fault as a client's system sees it.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use marketprism::twin::{Certificates, Exchange, Fault, Options, Server};
use marketprism_core::ReceiveBuffer;
use marketprism_core::market::Market;
use marketprism_core::ws::handshake::{Refused, Request, ResponseReader};
use marketprism_core::ws::{Decoder, Item, Limits, Role, TransmitQueue};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const SPOT: &str = "/stream?streams=btcusdt@bookTicker/btcusdt@depth@100ms";
const NONCE: [u8; 16] = [9; 16];
/// Nothing here takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(20);

trait Bytes: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Bytes for T {}

/// How clients speak to the twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Tcp,
    Tls,
}

struct Place {
    server: Server,
    certificates: Certificates,
    transport: Transport,
}

/// What a client reads next.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Text(String),
    Close(Option<u16>),
    End,
    Failed(io::ErrorKind),
    Refused(Refused),
}

struct Client {
    stream: Box<dyn Bytes>,
    rx: ReceiveBuffer,
    reader: Option<ResponseReader>,
    decoder: Decoder,
}

fn run(test: impl AsyncFn(Place)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for transport in [Transport::Tcp, Transport::Tls] {
        runtime.block_on(async {
            tokio::time::timeout(PATIENCE, test(Place::new(transport)))
                .await
                .unwrap();
        });
    }
}

impl Place {
    fn new(transport: Transport) -> Self {
        let mut options = Options::new(Market::BinanceSpot);
        options.pace = Duration::from_millis(5);
        let exchange = Exchange::new(Market::BinanceSpot, options, 1);
        let certificates = Certificates::generate().unwrap();
        let tls = (transport == Transport::Tls).then_some(&certificates);
        let server = Server::bind(exchange, "127.0.0.1:0".parse().unwrap(), tls).unwrap();
        Self {
            server,
            certificates,
            transport,
        }
    }

    /// Serves while something else goes on.
    async fn serve<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                turned = self.server.turn() => turned.unwrap(),
            }
        }
    }

    async fn serve_for(&mut self, span: Duration) {
        self.serve(tokio::time::sleep(span)).await;
    }

    async fn dial(&mut self) -> io::Result<Box<dyn Bytes>> {
        let address = self.server.address();
        let connector = self.connector();
        let transport = self.transport;
        let dialing = async {
            let tcp = TcpStream::connect(address).await?;
            Ok(match transport {
                Transport::Tcp => Box::new(tcp) as Box<dyn Bytes>,
                Transport::Tls => {
                    let name = ServerName::try_from("127.0.0.1").unwrap();
                    Box::new(connector.connect(name, tcp).await?)
                }
            })
        };
        self.serve(dialing).await
    }

    fn connector(&self) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        let pem = self.certificates.authority().as_bytes();
        roots
            .add(CertificateDer::from_pem_slice(pem).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    }

    async fn connect(&mut self) -> Client {
        let stream = self.dial().await.unwrap();
        let request = Request {
            host: "127.0.0.1",
            port: self.server.address().port(),
            tls: self.transport == Transport::Tls,
            path: SPOT,
            headers: &[],
            protocols: &[],
            deflate: None,
        };
        let mut client = Client {
            stream,
            rx: ReceiveBuffer::with_capacity(64 << 10),
            reader: Some(ResponseReader::new(&request, NONCE, 16 << 10)),
            decoder: Decoder::new(Role::Client, Limits::DEFAULT, None),
        };
        let head = request.write(NONCE).unwrap();
        self.serve(client.stream.write_all(&head)).await.unwrap();
        client
    }

    /// A client to which every stream flows.
    async fn streaming(&mut self) -> Client {
        let mut client = self.connect().await;
        for part in ["bookTicker", "depthUpdate"] {
            while !matches!(self.next(&mut client).await, Next::Text(text) if text.contains(part)) {
            }
        }
        client
    }

    async fn next(&mut self, client: &mut Client) -> Next {
        self.serve(client.next()).await
    }

    /// What comes after all data: how it ended.
    async fn end(&mut self, client: &mut Client) -> Next {
        loop {
            let next = self.next(client).await;
            if !matches!(next, Next::Text(_)) {
                return next;
            }
        }
    }

    fn live(&self) -> u32 {
        self.server.ledger().sockets().live
    }

    /// Serves until so many sockets are live.
    async fn until_live(&mut self, count: u32) {
        while self.live() != count {
            self.server.turn().await.unwrap();
        }
    }
}

impl Client {
    async fn next(&mut self) -> Next {
        loop {
            if let Some(next) = self.take() {
                return next;
            }
            let spare = self.rx.spare();
            match self.stream.read(spare).await {
                Ok(0) => return Next::End,
                Ok(count) => self.rx.commit(count),
                // The end of a TLS stream without notice is an end all the same.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Next::End,
                Err(error) => return Next::Failed(error.kind()),
            }
        }
    }

    fn take(&mut self) -> Option<Next> {
        if let Some(reader) = &mut self.reader {
            match reader.read(&mut self.rx) {
                Ok(None) => return None,
                Ok(Some(_)) => self.reader = None,
                Err(refused) => return Some(Next::Refused(refused)),
            }
        }
        match self.decoder.next(&mut self.rx).unwrap()? {
            Item::Text(text) => Some(Next::Text(text.to_owned())),
            Item::Close(close) => Some(Next::Close(close.map(|close| close.code))),
            Item::Binary(_) | Item::Ping(_) | Item::Pong(_) => None,
        }
    }
}

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
fn a_half_close_is_an_end_and_the_far_end_stays() {
    run(async |mut place| {
        let mut client = place.streaming().await;
        place.server.inject(Fault::HalfClose);
        assert_eq!(place.end(&mut client).await, Next::End);
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
