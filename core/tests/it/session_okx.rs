//! Sessions with the channels of OKX, whatever they are about.

use marketprism_core::market::Market;

use crate::session_world::{World, plan_of, seconds};

/// Instruments (or indices, or types), channels, and the path of their endpoint.
const SESSIONS: [(&[&str], &[&str], &str); 4] = [
    (
        &["BTC-USDT-SWAP", "ETH-USDT-SWAP"],
        &[
            "trades",
            "books",
            "books5",
            "bbo-tbt",
            "tickers",
            "funding-rate",
            "mark-price",
            "price-limit",
            "open-interest",
        ],
        "/ws/v5/public",
    ),
    (&["BTC-USDT"], &["index-tickers"], "/ws/v5/public"),
    (
        &["SWAP", "FUTURES"],
        &["liquidation-orders", "instruments"],
        "/ws/v5/public",
    ),
    (
        &["BTC-USDT", "ETH-USDT"],
        &[
            "trades-all",
            "candle1s",
            "candle1Dutc",
            "mark-price-candle1H",
            "index-candle3M",
        ],
        "/ws/v5/business",
    ),
];

#[test]
fn streams_of_every_scope_are_confirmed_live_and_complete() {
    for (about, channels, path) in SESSIONS {
        assert_eq!(plan_of(Market::Okx, about, channels).endpoint.path, path);
        let mut world = World::new(Market::Okx, about, channels);
        world.start();
        world.run(seconds(5));
        world.expect_all_live();
        assert_eq!(world.exchange().account.requests.len(), 1);
        for stream in world.states().keys() {
            assert_eq!(world.steps(stream), ["requested", "confirmed", "live"]);
            assert!(world.count(stream) >= 9, "{stream}");
        }
        assert_eq!(world.gaps(), []);
        let statistics = world.sim.machine.statistics();
        let unheard = statistics.stray + statistics.unknown + statistics.malformed;
        assert_eq!((unheard, statistics.out_of_order), (0, 0), "{about:?}");
    }
}

#[test]
fn a_refusal_that_names_a_type_of_instrument_harms_no_other_type() {
    let mut world = World::new(Market::Okx, &["SWAP", "OPTION"], &["liquidation-orders"]);
    let wrongs = &mut world.exchange().wrongs;
    wrongs.refused.insert("liquidation-orders:OPTION".into());
    wrongs.names_refused = true;
    wrongs.hides_id = true;
    world.start();
    world.run(seconds(5));
    let refused = world.steps("OPTION liquidation-orders");
    assert_eq!(refused, ["requested", "refused"]);
    let live = world.steps("SWAP liquidation-orders");
    assert_eq!(live, ["requested", "confirmed", "live"]);
}

#[test]
fn a_fill_that_did_not_come_is_a_hole_in_its_place() {
    let mut world = World::new(Market::Okx, &["BTC-USDT"], &["trades-all"]);
    let missing = &mut world.exchange().wrongs.missing;
    missing.insert(("trades-all:BTC-USDT".into(), 5));
    world.start();
    world.run(seconds(5));
    let hole = ("BTC-USDT trades-all", Some((5, 5)), "missing");
    assert_eq!(world.gaps(), [hole]);
}
