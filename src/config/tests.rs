use marketprism_core::market::Channel;

use super::*;

const COLLECT: &str = "collect:
  - market: okx
    instruments: [BTC-USDT]
    channels: [trades]
";

fn sentence(text: &str) -> String {
    match Config::parse(text) {
        Ok(_) => "accepted".to_owned(),
        Err(flaw) => flaw.in_file(Path::new("file.yaml")).to_string(),
    }
}

/// The sentence about what stands below a valid `collect`, which takes four lines.
fn below(text: &str) -> String {
    sentence(&format!("{COLLECT}{text}"))
}

/// What the file as a whole and `collect` may be told.
const WHOLE: &[(&str, &str)] = &[
    (
        "",
        "file.yaml:1:1: the file is empty; it must hold a mapping with the key `collect`",
    ),
    (
        "# nothing\n",
        "file.yaml:1:1: the file is empty; it must hold a mapping with the key `collect`",
    ),
    (
        "just words",
        "file.yaml:1:1: the file must be a mapping of collect, settings, markets, sessions, sink, runtime, rest_connections, login, unlisted, not `just words`",
    ),
    (
        "- a\n- b",
        "file.yaml:1:1: the file must be a mapping of collect, settings, markets, sessions, sink, runtime, rest_connections, login, unlisted, not a list",
    ),
    (
        "settings: {}\n",
        "file.yaml:1:1: the file needs the key `collect`",
    ),
    (
        "collect:\n",
        "file.yaml:1:1: the file needs the key `collect`",
    ),
    (
        "colect: []\n",
        "file.yaml:1:1: `colect` is not a key (did you mean `collect`?); allowed: collect, settings, markets, sessions, sink, runtime, rest_connections, login, unlisted",
    ),
    (
        "collect: []\n",
        "file.yaml:1:10: `collect` must not be an empty list",
    ),
    (
        "collect: 5\n",
        "file.yaml:1:10: `collect` must be a list, not `5`",
    ),
    (
        "collect:\n  - okx\n",
        "file.yaml:2:5: `collect[0]` must be a mapping of market, instruments, channels, lines, not `okx`",
    ),
    (
        "collect:\n  - market: okx\n",
        "file.yaml:2:5: `collect[0]` needs the key `channels`",
    ),
    (
        "collect: [{market: kraken, instruments: [A], channels: [b]}]\n",
        "file.yaml:1:20: `collect[0].market` cannot be `kraken`; allowed: binance-spot, binance-usdm, binance-coinm, okx",
    ),
    (
        "collect: [{market: binance, instruments: [A], channels: [b]}]\n",
        "file.yaml:1:20: `collect[0].market` cannot be `binance`; allowed: binance-spot, binance-usdm, binance-coinm, okx",
    ),
    (
        "collect: [{market: okx, instruments: [A], channels: [trade]}]\n",
        "file.yaml:1:54: `collect[0].channels[0]` cannot be `trade` (did you mean `trades`?); allowed: trades, trades-all, books, books5, books50-l2-tbt, books-l2-tbt, bbo-tbt, tickers, index-tickers, funding-rate, mark-price, price-limit, open-interest, liquidation-orders, instruments, orders, account, positions, balance_and_position, fills, candleBAR, mark-price-candleBAR, index-candleBAR",
    ),
    (
        "collect: [{market: binance-spot, channels: [userData]}]\n",
        "file.yaml:1:10: `collect` has `userData` of binance-spot, which is served to holders of keys; say under `login.binance` where they are",
    ),
    (
        "collect: [{market: okx, channels: [orders], lines: 2}]\n",
        "file.yaml:1:52: `collect[0].lines` cannot be 2: the messages of orders have no numbers that are the same on every connection, so nothing tells a repetition of the other line from a new message",
    ),
    (
        "collect: [{market: okx, instruments: [A-B], channels: [trades, tickers], lines: 2}]\n",
        "file.yaml:1:81: `collect[0].lines` cannot be 2: the messages of tickers have no numbers that are the same on every connection, so nothing tells a repetition of the other line from a new message",
    ),
    (
        "collect: [{market: okx, instruments: [BTC USDT], channels: [trades]}]\n",
        "file.yaml:1:39: `collect[0].instruments[0]` is no instrument: `BTC USDT` cannot be the name of an instrument on okx",
    ),
    (
        "collect: [{market: okx, instruments: BTC-USDT, channels: [trades]}]\n",
        "file.yaml:1:38: `collect[0].instruments` must be a list, not `BTC-USDT`",
    ),
    (
        "collect: [{market: okx, market: okx}]\n",
        "file.yaml:1:25: the key `market` stood on line 1 already",
    ),
];

