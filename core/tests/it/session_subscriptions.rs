//! How subscriptions come to life, fail and recover.

use std::time::Duration;

use marketprism_core::connection::{Cause, Input, Quota, Timer};
use marketprism_core::market::Market;
use marketprism_core::session::{Settings, StreamState};

use crate::session_world::{Said, World, millis, seconds};
use crate::sim::End;

const SPOT: Market = Market::BinanceSpot;

fn step(stream: &str, step: &'static str) -> Said {
    Said::Step(stream.into(), step)
}

fn names(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|number| format!("COIN{number}USDT")).collect()
}

fn strs(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

#[test]
fn one_request_subscribes_all_and_data_makes_them_live() {
    for (market, instruments, channels) in [
        (SPOT, ["BTCUSDT", "ETHUSDT"], ["trade", "depth@100ms"]),
        (
            Market::BinanceUsdm,
            ["BTCUSDT", "ETHUSDT"],
            ["trade", "bookTicker"],
        ),
        (
            Market::Okx,
            ["BTC-USDT", "ETH-USDT-SWAP"],
            ["trades", "books"],
        ),
    ] {
        let mut world = World::new(market, &instruments, &channels);
        world.start();
        world.run(seconds(5));
        world.expect_all_live();
        assert_eq!(world.exchange().account.requests.len(), 1);
        for stream in world.states().keys() {
            assert_eq!(world.steps(stream), ["requested", "confirmed", "live"]);
            assert!(world.count(stream) >= 9, "{stream}");
        }
        assert_eq!(world.gaps(), []);
        let statistics = *world.sim.machine.statistics();
        assert_eq!((statistics.opened, statistics.requests), (1, 1));
        assert_eq!(
            statistics.stray + statistics.unknown + statistics.malformed,
            0
        );
    }
}

#[test]
fn many_streams_are_asked_for_in_requests_of_the_size_that_the_venue_reads() {
    let names = names(0..190);
    let mut world = World::new(SPOT, &strs(&names), &["depth@100ms"]);
    world.start();
    world.run(seconds(10));
    world.expect_all_live();
    let requests = &world.exchange().account.requests;
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| request.bytes <= 4000));
}

#[test]
fn a_lost_acknowledgement_is_made_good_by_data() {
    let mut world = World::new(SPOT, &["BTCUSDT"], &["trade"]);
    world.exchange().wrongs.lost_acks = 1;
    world.start();
    world.run(seconds(60));
    assert_eq!(world.steps("BTCUSDT trade"), ["requested", "live"]);
    assert_eq!(world.exchange().account.requests.len(), 1);
}

#[test]
fn a_lost_request_is_repeated_after_its_deadline_and_never_twice_in_effect() {
    for market in [SPOT, Market::Okx] {
        let (instrument, channel) = match market {
            Market::Okx => ("BTC-USDT", "trades"),
            Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => {
                ("BTCUSDT", "trade")
            }
        };
        let mut world = World::new(market, &[instrument], &[channel]);
        world.exchange().wrongs.lost_requests = 1;
        world.start();
        world.run(seconds(15));
        world.expect_all_live();
        let steps = ["requested", "renewing", "requested", "confirmed", "live"];
        assert_eq!(world.steps(&format!("{instrument} {channel}")), steps);
        let requests = &world.exchange().account.requests;
        let verbs: Vec<_> = requests.iter().map(|request| request.subscribes).collect();
        assert_eq!(verbs, [true, false, true]);
        assert_eq!(requests[1].at.since(requests[0].at).as_secs(), 10);
        assert_eq!(world.exchange().account.ghosts, Vec::<String>::new());
    }
}

#[test]
fn a_lost_acknowledgement_of_a_slow_stream_makes_no_second_subscription() {
    let mut world = World::new(SPOT, &["BTCUSDT", "DUSTBTC"], &["trade"]);
    world
        .exchange()
        .every_of
        .insert("dustbtc@trade".into(), seconds(60));
    world.exchange().wrongs.lost_acks = 1;
    world.start();
    world.run(seconds(90));
    world.expect_all_live();
    assert_eq!(world.steps("BTCUSDT trade"), ["requested", "live"]);
    assert_eq!(world.exchange().account.ghosts, Vec::<String>::new());
    let renewed = &world.exchange().account.requests[1];
    assert_eq!(renewed.streams, ["dustbtc@trade"]);
    assert!(!renewed.subscribes);
}

