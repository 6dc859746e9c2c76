//! The command line: what may be said, and one plain sentence for whatever may not.

use std::ffi::OsString;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};
use marketprism_core::market::Market;

use crate::config::nearest;
use crate::shell::Runtime;
use crate::twin::{Fault, UnknownFault};

/// Collects market data from Binance and OKX: one live socket per session, nothing lost silently.
#[derive(Debug, Parser)]
#[command(name = "marketprism", version, disable_help_subcommand = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the whole system on this machine: exchange twins on loopback with TLS, every session,
    /// faults striking, and a verdict at the end
    ///
    /// Exits with 0 only if no session ever had two live sockets, no socket was left in
    /// CLOSE_WAIT, every fault was recovered from, every subscription restored and every missing
    /// update reported as a gap; with 1 otherwise.
    Demo(Demo),
    /// Collect what CONFIG names, as NDJSON events to standard output or a file
    ///
    /// Ctrl-C or SIGTERM closes the sockets in good order and writes everything that was
    /// received; a second one gives up at once.
    Run(Plan),
    /// Collect like `run`, and record what the sessions are given in a log beside, to be replayed
    ///
    /// If the log cannot keep up or cannot be written, it ends, the collecting goes on, and the
    /// exit code is 1.
    Record(Record),
    /// Let the sessions of a log live again: the same events on standard output, the same digest
    ///
    /// Exits with 0 if what comes out is what came out when it was recorded, with 1 otherwise.
    Replay(Replay),
    /// Validate CONFIG and print the plan: sessions, URLs, subscriptions, budgets
    Check(Plan),
    /// Serve the exchange twins for any other client, until Ctrl-C
    ///
    /// Prints a line for each twin: market, WebSocket base URL, REST base URL.
    Twin(Twin),
    /// Print what is complete and what is missing in collected events, per stream and day
    ///
    /// Exits with 0 if every gap is told and explained in the events themselves, with 1 otherwise.
    Ledger(Ledger),
    /// Turn raw exchange messages, one a line, into NDJSON events
    ///
    /// At the end one JSON line on standard error counts the messages, events, control messages
    /// (acknowledgements, notices, pongs), unknown messages and errors.
    Decode(Decode),
}

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// How long faults strike: seconds, from 3 to 86400
    #[arg(long, value_name = "N", default_value_t = 30,
          value_parser = |text: &str| seconds(text, 3))]
    pub seconds: u64,
    /// What the faults and the market are drawn from
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = whole::<u64>)]
    pub seed: u64,
    /// Let the twins behave
    #[arg(long)]
    pub no_faults: bool,
    /// What drives the sessions
    #[arg(long, value_name = "RUNTIME", default_value_t, value_parser = runtime())]
    pub runtime: Runtime,
}

/// Arguments of `run` and `check`.
#[derive(Debug, clap::Args)]
pub struct Plan {
    /// The YAML file that says what to collect
    pub config: PathBuf,
}

/// Arguments of `record`.
#[derive(Debug, clap::Args)]
pub struct Record {
    /// The YAML file that says what to collect
    pub config: PathBuf,
    /// The log to write, which must not exist yet
    #[arg(long, value_name = "FILE")]
    pub log: PathBuf,
}

/// Arguments of `replay`.
#[derive(Debug, clap::Args)]
pub struct Replay {
    /// The log to replay
    pub file: PathBuf,
    /// Print no events
    #[arg(long)]
    pub quiet: bool,
}

