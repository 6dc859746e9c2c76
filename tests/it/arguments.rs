//! Arguments and configurations: one plain sentence for what is wrong, and exit code 2.

use crate::program::{Scratch, program, text};

/// The exit code and what stands on standard error.
fn told(arguments: &[&str]) -> (Option<i32>, String) {
    let output = program().args(arguments).output().unwrap();
    assert!(output.stdout.is_empty(), "{arguments:?}");
    (output.status.code(), text(&output.stderr).to_owned())
}

#[test]
fn arguments_that_make_no_sense_are_told_in_one_sentence() {
    let table: &[(&[&str], &str)] = &[
        (&[], "a command is missing; allowed: COMMANDS"),
        (
            &["chek"],
            "`chek` is not a command (did you mean `check`?); allowed: COMMANDS",
        ),
        (&["run"], "<CONFIG> is missing; see --help"),
        (
            &["run", "a", "b"],
            "`b` is not an argument here; see --help",
        ),
        (
            &["--bogus"],
            "`--bogus` is not an argument here; see --help",
        ),
        (&["decode"], "--market <MARKET> is missing; see --help"),
        (
            &["decode", "--market"],
            "`--market <MARKET>` needs a value; allowed: binance-spot, binance-usdm, binance-coinm, okx",
        ),
        (
            &["decode", "--market", "kraken"],
            "`--market <MARKET>` cannot be `kraken`; allowed: binance-spot, binance-usdm, binance-coinm, okx",
        ),
        (
            &["demo", "--runtime", "moi"],
            "`--runtime <RUNTIME>` cannot be `moi`; allowed: tokio, mio",
        ),
        (
            &["decode", "--markt", "okx"],
            "`--markt` is not an argument here (did you mean `--market`?); see --help",
        ),
        (
            &["twin", "--faults-every", "900", "--fault", "resett"],
            "`--fault <NAME>` cannot be `resett`; unknown fault (did you mean `reset`?)",
        ),
    ];
    for (arguments, sentence) in table {
        let sentence = sentence.replace(
            "COMMANDS",
            "demo, run, record, replay, check, twin, ledger, decode",
        );
        let expected = format!("marketprism: {sentence}\n");
        assert_eq!(told(arguments), (Some(2), expected), "{arguments:?}");
    }
}

#[test]
fn help_and_version_are_no_errors() {
    for arguments in [
        &["--help"][..],
        &["run", "--help"],
        &["decode", "-h"],
        &["--version"],
    ] {
        let output = program().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(
            !output.stdout.is_empty() && output.stderr.is_empty(),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_configuration_that_is_refused_is_told_with_file_line_and_column() {
    let scratch = Scratch::new();
    let path = scratch.write(
        "c.yaml",
        "collect:\n  - market: okx\n    instrument: [BTC-USDT]\n",
    );
    let file = path.to_str().unwrap();
    let sentence = format!(
        "marketprism: {file}:3:5: `instrument` is not a key of `collect[0]` (did you mean \
         `instruments`?); allowed: market, instruments, channels, lines\n"
    );
    for command in ["check", "run"] {
        assert_eq!(told(&[command, file]), (Some(2), sentence.clone()));
    }
}

#[test]
fn check_prints_the_plan() {
    let scratch = Scratch::new();
    let config = "collect:
  - {market: binance-spot, instruments: [BTCUSDT, ETHUSDT], channels: [trade, depth]}
  - {market: binance-usdm, instruments: [BTCUSDT, ETHUSDT], channels: [aggTrade, depth]}
  - {market: okx, instruments: [BTC-USDT, BTC-USDT-SWAP], channels: [trades, books]}
";
    let path = scratch.write("c.yaml", config);
    let output = program().arg("check").arg(path).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let plan = text(&output.stdout);
    let expected = [
        "4 sessions, 12 streams\n",
        "\nbinance-spot-1\n  url       wss://stream.binance.com/stream\n",
        "\nbinance-usdm-public-1\n  url       wss://fstream.binance.com/public/stream\n",
        "\nbinance-usdm-market-1\n  url       wss://fstream.binance.com/market/stream\n",
        "\nokx-public-1\n  url       wss://ws.okx.com/ws/v5/public\n",
        "            BTC-USDT-SWAP books\n",
        "\nsink\n  to        standard output\n",
        "\nruntime     tokio\n",
    ];
    for part in expected {
        assert!(plan.contains(part), "{part:?} is missing in\n{plan}");
    }
}