#[test]
fn every_error_names_place_key_and_what_is_allowed() {
    for &(text, expected) in WHOLE {
        assert_eq!(sentence(text), expected, "{text}");
    }
}

#[test]
fn settings_are_checked_one_by_one() {
    let millis = "must be a whole number of milliseconds from 1 to 2592000000, not";
    let url = "must be wss://HOST[:PORT][/PATH] or ws://HOST[:PORT][/PATH], not";
    let table = [
        ("settings: {timers: {conect: 5}}", "5:21: `conect` is not a key of `settings.timers` (did you mean `connect`?); allowed: connect, upgrade, probe, silence, data, close, retry, retry_cap, retry_after_cap, stable, rotate, ack, settle, first_data, stream_silence_floor, stream_silence_cap, stream_retry, stream_retry_cap, quarantine, quarantine_cap, stream_stable".to_owned()),
        ("settings: {timers: {connect: 0}}", format!("5:30: `settings.timers.connect` {millis} `0`")),
        ("settings: {timers: {connect: -5}}", format!("5:30: `settings.timers.connect` {millis} `-5`")),
        ("settings: {timers: {connect: 1.5}}", format!("5:30: `settings.timers.connect` {millis} `1.5`")),
        ("settings: {timers: {connect: 5s}}", format!("5:30: `settings.timers.connect` {millis} `5s`")),
        ("settings: {timers: {connect: off}}", format!("5:30: `settings.timers.connect` {millis} `off`")),
        ("settings: {timers: {connect: 99999999999999999999}}", format!("5:30: `settings.timers.connect` {millis} `99999999999999999999`")),
        ("settings: {timers: {connect: [5]}}", format!("5:30: `settings.timers.connect` {millis} a list")),
        ("settings: {timers: {data: never}}", "5:27: `settings.timers.data` must be `off` or a whole number of milliseconds from 1 to 2592000000, not `never`".to_owned()),
        ("settings: {timers: {probe: 40000}}", "5:20: session `okx-public-1`: `probe` (40000 ms) must be shorter than `silence` (30000 ms)".to_owned()),
        ("settings: {timers: {probe: 111}}", "5:20: session `okx-public-1`: `probe` (111 ms) would spend the quota `frames` (10 in 1000 ms) on pings and leave nothing for requests".to_owned()),
        ("settings: {limits: {frames: {count: 2, per: 20000}}}", "5:20: session `okx-public-1`: `probe` (20000 ms) would spend the quota `frames` (2 in 20000 ms) on pings and leave nothing for requests".to_owned()),
        ("settings: {timers: {probe: 112}}", "accepted".to_owned()),
        ("settings: {limits: {frames: {count: 3, per: 20000}}}", "accepted".to_owned()),
        ("settings: {websocket: localhost}", format!("5:23: `settings.websocket` {url} `localhost`")),
        ("settings: {websocket: 'wss://user:secret@host/'}", format!("5:23: `settings.websocket` {url} `wss://user:secret@host/`")),
        ("settings: {rest: 'wss://host'}", "5:18: `settings.rest` must be https://HOST[:PORT][/PATH] or http://HOST[:PORT][/PATH], not `wss://host`".to_owned()),
        ("settings: {roots: mozilla}", "5:19: `settings.roots` cannot be `mozilla`; allowed: webpki, native".to_owned()),
        ("settings: {roots: webpki, ca_file: x}", "5:36: `settings.ca_file` does not go with `roots`: give one of the two".to_owned()),
        ("settings: {limits: {streams: 0}}", "5:30: `settings.limits.streams` must be a whole number from 1 to 1024, not `0`".to_owned()),
        ("settings: {limits: {frames: {count: 1, per: 1}}}", "5:37: `settings.limits.frames.count` must be a whole number from 2 to 1000, not `1`".to_owned()),
        ("settings: {limits: {frames: {count: 5}}}", "5:29: `settings.limits.frames` needs the key `per`".to_owned()),
        ("markets: {kraken: {}}", "5:10: `markets` cannot be `kraken`; allowed: binance-spot, binance-usdm, binance-coinm, okx".to_owned()),
        ("sessions: {okx-public-2: {}}", "5:12: `okx-public-2` is not a session of this plan; allowed: okx-public-1".to_owned()),
        ("sessions: {okx-public-1: {limits: {streams: 5}}}", "5:36: `streams` is not a key of `sessions.okx-public-1.limits`; allowed: request_bytes, frames, requests, dials".to_owned()),
        ("sink: {fil: x}", "5:8: `fil` is not a key of `sink` (did you mean `file`?); allowed: file, buffer_bytes, block".to_owned()),
        ("sink: {buffer_bytes: 1}", "5:22: `sink.buffer_bytes` must be a whole number from 65536 to 1073741824, not `1`".to_owned()),
        ("runtime: async-std", "5:10: `runtime` cannot be `async-std`; allowed: tokio, mio".to_owned()),
        ("runtime: moi", "5:10: `runtime` cannot be `moi` (did you mean `mio`?); allowed: tokio, mio".to_owned()),
        ("runtime: tokyo", "5:10: `runtime` cannot be `tokyo` (did you mean `tokio`?); allowed: tokio, mio".to_owned()),
        ("runtime: {}", "5:10: `runtime` must be one of tokio, mio, not a mapping".to_owned()),
        ("runtme: mio", "5:1: `runtme` is not a key (did you mean `runtime`?); allowed: collect, settings, markets, sessions, sink, runtime, rest_connections, login, unlisted".to_owned()),
        ("sink: stdout", "5:7: `sink` must be a mapping of file, buffer_bytes, block, not `stdout`".to_owned()),
    ];
    for (text, expected) in table {
        let told = below(text);
        assert_eq!(told.trim_start_matches("file.yaml:"), expected, "{text}");
    }
}

