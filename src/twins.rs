//! `marketprism twin`: the exchange twins for any other client.

mod account;

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use marketprism_core::market::Market;
use marketprism_core::{Time, UnixNanos};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::failure::Failure;
use crate::host::Host;
use crate::runtime;
use crate::signal::Signals;
use crate::sink::Destination;
use crate::twin::{Certificates, Exchange, Fault, FaultPlan, Options, Server, wall_clock};
use account::Account;

/// How often the ledgers are read.
const TICK: Duration = Duration::from_millis(200);

/// No fault before clients have had time to connect.
const FIRST_FAULT: Duration = Duration::from_secs(2);

/// What to serve, and how.
#[derive(Clone, Debug)]
pub struct Twins {
    /// The markets, a twin for each; a market named twice has two.
    pub markets: Vec<Market>,
    /// Where to listen.
    pub address: IpAddr,
    /// The port of the first one, the others follow; 0 lets the system choose each.
    pub port: u16,
    /// Serve TLS, and write the authority's certificate here.
    pub authority: Option<PathBuf>,
    /// What faults and markets are drawn from.
    pub seed: u64,
    /// The time between two faults of a twin, if there are any.
    pub faults: Option<Duration>,
    /// Which.
    pub kinds: Vec<Fault>,
    /// How many faults of a twin there are at the most.
    pub fault_count: u64,
    /// The time between two changes of a book, if it is not the usual one.
    pub pace: Option<Duration>,
    /// When to stop; at a signal in any case.
    pub duration: Option<Duration>,
    /// Where to write what happened.
    pub ledger: Option<PathBuf>,
}

/// Serves until a signal or the end of the time.
///
/// # Errors
///
/// A port, a file or a certificate cannot be had.
pub fn run(twins: &Twins) -> Result<(), Failure> {
    runtime::start()?.block_on(serve(twins))
}

async fn serve(twins: &Twins) -> Result<(), Failure> {
    let asked = Arc::new(Notify::new());
    let ask = Arc::clone(&asked);
    let _signals = Signals::listen(move || ask.notify_one())?;
    let mut account = match &twins.ledger {
        Some(path) => Some(Account::open(Destination::File(path.clone()))?),
        None => None,
    };
    let certificates = certificates(twins)?;
    let origin = wall_clock();
    let servers = servers(twins, origin, certificates.as_ref())?;
    let hosts: Vec<_> = servers.into_iter().map(Host::start).collect();
    if let Some(account) = &mut account {
        for (index, market) in twins.markets.iter().enumerate() {
            account.begin(index, *market, origin)?;
        }
    }
    print_addresses(twins, &hosts)?;
    let end = twins.duration.map(|duration| Instant::now() + duration);
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = asked.notified() => break,
            () = over(end) => break,
            _ = ticks.tick() => write_account(account.as_mut(), &hosts).await?,
        }
    }
    write_account(account.as_mut(), &hosts).await?;
    for (index, host) in hosts.into_iter().enumerate() {
        if let Some(account) = &mut account {
            account.end(index, &host.ledger().await?)?;
        }
        host.stop().await?;
    }
    Ok(())
}

async fn over(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}

async fn write_account(account: Option<&mut Account>, hosts: &[Host]) -> Result<(), Failure> {
    let Some(account) = account else {
        return Ok(());
    };
    for (index, host) in hosts.iter().enumerate() {
        account.write(index, &host.ledger().await?)?;
    }
    Ok(())
}

fn certificates(twins: &Twins) -> Result<Option<Certificates>, Failure> {
    let Some(path) = &twins.authority else {
        return Ok(None);
    };
    let certificates = Certificates::generate_for(twins.address)
        .map_err(|error| Failure::Io(format!("no TLS: {error}")))?;
    let written = certificates.write_authority(path);
    written.map_err(|error| Failure::write(&path.display().to_string(), error))?;
    Ok(Some(certificates))
}

fn servers(
    twins: &Twins,
    origin: UnixNanos,
    certificates: Option<&Certificates>,
) -> Result<Vec<Server>, Failure> {
    let numbered = (0_u16..).zip(&twins.markets);
    let servers = numbered.map(|(number, market)| {
        let port = match twins.port {
            0 => Some(0),
            first => first.checked_add(number),
        };
        let Some(port) = port else {
            let sentence = "the twins need more ports than there are above the first";
            return Err(Failure::Arguments(sentence.to_owned()));
        };
        let address = SocketAddr::from((twins.address, port));
        let exchange = exchange(twins, origin, *market, u64::from(number));
        Server::bind(exchange, address, certificates)
            .map_err(|error| Failure::Io(format!("cannot listen at {address}: {error}")))
    });
    servers.collect()
}

fn exchange(twins: &Twins, origin: UnixNanos, market: Market, number: u64) -> Exchange {
    let mut options = Options::new(market);
    options.origin = origin;
    options.pace = twins.pace.unwrap_or(options.pace);
    options.faults = twins.faults.map(|mean| FaultPlan {
        from: Time::ZERO + FIRST_FAULT,
        kinds: twins.kinds.clone(),
        most: twins.fault_count,
        ..FaultPlan::every(mean)
    });
    Exchange::new(market, options, twins.seed.wrapping_add(number << 32))
}

/// One line for each twin: market, WebSocket base URL, REST base URL.
fn print_addresses(twins: &Twins, hosts: &[Host]) -> Result<(), Failure> {
    let (websocket, rest) = match twins.authority {
        Some(_) => ("wss", "https"),
        None => ("ws", "http"),
    };
    let mut stdout = io::stdout().lock();
    for (market, host) in twins.markets.iter().zip(hosts) {
        let address = host.address();
        writeln!(
            stdout,
            "{market} {websocket}://{address} {rest}://{address}"
        )
        .map_err(|error| Failure::write("standard output", error))?;
    }
    let flushed = stdout.flush();
    flushed.map_err(|error| Failure::write("standard output", error))
}
