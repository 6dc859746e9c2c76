//! Accounts of all four markets, over real sockets: what they are told is collected, a key that
//! runs out in the middle is got anew, and no secret is anywhere but on its way to the venue.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use marketprism::Runtime;
use marketprism::twin::{Exchange, Ledger, Options, Server, wall_clock};
use marketprism_core::market::Market;
use serde_json::Value;

use crate::collect::{Twin, interrupt, wait_until};
use crate::program::{Scratch, on_each_runtime, program, text};

/// The accounts that the twins know; they say so in `src/twin/okx/login.rs`,
/// `src/twin/account.rs` and `src/twin/binance/api.rs`.
const OKX: [(&str, &str); 3] = [
    ("api_key", "twin-key"),
    ("secret_key", "twin-secret"),
    ("passphrase", "twin-passphrase"),
];
const API_KEY: &str = "twin-binance-key";
const SECRET_KEY: &str = "twin-binance-secret";
const PRIVATE_KEY: &str = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";

/// What is told of an account.
const KINDS: [&str; 4] = ["order", "fill", "balance", "position"];

/// How long a `listenKey` of the twins is good: it runs out before anybody would renew it.
const LISTEN_KEY: Duration = Duration::from_secs(4);

/// Longer than a busy machine takes.
const LIMIT: Duration = Duration::from_secs(120);

#[test]
fn accounts_of_all_markets_are_collected_and_no_secret_is_kept_anywhere() {
    on_each_runtime(collects);
}

fn twin(market: Market) -> Twin {
    Twin::serve(move || {
        let mut options = Options::new(market);
        options.origin = wall_clock();
        options.rules.listen_key = LISTEN_KEY;
        let exchange = Exchange::new(market, options, 1);
        Server::bind(exchange, "127.0.0.1:0".parse().unwrap(), None).unwrap()
    })
}

/// On one runtime the key signs by HMAC, on the other by Ed25519.
fn signing(runtime: Runtime, scratch: &Scratch) -> String {
    match runtime {
        Runtime::Tokio => place(scratch, "secret_key", SECRET_KEY),
        Runtime::Mio => {
            let pem =
                format!("-----BEGIN PRIVATE KEY-----\n{PRIVATE_KEY}\n-----END PRIVATE KEY-----");
            place(scratch, "private_key", &pem)
        }
    }
}

/// Puts a secret into a file, and says where it is.
fn place(scratch: &Scratch, name: &str, secret: &str) -> String {
    let file = scratch.write(&format!("{name}-{}", secret.len()), &format!("{secret}\n"));
    format!("{name}: 'file:{}'", file.display())
}

