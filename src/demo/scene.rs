//! The stage: an exchange of its own for each session, and sessions with their time compressed.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use marketprism_core::Time;
use marketprism_core::market::Market;

use crate::config::Config;
use crate::failure::Failure;
use crate::twin::{
    Allowance, Certificates, Exchange, Fault, FaultPlan, Options, Server, wall_clock,
};

/// What the demo collects, with every timer some twenty times shorter than usual.
const CONFIG: &str = "
collect:
  - market: binance-spot
    instruments: [BTCUSDT, ETHUSDT]
    channels: [trade, depth@100ms, bookTicker, kline_1m, ticker]
  - market: binance-usdm
    instruments: [BTCUSDT, ETHUSDT]
    channels: [aggTrade, depth@100ms, bookTicker, markPrice@1s, forceOrder, kline_1m, openInterest, globalLongShortAccountRatio, topLongShortPositionRatio]
  - market: okx
    instruments: [BTC-USDT, ETH-USDT]
    channels: [trades, books, tickers, index-tickers, candle1m]
  - market: okx
    instruments: [BTC-USDT-SWAP, ETH-USDT-SWAP]
    channels: [trades, books, bbo-tbt, funding-rate, mark-price, open-interest, long-short-account-ratio-contract, long-short-position-ratio-contract-top-trader]
  - market: okx
    instruments: [SWAP]
    channels: [liquidation-orders, instruments]
settings:
  timers:
    connect: 1000
    upgrade: 1000
    probe: 700
    silence: 1400
    data: 1500
    close: 400
    retry: 50
    retry_cap: 800
    retry_after_cap: 2000
    stable: 1500
    rotate: 15000
    ack: 700
    settle: 150
    first_data: 2500
    stream_silence_floor: 1000
    stream_silence_cap: 2500
    stream_retry: 100
    stream_retry_cap: 800
    quarantine: 500
    quarantine_cap: 1000
    stream_stable: 2000
  limits:
    dials: {count: 280, per: 15000}
  polls: {open_interest: 1000}
";

/// How long a fault lasts that does not end at once.
const PAUSE: Duration = Duration::from_secs(1);

/// By what the exchanges' own times are divided.
const COMPRESSION: u32 = 20;

/// Any free port of this machine.
const ANYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The sessions of the plan and the exchanges that they go to: each its own, so that the kernel's
/// table tells whose a socket is.
pub(super) const SESSIONS: [(&str, Market); 5] = [
    ("binance-spot-1", Market::BinanceSpot),
    ("binance-usdm-public-1", Market::BinanceUsdm),
    ("binance-usdm-market-1", Market::BinanceUsdm),
    ("okx-public-1", Market::Okx),
    ("okx-business-1", Market::Okx),
];

/// How the exchanges behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conduct {
    /// As documented.
    Good,
    /// With faults for so long.
    Faulty(Duration),
}

/// Exchanges that listen, and the configuration of the sessions that connect to them.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) servers: Vec<Server>,
    /// Where each exchange takes requests over REST.
    pub(super) desks: Vec<SocketAddr>,
    pub(super) config: Config,
}

impl Scene {
    /// Opens the exchanges, in the runtime that the caller has entered.
    pub(super) fn open(seed: u64, conduct: Conduct) -> Result<Self, Failure> {
        let certificates = Certificates::generate()
            .map_err(|error| Failure::Io(format!("no TLS on loopback: {error}")))?;
        let mut servers = (0..)
            .zip(SESSIONS)
            .map(|(number, (_, market))| server(number, market, seed, conduct, &certificates))
            .collect::<io::Result<Vec<_>>>()
            .map_err(|error| Failure::Io(format!("cannot listen on loopback: {error}")))?;
        let desks = servers
            .iter_mut()
            .map(|server| server.listen_too(ANYWHERE))
            .collect::<io::Result<Vec<_>>>()
            .map_err(|error| Failure::Io(format!("cannot listen on loopback: {error}")))?;
        let addresses = servers.iter().map(Server::address).zip(&desks);
        let config = config(addresses, &certificates)?;
        Ok(Self {
            servers,
            desks,
            config,
        })
    }
}

fn server(
    number: u64,
    market: Market,
    seed: u64,
    conduct: Conduct,
    certificates: &Certificates,
) -> io::Result<Server> {
    let mut options = Options::new(market);
    options.origin = wall_clock();
    options.rules = options.rules.compressed(COMPRESSION);
    options.rules.connects = options
        .rules
        .connects
        .map(|Allowance { count, per }| Allowance {
            count,
            per: per / COMPRESSION,
        });
    options.faults = match conduct {
        Conduct::Good => None,
        Conduct::Faulty(duration) => Some(faults(duration)),
    };
    let seed = seed.wrapping_mul(SESSIONS.len() as u64);
    let exchange = Exchange::new(market, options, seed.wrapping_add(number));
    Server::bind(exchange, ANYWHERE, Some(certificates))
}

/// Every fault, as many as leave time to recover from one before the next.
fn faults(duration: Duration) -> FaultPlan {
    // By then every stream has spoken; of what comes before, nobody could tell what is missing.
    let first = Duration::from_secs(2);
    let mut plan = FaultPlan::every(Duration::from_millis(1700));
    let all = Fault::catalogue().into_iter();
    plan.kinds = all.map(|fault| fault.lasting(PAUSE)).collect();
    plan.from = Time::ZERO + first;
    plan.until = Time::ZERO + duration;
    plan
}

/// The configuration, read like anybody's; the authority's certificate is in a file meanwhile.
///
/// A session asks its own exchange over REST, a poller the first of its market.
fn config<'a>(
    addresses: impl Iterator<Item = (SocketAddr, &'a SocketAddr)>,
    certificates: &Certificates,
) -> Result<Config, Failure> {
    let authority = authority_file();
    fs::write(&authority, certificates.authority())
        .map_err(|error| Failure::write(&authority.display().to_string(), error))?;
    let mut text = format!("{CONFIG}  ca_file: '{}'\nsessions:\n", authority.display());
    let mut desks = BTreeMap::new();
    for ((name, market), (address, desk)) in SESSIONS.iter().zip(addresses) {
        desks.entry(market).or_insert(desk);
        let endpoints = format!("{{websocket: 'wss://{address}', rest: 'https://{desk}'}}");
        // Writing to memory cannot fail.
        let _written = writeln!(text, "  {name}: {endpoints}");
    }
    text.push_str("markets:\n");
    for (market, desk) in desks {
        let _written = writeln!(text, "  {market}: {{rest: 'https://{desk}'}}");
    }
    let config = Config::from_text("demo", &text);
    let removed = fs::remove_file(&authority);
    removed.map_err(|error| Failure::write(&authority.display().to_string(), error))?;
    Ok(config?)
}

fn authority_file() -> PathBuf {
    let name = format!("marketprism-demo-{}.pem", std::process::id());
    std::env::temp_dir().join(name)
}
