//! The collector: command line, configuration, sinks, the exchange twin and the demo.
//!
//! The core decides and the shell moves bytes; this crate alone knows files and terminals.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod audit;
pub mod check;
pub mod cli;
mod collector;
pub mod config;
pub mod decode;
pub mod demo;
mod failure;
mod host;
pub mod ledger;
mod lines;
mod listing;
mod merge;
mod ndjson;
pub mod record;
pub mod replay;
mod resume;
pub mod run;
mod runtime;
mod secret;
mod shell;
mod signal;
mod signer;
pub mod sink;
pub mod twin;
pub mod twins;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use cli::{Command, Unparsed};
use decode::Keeping;
use demo::{Demo, Faults};
pub use failure::Failure;
use marketprism_core::market::Market;
use replay::Print;
pub use shell::Runtime;
use twin::Fault;
use twins::Twins;

/// The whole program: arguments in (the first is the program's name), exit code out.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command = match cli::parse(arguments) {
        Ok(arguments) => run(&arguments.command),
        Err(Unparsed::Asked(text)) => print(&text),
        Err(Unparsed::Misuse(sentence)) => Err(Failure::Arguments(sentence)),
    };
    match command {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // With standard error closed, the exit code is all that is left to tell.
            let _told = writeln!(io::stderr(), "marketprism: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Demo(arguments) => demo::run(demo_of(arguments)),
        Command::Run(plan) => run::run(&plan.config),
        Command::Record(record) => run::record(&record.config, &record.log),
        Command::Replay(replay) => replay::run(&replay.file, print_of(replay)),
        Command::Check(plan) => check::run(&plan.config),
        Command::Twin(arguments) => twins::run(&twins_of(arguments)),
        Command::Ledger(arguments) => ledger::run(&arguments.place, form_of(arguments)),
        Command::Decode(arguments) => {
            let keeping = keeping_of(arguments);
            decode::run(
                arguments.market,
                keeping.as_ref(),
                arguments.file.as_deref(),
            )
        }
    }
}

fn keeping_of(arguments: &cli::Decode) -> Option<Keeping> {
    let keep = |levels| Keeping {
        levels,
        snapshots: arguments.snapshot.clone(),
    };
    arguments.books.map(keep)
}

fn demo_of(arguments: &cli::Demo) -> Demo {
    Demo {
        duration: Duration::from_secs(arguments.seconds),
        seed: arguments.seed,
        faults: if arguments.no_faults {
            Faults::None
        } else {
            Faults::Strike
        },
        runtime: arguments.runtime,
    }
}

const fn print_of(arguments: &cli::Replay) -> Print {
    if arguments.quiet {
        Print::Nothing
    } else {
        Print::Events
    }
}

const fn form_of(arguments: &cli::Ledger) -> ledger::Form {
    if arguments.json {
        ledger::Form::Json
    } else {
        ledger::Form::Table
    }
}

fn twins_of(arguments: &cli::Twin) -> Twins {
    let markets = match &*arguments.markets {
        [] => Market::ALL.to_vec(),
        markets => markets.to_vec(),
    };
    Twins {
        markets,
        address: arguments.address,
        port: arguments.port,
        authority: arguments.tls_ca.clone(),
        seed: arguments.seed,
        faults: arguments.faults_every.map(Duration::from_millis),
        kinds: match &*arguments.kinds {
            [] => Fault::catalogue(),
            kinds => kinds.to_vec(),
        },
        fault_count: arguments.fault_count.unwrap_or(u64::MAX),
        pace: arguments.pace.map(Duration::from_micros),
        duration: arguments.seconds.map(Duration::from_secs),
        ledger: arguments.ledger.clone(),
    }
}

fn print(text: &str) -> Result<(), Failure> {
    let written = io::stdout().write_all(text.as_bytes());
    written.map_err(|error| Failure::write("standard output", error))
}

/// The example of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