fn collects(runtime: Runtime) {
    let scratch = Scratch::new();
    let twins = Market::ALL.map(|market| (market, twin(market)));
    let config = configured(runtime, &scratch, &twins);
    let checked = program().arg("check").arg(&config).output().unwrap();
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    let output = record(runtime, &scratch, &config);
    let replayed = program().arg("replay").arg(scratch.path("log")).output();
    let replayed = replayed.unwrap();
    assert_eq!(
        replayed.status.code(),
        Some(0),
        "{}",
        text(&replayed.stderr)
    );
    let events = std::fs::read(scratch.path("events")).unwrap();
    assert!(
        replayed.stdout == events,
        "what is replayed is what was collected"
    );
    assert!(
        !contains(&events, r#""kind":"undecoded""#),
        "{}",
        text(&events)
    );
    let log = unpacked(&scratch.path("log"));
    for known in [
        "executionReport",
        "listenKeyExpired",
        "balance_and_position",
    ] {
        assert!(contains(&log, known), "{known} is in the log");
    }
    let places = [
        ("standard output", output.stdout),
        ("standard error", output.stderr),
        ("the plan", checked.stdout),
        ("the events", events),
        ("the log", log),
    ];
    let secrets = secrets(twins.map(|(_, twin)| twin.end()));
    for (place, bytes) in places {
        for secret in &secrets {
            assert!(
                !contains(&bytes, secret),
                "{secret} in {place} on {runtime}"
            );
        }
    }
}

/// Everything that nobody else may see, the keys that the twins have made among it.
fn secrets(ledgers: [Ledger; 4]) -> Vec<String> {
    let okx = OKX.into_iter().map(|(_, secret)| secret);
    let known = okx.chain([API_KEY, SECRET_KEY, PRIVATE_KEY]);
    let mut secrets: Vec<_> = known.map(str::to_owned).collect();
    let made = ledgers.iter().flat_map(Ledger::listen_keys).cloned();
    secrets.extend(made);
    assert!(secrets.len() >= 6 + 4, "two keys of each market of futures");
    secrets
}

/// What asks for all that accounts are told.
fn configured(runtime: Runtime, scratch: &Scratch, twins: &[(Market, Twin); 4]) -> PathBuf {
    let urls = twins.iter().map(|(market, twin)| {
        let address = twin.address;
        format!("  {}: {{websocket: 'ws://{address}'}}\n", market.name())
    });
    let urls: String = urls.collect();
    let okx = OKX.map(|(name, secret)| place(scratch, name, secret));
    let binance = [
        place(scratch, "api_key", API_KEY),
        signing(runtime, scratch),
    ];
    let text = format!(
        "collect:
  - {{market: binance-spot, channels: [userData]}}
  - {{market: binance-usdm, channels: [userData]}}
  - {{market: binance-coinm, channels: [userData]}}
  - {{market: okx, channels: [orders, fills, account, positions, balance_and_position]}}
markets:
{urls}sink: {{file: '{}'}}
login: {{okx: {{{}}}, binance: {{{}}}}}
runtime: {runtime}
",
        scratch.path("events").display(),
        okx.join(", "),
        binance.join(", ")
    );
    scratch.write("config.yaml", &text)
}

/// Collects until everything has been told.
fn record(runtime: Runtime, scratch: &Scratch, config: &Path) -> Output {
    let mut command = program();
    let command = command.arg("record").arg(config).arg("--log");
    let command = command.arg(scratch.path("log"));
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let (begun, events) = (Instant::now(), scratch.path("events"));
    wait_until(&events, |collected| {
        assert!(begun.elapsed() < LIMIT, "on {runtime}: {collected}");
        is_all_there(&lines(collected))
    });
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    output
}

fn lines(text: &str) -> Vec<Value> {
    let whole = text.lines().filter(|line| line.ends_with('}'));
    whole
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Whether each market has told everything, on the futures markets again behind the end of a key.
fn is_all_there(lines: &[Value]) -> bool {
    Market::ALL.iter().all(|market| {
        let of_market: Vec<_> = lines
            .iter()
            .filter(|line| line["market"] == market.name())
            .collect();
        let ended = of_market.iter().position(|line| line["change"] == "ended");
        let renewed = match market {
            Market::BinanceUsdm | Market::BinanceCoinm => ended.is_some(),
            Market::BinanceSpot | Market::Okx => true,
        };
        let since = of_market
            .get(ended.unwrap_or_default()..)
            .unwrap_or_default();
        renewed && kinds(*market).all(|kind| since.iter().any(|line| line["kind"] == kind))
    })
}

/// On spot nobody has positions.
fn kinds(market: Market) -> impl Iterator<Item = &'static str> {
    let all = KINDS.into_iter();
    all.filter(move |kind| market != Market::BinanceSpot || *kind != "position")
}

/// A log as it is and, behind that, all that is packed in it.
fn unpacked(log: &Path) -> Vec<u8> {
    const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    let packed = std::fs::read(log).unwrap();
    let places = packed
        .windows(4)
        .enumerate()
        .filter(|(_, bytes)| *bytes == MAGIC);
    let mut all = packed.clone();
    for (place, _) in places {
        let frame = zstd::Decoder::with_buffer(&packed[place..])
            .unwrap()
            .single_frame();
        // What only looks like a beginning ends with an error.
        let _read = { frame }.read_to_end(&mut all);
    }
    assert!(all.len() > packed.len(), "something is packed in it");
    all
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}