#[test]
fn one_bad_name_in_a_request_is_found_and_the_others_live() {
    let names = names(0..100);
    let mut world = World::new(SPOT, &strs(&names), &["trade"]);
    world
        .exchange()
        .wrongs
        .refused
        .insert("coin37usdt@trade".into());
    world.start();
    world.run(seconds(20));
    let states = world.states();
    let live = states
        .values()
        .filter(|&&state| state == StreamState::Live)
        .count();
    assert_eq!(live, 99);
    assert_eq!(states["COIN37USDT trade"], StreamState::Refused);
    let refused = Said::Refused(
        "COIN37USDT trade".into(),
        "malformed request (code 2): Invalid request: no such thing".into(),
    );
    assert_eq!(world.times(&refused).len(), 1);
    let requests = world.exchange().account.requests.len();
    assert!(
        requests <= 16,
        "halving 100 takes 7 rounds of two: {requests}"
    );
    assert_eq!(world.exchange().account.ghosts, Vec::<String>::new());
}

#[test]
fn several_bad_names_are_found_even_if_the_venue_hides_which_request_it_means() {
    let names = names(0..40);
    let mut world = World::new(SPOT, &strs(&names), &["trade"]);
    for bad in ["coin3usdt@trade", "coin4usdt@trade", "coin39usdt@trade"] {
        world.exchange().wrongs.refused.insert(bad.into());
    }
    world.exchange().wrongs.hides_id = true;
    world.start();
    world.run(seconds(30));
    let states = world.states();
    let refused = states
        .iter()
        .filter(|&(_, &state)| state == StreamState::Refused);
    let refused: Vec<_> = refused.map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        refused,
        ["COIN39USDT trade", "COIN3USDT trade", "COIN4USDT trade"]
    );
    assert_eq!(
        states
            .values()
            .filter(|&&state| state == StreamState::Live)
            .count(),
        37
    );
}

#[test]
fn okx_acknowledges_the_others_and_the_bad_one_is_what_is_left() {
    let mut world = World::new(
        Market::Okx,
        &["AAA-USDT", "BAD-USDT", "CCC-USDT"],
        &["trades"],
    );
    world
        .exchange()
        .wrongs
        .refused
        .insert("trades:BAD-USDT".into());
    world.start();
    world.run(seconds(5));
    assert_eq!(world.steps("BAD-USDT trades"), ["requested", "refused"]);
    assert_eq!(world.states()["AAA-USDT trades"], StreamState::Live);
    assert_eq!(world.states()["CCC-USDT trades"], StreamState::Live);
    assert_eq!(world.exchange().account.requests.len(), 1);
}

#[test]
fn okx_names_the_bad_one_in_words() {
    let mut world = World::new(
        Market::Okx,
        &["AAA-USDT", "BAD-USDT", "CCC-USDT"],
        &["trades"],
    );
    world
        .exchange()
        .wrongs
        .refused
        .insert("trades:BAD-USDT".into());
    world.exchange().wrongs.names_refused = true;
    world.start();
    world.run(millis(100));
    assert_eq!(world.states()["BAD-USDT trades"], StreamState::Refused);
    world.run(seconds(2));
    assert_eq!(world.states()["AAA-USDT trades"], StreamState::Live);
    assert_eq!(world.exchange().account.requests.len(), 1);
}

#[test]
fn okx_may_refuse_all_for_one_and_it_is_found_by_halves() {
    let names: Vec<_> = (0..20).map(|number| format!("COIN{number}-USDT")).collect();
    let mut world = World::new(Market::Okx, &strs(&names), &["trades"]);
    world
        .exchange()
        .wrongs
        .refused
        .insert("trades:COIN7-USDT".into());
    world.exchange().wrongs.refuses_all = true;
    world.start();
    world.run(seconds(30));
    let states = world.states();
    assert_eq!(states["COIN7-USDT trades"], StreamState::Refused);
    assert_eq!(
        states
            .values()
            .filter(|&&state| state == StreamState::Live)
            .count(),
        19
    );
    assert!(world.exchange().account.requests.len() <= 13);
}

