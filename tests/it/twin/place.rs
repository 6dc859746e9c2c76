//! A twin on real sockets, plain and TLS, and a bare client of it.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use marketprism::twin::{Certificates, Exchange, Options, Server};
use marketprism_core::ReceiveBuffer;
use marketprism_core::market::Market;
use marketprism_core::ws::handshake::{Refused, Request, ResponseReader};
use marketprism_core::ws::{Decoder, Item, Limits, Role};
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

pub(super) trait Bytes: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Bytes for T {}

/// How clients speak to the twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Tcp,
    Tls,
}

pub(super) struct Place {
    pub(super) server: Server,
    pub(super) certificates: Certificates,
    pub(super) transport: Transport,
}

/// What a client reads next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Text(String),
    Close(Option<u16>),
    /// The end, on TLS after a close_notify.
    End,
    /// The end of a TLS stream without notice.
    Torn,
    Failed(io::ErrorKind),
    /// What TLS says of it.
    Tls(String),
    Refused(Refused),
}

pub(super) struct Client {
    pub(super) stream: Box<dyn Bytes>,
    rx: ReceiveBuffer,
    reader: Option<ResponseReader>,
    decoder: Decoder,
}

/// Runs a test on both.
pub(super) fn run(test: impl AsyncFn(Place)) {
    run_over(Transport::Tcp, &test);
    run_over(Transport::Tls, &test);
}

/// Runs a test on one of them.
pub(super) fn run_over(transport: Transport, test: impl AsyncFn(Place)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::time::timeout(PATIENCE, test(Place::new(transport)))
            .await
            .unwrap();
    });
}

impl Place {
    pub(super) fn new(transport: Transport) -> Self {
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
    pub(super) async fn serve<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                turned = self.server.turn() => turned.unwrap(),
            }
        }
    }

    pub(super) async fn serve_for(&mut self, span: Duration) {
        self.serve(tokio::time::sleep(span)).await;
    }

    pub(super) async fn dial(&mut self) -> io::Result<Box<dyn Bytes>> {
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

    pub(super) async fn connect(&mut self) -> Client {
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
    pub(super) async fn streaming(&mut self) -> Client {
        let mut client = self.connect().await;
        for part in ["bookTicker", "depthUpdate"] {
            while !matches!(self.next(&mut client).await, Next::Text(text) if text.contains(part)) {
            }
        }
        client
    }

    pub(super) async fn next(&mut self, client: &mut Client) -> Next {
        self.serve(client.next()).await
    }

    /// What comes after all data: how it ended.
    pub(super) async fn end(&mut self, client: &mut Client) -> Next {
        loop {
            let next = self.next(client).await;
            if !matches!(next, Next::Text(_)) {
                return next;
            }
        }
    }

    pub(super) fn live(&self) -> u32 {
        self.server.ledger().sockets().live
    }

    /// Serves until so many sockets are live.
    pub(super) async fn until_live(&mut self, count: u32) {
        while self.live() != count {
            self.server.turn().await.unwrap();
        }
    }
}

impl From<io::Error> for Next {
    fn from(error: io::Error) -> Self {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
        match (error.kind(), tls) {
            (io::ErrorKind::UnexpectedEof, _) => Self::Torn,
            (_, Some(error)) => Self::Tls(rustls::Error::to_string(error)),
            (kind, None) => Self::Failed(kind),
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
                Err(error) => return Next::from(error),
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
