//! `marketprism run`: collects until it is told to stop.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use marketprism_core::session::Session;
use marketprism_tokio::Driver;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use crate::collector::{self, Collector, random_seed};
use crate::config::Config;
use crate::failure::Failure;
use crate::runtime;
use crate::signal::Signals;
use crate::sink::Written;

/// Collects what a configuration names.
///
/// # Errors
///
/// The configuration is refused, the sink fails, or a second signal cuts the end short.
pub fn run(file: &Path) -> Result<(), Failure> {
    let config = Config::read(file)?;
    let runtime = runtime::start()?;
    let result = runtime.block_on(collect(config));
    // A writer that is stuck must not hold up a user who has given up on it.
    runtime.shutdown_background();
    result
}

async fn collect(config: Config) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let mut driver = collector::driver(&config.sessions, random_seed)?;
    let wake = Arc::new(Notify::new());
    let zero = collector::clock_zero(&driver);
    let mut collector = Collector::open(&config.sessions, config.sink, zero, Arc::clone(&wake))?;
    driver.start();
    tell(&format_args!("collecting, Ctrl-C stops"));
    let listened = listen(&mut driver, &mut collector, &wake, &mut signals).await;
    let written = finish(collector, &mut signals).await?;
    tell(&format_args!("stopped, {} bytes written", written.bytes));
    listened
}

/// Turns the driver until every session has stopped: because of a signal, or because the sink is
/// gone.
async fn listen(
    driver: &mut Driver<Session>,
    collector: &mut Collector,
    wake: &Notify,
    signals: &mut Signals,
) -> Result<(), Failure> {
    let mut asked = Asked::Nothing;
    while !driver.stopped() {
        tokio::select! {
            biased;
            () = signals.next() => match asked {
                Asked::Nothing => {
                    asked = Asked::Stop;
                    driver.stop();
                }
                Asked::Stop => return Err(given_up()),
            },
            () = wake.notified() => collector.settle(),
            () = turn(driver, collector) => {}
        }
        if collector.is_broken() && asked == Asked::Nothing {
            asked = Asked::Stop;
            driver.stop();
        }
    }
    Ok(())
}

async fn turn(driver: &mut Driver<Session>, collector: &mut Collector) {
    driver
        .turn(&mut |id, heard| collector.event(id, &heard))
        .await;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Nothing,
    Stop,
}

/// Waits for the writer, but not beyond a signal.
async fn finish(collector: Collector, signals: &mut Signals) -> Result<Written, Failure> {
    let closing = spawn_blocking(move || collector.close());
    tokio::select! {
        biased;
        closed = closing => match closed {
            Ok(closed) => Ok(closed?),
            Err(error) => Err(Failure::Io(format!("the writer died: {error}"))),
        },
        () = signals.next() => Err(given_up()),
    }
}

fn given_up() -> Failure {
    Failure::Io("stopped by a second signal before everything was written".to_owned())
}

/// A word for people; standard output belongs to the events.
fn tell(message: &dyn std::fmt::Display) {
    // With standard error closed there is nobody to tell.
    let _told = writeln!(io::stderr(), "marketprism: {message}");
}