#[test]
fn a_refused_stream_is_asked_for_again_alone_and_more_and_more_seldom() {
    let mut world = World::new(SPOT, &["AAAUSDT", "BADUSDT"], &["trade"]);
    world
        .exchange()
        .wrongs
        .refused
        .insert("badusdt@trade".into());
    world.start();
    world.run(seconds(10));
    world.forget();
    world.run(seconds(2 * 3600));
    let requests = world.exchange().account.requests.clone();
    assert!(
        requests
            .iter()
            .all(|request| request.streams == ["badusdt@trade"])
    );
    let pauses: Vec<_> = requests
        .windows(2)
        .map(|two| two[1].at.since(two[0].at).as_secs())
        .collect();
    assert_eq!(pauses, [600, 1200, 2400], "at 300 s first, then doubled");
    world.exchange().wrongs.refused.clear();
    world.run(seconds(3700));
    world.expect_all_live();
}

#[test]
fn a_refusal_that_will_pass_is_only_waited_for() {
    let mut world = World::new(Market::Okx, &["AAA-USDT", "BBB-USDT"], &["trades"]);
    world
        .exchange()
        .wrongs
        .refused
        .insert("trades:AAA-USDT".into());
    world.exchange().wrongs.refuses_all = true;
    world.exchange().wrongs.code = 60014;
    world.start();
    world.run(seconds(2));
    world.exchange().wrongs.refused.clear();
    world.run(seconds(10));
    world.expect_all_live();
    assert_eq!(
        world.steps("AAA-USDT trades"),
        ["requested", "requested", "confirmed", "live"]
    );
}

#[test]
fn an_acknowledgement_without_data_is_no_subscription() {
    let mut world = World::new(SPOT, &["BTCUSDT", "GHOSTUSDT"], &["depth@100ms"]);
    world
        .exchange()
        .wrongs
        .silent
        .insert("ghostusdt@depth@100ms".into());
    world.start();
    world.run(seconds(4000));
    let stream = "GHOSTUSDT depth@100ms";
    let again = ["silent", "renewing", "requested", "confirmed"];
    let mut steps = vec!["requested", "confirmed"];
    (0..3).for_each(|_| steps.extend(again));
    steps.extend(["silent", "mute", "renewing", "requested", "confirmed"]);
    assert_eq!(world.steps(stream)[..steps.len()], steps);
    assert_eq!(
        world.steps("BTCUSDT depth@100ms"),
        ["requested", "confirmed", "live"]
    );
    assert_eq!(
        world.exchange().account.connections,
        1,
        "the others are not disturbed"
    );
    assert_eq!(world.gaps(), []);
    world.exchange().wrongs.silent.clear();
    world.run(seconds(3600));
    world.expect_all_live();
}

#[test]
fn the_deadline_of_the_first_data_is_not_put_off_by_other_streams() {
    let mut world = World::new(SPOT, &["BTCUSDT", "GHOSTUSDT"], &["depth@100ms"]);
    world.exchange().every = millis(20);
    world
        .exchange()
        .wrongs
        .silent
        .insert("ghostusdt@depth@100ms".into());
    world.start();
    world.run(seconds(61));
    let confirmed = world.times(&step("GHOSTUSDT depth@100ms", "confirmed"));
    let silent = world.times(&step("GHOSTUSDT depth@100ms", "silent"));
    assert_eq!(silent[0].since(confirmed[0]), seconds(60));
}