/// Arguments of `twin`.
#[derive(Debug, clap::Args)]
pub struct Twin {
    /// A market to serve; each time it is given, another twin [default: each market once]
    #[arg(long = "market", value_name = "MARKET", value_parser = market())]
    pub markets: Vec<Market>,
    /// The address to listen at
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub address: IpAddr,
    /// The port of the first market, the others follow; 0 lets the system choose each
    #[arg(long, value_name = "PORT", default_value_t = 0, value_parser = whole::<u16>)]
    pub port: u16,
    /// Serve TLS, and write the certificate authority that clients must trust to FILE
    #[arg(long, value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,
    /// What the faults and the market are drawn from
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = whole::<u64>)]
    pub seed: u64,
    /// Let a fault strike each twin every MS milliseconds, on average [default: none]
    #[arg(long, value_name = "MS", value_parser = whole::<u64>)]
    pub faults_every: Option<u64>,
    /// Let only this fault strike; each time it is given, another one (docs/FAULTS.md has the names)
    /// [default: all]
    #[arg(long = "fault", value_name = "NAME", requires = "faults_every", value_parser = fault)]
    pub kinds: Vec<Fault>,
    /// Let no more than so many faults strike each twin [default: no end]
    #[arg(long, value_name = "N", requires = "faults_every", value_parser = whole::<u64>)]
    pub fault_count: Option<u64>,
    /// Change each book every US microseconds, on average [default: 50000]
    #[arg(long, value_name = "US", value_parser = whole::<u64>)]
    pub pace: Option<u64>,
    /// Stop after so many seconds, from 1 to 86400 [default: at Ctrl-C]
    #[arg(long, value_name = "N", value_parser = |text: &str| seconds(text, 1))]
    pub seconds: Option<u64>,
    /// Write each fault and each omitted update to FILE, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
}

/// Arguments of `ledger`.
#[derive(Debug, clap::Args)]
pub struct Ledger {
    /// A file that `run` has written, or a folder of them: all with `.ndjson` in their names
    pub place: PathBuf,
    /// Print one JSON object a line, for each stream and day
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `decode`.
#[derive(Debug, clap::Args)]
pub struct Decode {
    /// Where the messages come from
    #[arg(long, value_name = "MARKET", value_parser = market())]
    pub market: Market,
    /// Keep the order books, and print the best level of each side, or so many, after each change
    #[arg(long, value_name = "LEVELS", num_args = 0..=1, require_equals = true, default_missing_value = "1")]
    pub books: Option<usize>,
    /// Snapshots of an instrument, one a line, as the venue answers over REST; may be repeated
    #[arg(long, value_name = "INSTRUMENT=FILE", requires = "books", value_parser = snapshot)]
    pub snapshot: Vec<(String, PathBuf)>,
    /// The file to read [default: standard input]
    pub file: Option<PathBuf>,
}

fn snapshot(argument: &str) -> Result<(String, PathBuf), &'static str> {
    match argument.split_once('=') {
        Some((instrument, file)) if !instrument.is_empty() && !file.is_empty() => {
            Ok((instrument.to_owned(), file.into()))
        }
        Some(_) | None => Err("it has to be INSTRUMENT=FILE"),
    }
}

fn market() -> impl TypedValueParser<Value = Market> {
    PossibleValuesParser::new(Market::ALL.map(Market::name)).try_map(|name| name.parse::<Market>())
}

fn runtime() -> impl TypedValueParser<Value = Runtime> {
    PossibleValuesParser::new(Runtime::ALL.map(Runtime::name)).try_map(|name| {
        let mut all = Runtime::ALL.into_iter();
        all.find(|runtime| runtime.name() == name)
            .ok_or("there is no such runtime")
    })
}

fn fault(text: &str) -> Result<Fault, String> {
    text.parse().map_err(|error: UnknownFault| {
        let names: Vec<_> = Fault::catalogue().into_iter().map(Fault::name).collect();
        match nearest(text, names.iter().map(String::as_str)) {
            Some(name) => format!("{error} (did you mean `{name}`?)"),
            None => format!("{error}; docs/FAULTS.md has the names"),
        }
    })
}

fn seconds(text: &str, least: u64) -> Result<u64, String> {
    const MOST: u64 = 86_400;
    match text.parse() {
        Ok(seconds) if (least..=MOST).contains(&seconds) => Ok(seconds),
        Ok(_) | Err(_) => Err(format!("allowed: whole seconds from {least} to {MOST}")),
    }
}

fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| {
        let bits = 8 * size_of::<T>();
        format!("allowed: whole numbers of {bits} bits")
    })
}

/// Why there are no [`Arguments`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unparsed {
    /// Help or the version was asked for; this is the text.
    Asked(String),
    /// The arguments make no sense; this is the sentence that says why.
    Misuse(String),
}

/// Reads the arguments; the first is the program's name.
///
/// # Errors
///
/// [`Unparsed`] with what is to be printed instead.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Arguments, Unparsed> {
    Arguments::try_parse_from(arguments).map_err(|error| {
        let asked = [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion];
        if asked.contains(&error.kind()) {
            Unparsed::Asked(error.render().to_string())
        } else {
            Unparsed::Misuse(Sentence(&error).to_string())
        }
    })
}

/// A refusal by clap in one sentence: what is wrong, and what is allowed.
struct Sentence<'a>(&'a clap::Error);

impl Sentence<'_> {
    fn text(&self, kind: ContextKind) -> Option<String> {
        let value = self.0.get(kind)?;
        if let ContextValue::String(text) = value {
            Some(text.clone())
        } else if let ContextValue::Strings(texts) = value {
            Some(texts.join(", "))
        } else {
            None
        }
    }

    fn named(&self, kind: ContextKind) -> String {
        self.text(kind).unwrap_or_else(|| "an argument".to_owned())
    }

    fn allowed(&self) -> String {
        let values = self
            .text(ContextKind::ValidValue)
            .or_else(|| self.text(ContextKind::ValidSubcommand));
        values.map_or_else(String::new, |values| format!("; allowed: {values}"))
    }

    fn hint(&self) -> String {
        let suggestions = [
            ContextKind::SuggestedSubcommand,
            ContextKind::SuggestedArg,
            ContextKind::SuggestedValue,
        ];
        suggestions
            .into_iter()
            .find_map(|kind| self.text(kind))
            .map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
    }

    fn reason(&self) -> String {
        let source = std::error::Error::source(self.0);
        source.map_or_else(String::new, |source| format!("; {source}"))
    }
}

impl fmt::Display for Sentence<'_> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "clap may add kinds; its own first line does for those that are not named"
    )]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (allowed, hint) = (self.allowed(), self.hint());
        let argument = self.named(ContextKind::InvalidArg);
        let value = self.text(ContextKind::InvalidValue).unwrap_or_default();
        match self.0.kind() {
            ErrorKind::InvalidSubcommand => {
                let name = self.named(ContextKind::InvalidSubcommand);
                write!(f, "`{name}` is not a command{hint}{COMMANDS}")
            }
            ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                write!(f, "a command is missing{COMMANDS}")
            }
            ErrorKind::UnknownArgument => {
                write!(f, "`{argument}` is not an argument here{hint}; see --help")
            }
            ErrorKind::InvalidValue if value.is_empty() => {
                write!(f, "`{argument}` needs a value{allowed}")
            }
            ErrorKind::InvalidValue => {
                write!(f, "`{argument}` cannot be `{value}`{hint}{allowed}")
            }
            ErrorKind::ValueValidation => {
                write!(f, "`{argument}` cannot be `{value}`{}", self.reason())
            }
            ErrorKind::MissingRequiredArgument => {
                write!(f, "{argument} is missing; see --help")
            }
            ErrorKind::ArgumentConflict => {
                write!(
                    f,
                    "`{argument}` is given twice or does not go with the rest; see --help"
                )
            }
            _ => write!(f, "{}", FirstLine(&self.0.to_string())),
        }
    }
}

const COMMANDS: &str = "; allowed: demo, run, record, replay, check, twin, ledger, decode";

/// What clap itself says, without its prefix, usage and tips.
struct FirstLine<'a>(&'a str);

impl fmt::Display for FirstLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.0.lines().next().unwrap_or_default();
        f.write_str(line.trim_start_matches("error: "))
    }
}
