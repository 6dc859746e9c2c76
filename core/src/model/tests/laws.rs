//! The laws by name.

use std::env;
use std::println;
use std::sync::OnceLock;
use std::time::Instant;

use super::MARKETS;
use crate::market::Market;
use crate::model::laws::Law;
use crate::model::search::Search;
use crate::model::world::World;

/// So many troubles befall the two sessions, unless `MARKETPRISM_MODEL_TROUBLES` says otherwise.
const TROUBLES: u32 = 2;

fn troubles() -> u32 {
    let given = env::var("MARKETPRISM_MODEL_TROUBLES").ok();
    given.map_or(TROUBLES, |number| number.parse().expect("a number"))
}

/// The searches, each made once and when it is asked for.
fn searched() -> impl Iterator<Item = &'static Search> {
    static SEARCHES: [OnceLock<Search>; 2] = [OnceLock::new(), OnceLock::new()];
    let searches = SEARCHES.iter().zip(MARKETS);
    searches.map(|(search, market)| search.get_or_init(|| self::search(market)))
}

fn search(market: Market) -> Search {
    let began = Instant::now();
    let search = Search::run(World::new(market), troubles());
    // Each further trouble multiplies the states by more than ten.
    assert!(
        search.states() > 10_usize.pow(troubles() + 2),
        "too small to say anything"
    );
    println!(
        "{market}: {} states within {} troubles, {} transitions, depth {}, {:.1?}",
        search.states(),
        troubles(),
        search.transitions,
        search.depth,
        began.elapsed()
    );
    search
}

#[track_caller]
fn holds(law: Law) {
    for search in searched() {
        if let Some(story) = search.breach(law) {
            panic!("{law:?} is broken:{story}");
        }
    }
}

#[test]
fn two_sessions_never_have_more_than_one_live_socket_each() {
    holds(Law::OneSocket);
}

#[test]
fn two_sessions_dial_within_their_shared_budget() {
    holds(Law::SharedQuota);
}

#[test]
fn neither_session_dials_while_their_address_is_barred() {
    holds(Law::Barred);
}

#[test]
fn whatever_goes_wrong_no_stream_is_asked_for_twice_on_a_connection() {
    holds(Law::SubscribedOnce);
}

#[test]
fn whatever_goes_wrong_no_wish_is_lost() {
    holds(Law::NoLostWish);
}

#[test]
fn from_every_state_each_way_through_a_quiet_network_leads_back_to_streaming() {
    for search in searched() {
        if let Some(story) = search.stuck() {
            panic!("it does not lead back:{story}");
        }
    }
}

#[test]
fn in_a_quiet_network_what_streams_goes_on_streaming() {
    for search in searched() {
        if let Some(story) = search.interrupted() {
            panic!("it is interrupted:{story}");
        }
    }
}