#[test]
fn a_stream_that_falls_silent_while_others_speak_is_subscribed_anew_alone() {
    let mut world = World::new(SPOT, &["BTCUSDT", "ETHUSDT"], &["trade", "depth@100ms"]);
    world.start();
    world.run(seconds(120));
    world.forget();
    let fell_silent = world.sim.now;
    world.exchange().forget("ethusdt@trade");
    world.run(seconds(30));
    world.expect_all_live();
    let steps = ["silent", "renewing", "requested", "confirmed", "live"];
    assert_eq!(world.steps("ETHUSDT trade"), steps);
    let silent = world.times(&step("ETHUSDT trade", "silent"))[0];
    assert!(
        silent.since(fell_silent) <= seconds(11),
        "noticed within the floor of 10 s"
    );
    for other in [
        "BTCUSDT trade",
        "BTCUSDT depth@100ms",
        "ETHUSDT depth@100ms",
    ] {
        assert_eq!(world.steps(other), [""; 0]);
        assert!(world.count(other) >= 59, "{other}");
    }
    let requests = &world.exchange().account.requests;
    assert!(
        requests
            .iter()
            .all(|request| request.streams == ["ethusdt@trade"])
    );
    let gaps = world.gaps();
    assert!(
        matches!(gaps[..], [("ETHUSDT trade", Some(_), "resubscription")]),
        "{gaps:?}"
    );
    assert_eq!(world.exchange().account.connections, 1);
}

#[test]
fn a_stream_that_speaks_in_bursts_costs_nobody_the_connection() {
    for market in [SPOT, Market::BinanceUsdm] {
        let mut world = World::new(market, &["BTCUSDT", "DUSTUSDT"], &["trade", "bookTicker"]);
        for stream in ["dustusdt@trade", "dustusdt@bookTicker"] {
            world.exchange().bursts.insert(stream.into(), seconds(300));
        }
        world.start();
        world.run(seconds(4 * 3600));
        assert_eq!(world.exchange().account.connections, 1);
        let requests = &world.exchange().account.requests;
        assert!(
            requests.len() < 40,
            "{} requests in four hours",
            requests.len()
        );
        let untouched = ["requested", "confirmed", "live"];
        assert_eq!(world.steps("BTCUSDT trade"), untouched);
    }
}

#[test]
fn a_quiet_stream_is_left_alone() {
    let mut world = World::new(SPOT, &["BTCUSDT", "DUSTBTC"], &["trade"]);
    world
        .exchange()
        .every_of
        .insert("dustbtc@trade".into(), seconds(70));
    world.start();
    world.run(seconds(3600));
    world.expect_all_live();
    assert_eq!(
        world.steps("DUSTBTC trade"),
        ["requested", "confirmed", "live"]
    );
    assert_eq!(world.exchange().account.requests.len(), 1);
}

#[test]
fn a_stall_of_all_streams_with_live_pings_ends_the_connection_within_seconds() {
    let mut world = World::new(SPOT, &["BTCUSDT", "ETHUSDT"], &["trade", "depth@100ms"]);
    world.exchange().ping_every = Some(seconds(20));
    world.start();
    world.run(seconds(120));
    world.forget();
    world.exchange().wrongs.mute = true;
    world.run(seconds(12));
    world.exchange().wrongs.mute = false;
    assert_eq!(world.exchange().account.connections, 2);
    assert_eq!(world.times(&Said::Down(Cause::Lost(Timer::Data))).len(), 1);
    world.run(seconds(5));
    world.expect_all_live();
    assert_eq!(
        world.gaps().len(),
        4,
        "each stream says what it missed: {:?}",
        world.gaps()
    );
    assert!(world.gaps().iter().all(|gap| gap.2 == "connection"));
}

#[test]
fn acknowledgements_do_not_put_off_the_deadline_of_data() {
    let deadline = |settings: &mut Settings| settings.connection.data = Some(seconds(90));
    let mut world = World::with(SPOT, &["BTCUSDT"], &["depth@100ms"], deadline);
    world.exchange().wrongs.mute = true;
    world.start();
    world.run(seconds(89));
    let acknowledged = step("BTCUSDT depth@100ms", "confirmed");
    assert!(world.times(&acknowledged).len() > 1);
    assert_eq!(world.exchange().account.connections, 1);
    world.run(seconds(3));
    assert_eq!(world.times(&Said::Down(Cause::Lost(Timer::Data))).len(), 1);
    world.exchange().wrongs.mute = false;
    world.run(seconds(5));
    world.expect_all_live();
}