#[test]
fn yaml_itself_is_kept_simple() {
    let table = [
        (
            "settings: &a {}",
            "5:11: an anchor (`&name`) stands here; write the value out where it is needed",
        ),
        (
            "settings: !x {}",
            "5:11: the tag `!x` stands here; tags are not used",
        ),
        (
            "---\n{}",
            "5:1: a second document begins here; one file holds one document",
        ),
        ("{a: 1}: 2", "5:1: a key must be a plain text"),
        (
            "settings: {timers: {close: 1, close: 2}}",
            "5:31: the key `close` stood on line 5 already",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(below(text), format!("file.yaml:{expected}"), "{text}");
    }
    for text in [
        "\tcollect: x",
        "settings: [",
        "settings: {a",
        "settings: \"x",
        "a: b: c",
        "settings: *a",
    ] {
        let sentence = below(text);
        assert!(sentence.starts_with("file.yaml:"), "{text}: {sentence}");
        assert!(
            sentence.contains(": this is not YAML: "),
            "{text}: {sentence}"
        );
        assert_eq!(sentence.lines().count(), 1, "{text}: {sentence}");
    }
}

#[test]
fn what_grows_is_bounded() {
    let deep = format!("settings: {}", "[".repeat(100));
    assert_eq!(
        below(&deep),
        "file.yaml:5:26: lists and mappings nest deeper than 16 levels here"
    );
    let keys: String = (0..=1000).map(|key| format!("k{key}: 1\n")).collect();
    assert_eq!(
        sentence(&keys),
        "file.yaml:1001:1: this mapping holds more than 1000 keys"
    );
    let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n";
    assert!(sentence(bomb).contains("an anchor"));
    let instruments: String = (0..11_000).map(|number| format!("A{number}, ")).collect();
    let many = format!(
        "collect: [{{market: okx, channels: [trades, books], instruments: [{instruments}]}}]"
    );
    assert_eq!(
        sentence(&many),
        "file.yaml:1:10: `collect` asks for more than 20000 streams in all"
    );
    let long = format!("collect: {}", "x".repeat(500));
    let shown = format!("{}…", "x".repeat(60));
    assert_eq!(
        sentence(&long),
        format!("file.yaml:1:10: `collect` must be a list, not `{shown}`")
    );
}

#[test]
fn a_second_line_has_sessions_of_its_own_that_are_renewed_at_other_times() {
    let config = Config::parse(
        "collect:
  - {market: okx, instruments: [BTC-USDT, ETH-USDT], channels: [trades], lines: 2}
  - {market: okx, instruments: [BTC-USDT], channels: [tickers]}
sessions:
  okx-public-1-b: {websocket: ws://localhost:1000, timers: {rotate: 8000}}
",
    )
    .unwrap();
    let told: Vec<_> = config
        .sessions
        .iter()
        .map(|session| {
            (
                &*session.plan.name,
                session.plan.streams.len(),
                session.line,
            )
        })
        .collect();
    let expected = [("okx-public-1", 3, Line::A), ("okx-public-1-b", 2, Line::B)];
    assert_eq!(told, expected);
    let rotate = config.sessions[1].settings.connection.rotate.unwrap();
    assert_eq!(rotate.ahead, Duration::from_secs(4));
    assert_eq!(config.sessions[1].plan.endpoint.port, 1000);
}

#[test]
fn what_is_polled_stands_beside_the_sessions_with_periods_of_its_own() {
    let config = Config::parse(
        "collect:
  - market: binance-usdm
    instruments: [btcusdt]
    channels: [aggTrade, openInterest, globalLongShortAccountRatio]
settings: {polls: {open_interest: 10000}}
markets:
  binance-usdm: {rest: 'http://localhost:3001/base', polls: {ratios_after: 5000}}
rest_connections: 3
",
    )
    .unwrap();
    assert_eq!((config.sessions.len(), config.rest_connections), (1, 3));
    let [polled] = &*config.polls else {
        panic!("{:?}", config.polls);
    };
    assert_eq!(polled.plan.name, "binance-usdm-polls");
    let turns = polled.plan.streams.iter().map(|stream| {
        let turns = polled.settings.turns(stream.channel);
        format!("{stream}, {turns}")
    });
    let turns: Vec<_> = turns.collect();
    let expected = [
        "BTCUSDT openInterest, every 10 s",
        "BTCUSDT globalLongShortAccountRatio, 5 s after every 300 s",
    ];
    assert_eq!(turns, expected);
    let rest = RestUrl(&polled.settings.rest).to_string();
    assert_eq!(rest, "http://localhost:3001/base");
    polled.poller([1; 32]).unwrap();
}

#[test]
fn layers_go_from_the_broad_to_the_narrow() {
    let config = Config::parse(
        "collect:
  - {market: okx, instruments: [BTC-USDT, ETH-USDT], channels: [trades, books]}
  - {market: binance-usdm, instruments: [btcusdt], channels: [aggTrade, depth@100ms]}
settings:
  websocket: ws://localhost:1000/base
  timers: {connect: 1, close: 1, ack: 1}
markets:
  binance-usdm: {websocket: 'ws://localhost:2000', timers: {close: 2, ack: 2}}
sessions:
  binance-usdm-market-1: {rest: 'http://localhost:3001', timers: {ack: 3, rotate: off, data: off}}
sink: {file: out.ndjson, block: off}
",
    )
    .unwrap();
    let told: Vec<_> = config
        .sessions
        .iter()
        .map(|session| {
            let connection = &session.settings.connection;
            (
                &*session.plan.name,
                WebSocketUrl(&session.plan.endpoint).to_string(),
                connection.connect.as_millis(),
                connection.close.as_millis(),
                session.settings.timing.ack.as_millis(),
                connection.rotate.is_some(),
            )
        })
        .collect();
    let public = "ws://localhost:2000/public/stream".to_owned();
    let market = "ws://localhost:2000/market/stream".to_owned();
    let okx = "ws://localhost:1000/base/ws/v5/public".to_owned();
    let expected = [
        ("binance-usdm-public-1", public, 1, 2, 2, true),
        ("binance-usdm-market-1", market, 1, 2, 3, false),
        ("okx-public-1", okx, 1, 1, 1, false),
    ];
    assert_eq!(told, expected);
    let rest = |at: usize| RestUrl(&config.sessions[at].settings.rest).to_string();
    assert_eq!(rest(1), "http://localhost:3001");
    assert_eq!(rest(0), "http://localhost:2000", "where the streams are");
    assert_eq!(
        config.sink.destination,
        Destination::File("out.ndjson".into())
    );
    assert_eq!(config.sink.limits.block, Duration::ZERO);
}

#[test]
fn the_runtime_is_tokio_unless_told() {
    let runtime = |text: &str| Config::parse(&format!("{COLLECT}{text}")).unwrap().runtime;
    assert_eq!(runtime(""), Runtime::Tokio);
    assert_eq!(runtime("runtime:"), Runtime::Tokio);
    for named in Runtime::ALL {
        assert_eq!(runtime(&format!("runtime: {named}")), named);
    }
}

#[test]
fn files_that_are_no_text_are_told_apart() {
    let folder = std::env::temp_dir().join(format!("marketprism-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let refused = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = Config::read(&path).unwrap_err().to_string();
        error.replace(folder.to_str().unwrap(), "FOLDER")
    };
    assert_eq!(
        refused("latin.yaml", b"collect:\n  - \xe4"),
        "FOLDER/latin.yaml:2:5: the file is not UTF-8 from here on"
    );
    assert_eq!(
        refused("huge.yaml", &vec![b'#'; 2 << 20]),
        "FOLDER/huge.yaml: the file is larger than 1048576 bytes"
    );
    let missing = Config::read(&folder.join("missing.yaml"))
        .unwrap_err()
        .to_string();
    assert!(
        missing.contains("missing.yaml: the file cannot be read: "),
        "{missing}"
    );
    let directory = Config::read(&folder).unwrap_err().to_string();
    assert!(
        directory.ends_with(": this is a directory; a YAML file is needed"),
        "{directory}"
    );
    std::fs::write(folder.join("ca.pem"), "nothing").unwrap();
    let ca = format!("settings: {{ca_file: {}/ca.pem}}", folder.display());
    let sentence = below(&ca).replace(folder.to_str().unwrap(), "FOLDER");
    assert_eq!(
        sentence,
        "file.yaml:5:21: `settings.ca_file` cannot be used: the CA file FOLDER/ca.pem holds no certificate"
    );
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn every_key_is_in_the_documentation() {
    let page = include_str!("../../docs/CONFIG.md");
    let documented = |name: &str| page.contains(&format!("| `{name}` |"));
    for timer in timers::TIMERS {
        assert!(documented(timer.name), "{}", timer.name);
    }
    for runtime in Runtime::ALL {
        assert!(documented(runtime.name()), "{runtime}");
    }
    for market in Market::ALL {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{market}` |")));
        let row = row.unwrap();
        let offered = Channel::all().filter(|channel| market.route(*channel).is_some());
        for channel in offered {
            let named = format!("`{channel}`");
            let family = format!("`{}`", channel.family());
            assert!(
                row.contains(&family) || row.contains(&named),
                "{market} {channel}"
            );
            let speed = channel.speed().suffix();
            let quick = row.contains(&format!("`{speed}`")) || row.contains(&named);
            assert!(quick || speed.is_empty(), "{market} {channel}");
        }
    }
}

#[test]
fn the_example_of_the_documentation_is_accepted() {
    let page = include_str!("../../docs/CONFIG.md");
    let (_, rest) = page.split_once("```yaml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    // The one thing that has to exist.
    let example = example.replace("    ca_file: ca.pem\n", "");
    assert_eq!(sentence(&example), "accepted");
}

#[test]
fn line_ends_and_byte_order_marks_do_not_matter() {
    for text in [COLLECT.replace('\n', "\r\n"), format!("\u{feff}{COLLECT}")] {
        assert_eq!(sentence(&text), "accepted", "{text:?}");
    }
    assert!(sentence("collect: \0").contains("file.yaml:1:"));
}

proptest::proptest! {
    /// Whatever the text, there is an answer, and an error is one line that names the file.
    #[test]
    fn no_text_brings_the_reader_down(
        text in "([a-c:#&*!|>'\"%@`{}, \\[\\]\n\t?~-]|collect|: |- |  |\r\n|\u{e9}){0,60}"
    ) {
        let sentence = sentence(&text);
        proptest::prop_assert!(sentence.starts_with("file.yaml:"), "{}", sentence);
        proptest::prop_assert_eq!(sentence.lines().count(), 1, "{}", sentence);
    }
}

const BEHIND_A_LOGIN: &str = "collect:
  - {market: okx, instruments: [BTC-USDT], channels: [books-l2-tbt]}
";

#[test]
fn channels_behind_a_login_need_keys() {
    assert_eq!(
        sentence(BEHIND_A_LOGIN),
        "file.yaml:2:3: `collect` has `books-l2-tbt` of okx, which is served to holders of keys; say \
         under `login.okx` where they are"
    );
}

/// What is said of a secret that is described like this.
fn of_secret(value: &str) -> String {
    let others = "api_key: 'env:PATH', passphrase: 'env:PATH'";
    sentence(&format!(
        "{BEHIND_A_LOGIN}login: {{okx: {{{others}, secret_key: '{value}'}}}}\n"
    ))
}

#[test]
fn a_secret_is_named_by_its_place() {
    let folder = std::env::temp_dir();
    let file = folder.join(format!("marketprism-secret-{}", std::process::id()));
    std::fs::write(&file, "hush\r\n").unwrap();
    let place = format!("file:{}", file.display());
    assert_eq!(of_secret(&place), "accepted");
    let text = format!(
        "{BEHIND_A_LOGIN}login: {{okx: {{api_key: '{place}', secret_key: '{place}', passphrase: '{place}'}}}}"
    );
    let keys = Config::parse(&text).unwrap().keys.okx.unwrap();
    assert_eq!(keys.secret_key.reveal(), "hush");
    for (content, complaint) in [
        (vec![], "leads to an empty secret"),
        (
            vec![b'x'; 4097],
            "cannot be read: it is larger than 4096 bytes",
        ),
        (
            vec![0xff],
            "cannot be read: stream did not contain valid UTF-8",
        ),
    ] {
        std::fs::write(&file, content).unwrap();
        let sentence = of_secret(&place);
        assert!(sentence.ends_with(complaint), "{sentence}");
    }
    std::fs::remove_file(&file).unwrap();
    let sentence = of_secret(&place);
    assert!(
        sentence.contains("`login.okx.secret_key` names the file"),
        "{sentence}"
    );
    assert_eq!(of_secret("env:PATH"), "accepted");
    assert!(of_secret("env:NO_SUCH_VARIABLE_HERE").ends_with(
        "`login.okx.secret_key` names the environment variable `NO_SUCH_VARIABLE_HERE`, which is not set"
    ));
}

/// What is said of keys on Binance that are described like this.
fn of_binance(keys: &str) -> String {
    sentence(&format!(
        "{BEHIND_A_LOGIN}login: {{okx: {{api_key: 'env:PATH', passphrase: 'env:PATH', secret_key: 'env:PATH'}}, binance: {{{keys}}}}}"
    ))
}

#[test]
fn keys_of_binance_sign_in_one_way() {
    let file = std::env::temp_dir().join(format!("marketprism-pem-{}", std::process::id()));
    std::fs::write(
        &file,
        "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n",
    )
    .unwrap();
    let private = format!(
        "api_key: 'env:PATH', private_key: 'file:{}'",
        file.display()
    );
    let sentence = of_binance(&private);
    assert!(
        sentence.ends_with(
            "`login.binance.private_key` leads to no Ed25519 key; PKCS#8 in PEM is needed"
        ),
        "{sentence}"
    );
    assert!(!sentence.contains("hush"), "{sentence}");
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
    std::fs::write(&file, pem).unwrap();
    assert_eq!(of_binance(&private), "accepted");
    assert_eq!(
        of_binance("api_key: 'env:PATH', secret_key: 'env:PATH'"),
        "accepted"
    );
    let both = of_binance(&format!("{private}, secret_key: 'env:PATH'"));
    assert!(
        both.ends_with(
            "`login.binance.private_key` does not go with `secret_key`: a key signs in one way"
        ),
        "{both}"
    );
    assert!(
        of_binance("api_key: 'env:PATH'").ends_with(
            "`login.binance` needs `secret_key` (of a key that signs by HMAC) or `private_key` (by Ed25519)"
        )
    );
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn a_secret_in_the_configuration_is_refused_and_not_repeated() {
    for secret in [
        "abcdef0123456789",
        "vault:abcdef0123456789",
        "{a: abcdef0123456789}",
    ] {
        let sentence = of_secret(secret);
        assert!(!sentence.contains("abcdef"), "{sentence}");
        assert!(
            sentence.ends_with(
                "`login.okx.secret_key` must be `env:NAME` or `file:PATH`; the secret itself does not belong here"
            ),
            "{sentence}"
        );
    }
}