#[test]
fn one_stream_alone_is_given_twice_the_time_before_the_connection_is_blamed() {
    let mut world = World::new(SPOT, &["BTCUSDT"], &["depth@100ms"]);
    world.exchange().ping_every = Some(seconds(20));
    world.start();
    world.run(seconds(120));
    world.exchange().wrongs.mute = true;
    world.run(seconds(19));
    assert_eq!(
        world.steps("BTCUSDT depth@100ms"),
        ["requested", "confirmed", "live"]
    );
    world.run(seconds(3));
    assert_eq!(world.times(&Said::Down(Cause::Lost(Timer::Data))).len(), 1);
    world.exchange().wrongs.mute = false;
    world.run(seconds(5));
    world.expect_all_live();
}

#[test]
fn a_venue_that_answers_no_request_at_all_costs_the_connection() {
    let mut world = World::new(SPOT, &["BTCUSDT"], &["depth@100ms"]);
    world.exchange().wrongs.lost_requests = 8;
    world.start();
    world.run(seconds(100));
    assert_eq!(world.exchange().account.connections, 2);
    world.run(seconds(60));
    world.expect_all_live();
}

#[test]
fn a_stream_that_renewals_do_not_revive_costs_one_connection_and_then_waits() {
    let mut world = World::new(SPOT, &["BTCUSDT", "DEADUSDT"], &["depth@100ms"]);
    world.start();
    world.run(seconds(600));
    world
        .exchange()
        .wrongs
        .silent
        .insert("deadusdt@depth@100ms".into());
    world.run(seconds(3600));
    assert_eq!(
        world.exchange().account.connections,
        2,
        "one attempt to revive it"
    );
    let stream = "DEADUSDT depth@100ms";
    assert!(world.steps(stream).contains(&"mute"));
    assert_eq!(world.states()["BTCUSDT depth@100ms"], StreamState::Live);
    world.exchange().wrongs.silent.clear();
    world.run(seconds(3700));
    world.expect_all_live();
}

#[test]
fn everything_is_subscribed_again_after_a_reconnect() {
    for market in [SPOT, Market::Okx] {
        let (instruments, channels) = match market {
            Market::Okx => (["BTC-USDT", "ETH-USDT"], ["trades", "books"]),
            Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => {
                (["BTCUSDT", "ETHUSDT"], ["trade", "depth@100ms"])
            }
        };
        let mut world = World::new(market, &instruments, &channels);
        world.exchange().every = millis(20);
        world.start();
        world.run(seconds(10));
        for end in [End::Reset, End::Fin, End::Reset] {
            world.forget();
            world.exchange().cut(end);
            world.run(seconds(20));
            world.expect_all_live();
            assert_eq!(
                world.exchange().account.requests.len(),
                1,
                "one request for all"
            );
            let gaps = world.gaps();
            assert_eq!(gaps.len(), 4, "{gaps:?}");
            assert!(
                gaps.iter()
                    .all(|gap| gap.2 == "connection" && gap.1.is_some()),
                "{gaps:?}"
            );
        }
        assert_eq!(world.exchange().account.ghosts, Vec::<String>::new());
    }
}

#[test]
fn a_refused_stream_stays_in_quarantine_over_a_reconnect() {
    let mut world = World::new(SPOT, &["AAAUSDT", "BADUSDT"], &["trade"]);
    world
        .exchange()
        .wrongs
        .refused
        .insert("badusdt@trade".into());
    world.start();
    world.run(seconds(10));
    world.forget();
    world.exchange().cut(End::Reset);
    world.run(seconds(20));
    let requests = &world.exchange().account.requests;
    assert!(
        requests
            .iter()
            .all(|request| request.streams == ["aaausdt@trade"]),
        "{requests:?}"
    );
}

#[test]
fn a_quarantine_that_ends_while_the_connection_is_down_is_over_when_it_is_up() {
    let mut world = World::new(SPOT, &["BADUSDT"], &["trade"]);
    let refused = &mut world.exchange().wrongs.refused;
    refused.insert("badusdt@trade".into());
    world.start();
    world.run(seconds(10));
    assert_eq!(world.states()["BADUSDT trade"], StreamState::Refused);
    world.exchange().wrongs.refused.clear();
    world.input(Input::Stop);
    world.run(seconds(400));
    world.start();
    world.run(seconds(10));
    world.expect_all_live();
}

#[test]
fn requests_wait_for_their_hourly_quota_and_go_on() {
    let names: Vec<_> = (0..30).map(|number| format!("COIN{number}-USDT")).collect();
    let mut world = World::with(Market::Okx, &strs(&names), &["trades"], |settings| {
        settings.requests = Quota {
            count: 3,
            per: seconds(60),
        };
        settings.request_bytes = 200;
    });
    world.start();
    world.run(seconds(59));
    assert_eq!(world.exchange().account.requests.len(), 3);
    world.run(seconds(600));
    world.expect_all_live();
    let requests = &world.exchange().account.requests;
    let times: Vec<_> = requests.iter().map(|request| request.at).collect();
    assert!(
        times
            .windows(4)
            .all(|four| four[3].since(four[0]) >= seconds(60))
    );
}

#[test]
fn frames_stay_within_the_quota_that_counts_pongs_and_every_ping_is_answered() {
    let names = names(0..64);
    let mut world = World::with(SPOT, &strs(&names), &["trade"], |settings| {
        settings.request_bytes = 80;
    });
    world.exchange().ping_every = Some(millis(1500));
    world.start();
    world.run(seconds(60));
    world.expect_all_live();
    let account = &world.exchange().account;
    assert!(
        account
            .frames
            .windows(5)
            .all(|five| five[4].1.since(five[0].1) >= seconds(1))
    );
    assert!(
        account.pings - account.pongs <= 1,
        "{} {}",
        account.pings,
        account.pongs
    );
    assert!(account.requests.len() >= 32);
}

#[test]
fn what_comes_of_streams_that_nobody_asked_for_is_counted_and_not_kept() {
    let mut world = World::new(SPOT, &["BTCUSDT"], &["trade"]);
    world.start();
    world.run(seconds(2));
    for number in 0..100 {
        world.exchange().say(&format!(
            r#"{{"stream":"x{number}@trade","data":{{"e":"trade","E":1,"s":"X{number}","t":1,"p":"1","q":"1","T":1,"m":true,"M":true}}}}"#
        ));
    }
    world.run(seconds(1));
    assert_eq!(world.sim.machine.statistics().stray, 100);
    assert_eq!(world.states().len(), 1);
}

#[test]
fn a_malformed_message_is_said_and_the_stream_goes_on() {
    let mut world = World::new(SPOT, &["BTCUSDT"], &["trade"]);
    world.start();
    world.run(seconds(2));
    for text in [
        "{",
        "[]",
        r#"{"e":"kline"}"#,
        r#"{"stream":"btcusdt@trade","data":{"e":"trade"}}"#,
        "",
    ] {
        world.exchange().say(text);
    }
    world.run(seconds(2));
    let undecoded = |said: &&(_, Said)| matches!(said.1, Said::Undecoded(_));
    assert_eq!(world.said.iter().filter(undecoded).count(), 5);
    world.expect_all_live();
    assert_eq!(world.exchange().account.connections, 1);
}

#[test]
fn stopping_is_orderly_and_starting_again_subscribes_again() {
    let mut world = World::new(SPOT, &["BTCUSDT"], &["trade"]);
    world.start();
    world.run(seconds(5));
    world.input(Input::Stop);
    world.run(seconds(5));
    assert_eq!(world.times(&Said::Down(Cause::Stopped)).len(), 1);
    assert_eq!(
        world.sim.machine.poll_timeout(),
        None,
        "nothing is left to wait for"
    );
    world.start();
    world.run(seconds(5));
    world.expect_all_live();
    assert_eq!(world.exchange().account.requests.len(), 2);
}

#[test]
fn a_session_without_troubles_wakes_up_seldom() {
    let mut world = World::new(SPOT, &["BTCUSDT"], &["trade"]);
    world.start();
    world.run(seconds(60));
    let deadline = world.sim.machine.poll_timeout().expect("a deadline").0;
    assert!(deadline.since(world.sim.now) > Duration::ZERO);
}
