//! What is broken on the wire, as a client sees it.

use std::time::Duration;

use marketprism::twin::{BadFrame, BadUpgrade, Command, Fault, HangUp};
use marketprism_core::market::Market;
use marketprism_core::ws::Violation;
use marketprism_core::ws::handshake::{HandshakeError, Refused};

use super::faults::{SPOT, ended, recovered, struck};
use super::wire::{Stage, World};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_close_frame_may_be_all_that_ever_comes() {
    let mut world = struck(Fault::CloseAndHang(1001));
    assert_eq!(world.peers[0].close, Some(1001));
    let data = world.peers[0].texts.len();
    world.run(SECOND * 299);
    assert_eq!((ended(&world), world.peers[0].texts.len()), (None, data));
    world.run(SECOND * 2);
    assert_eq!(ended(&world), Some(Command::Drop(world.peers[0].id)));
    world.connect(SPOT);
    world.run(SECOND * 5);
    assert!(recovered(&world));
}

#[test]
fn each_bad_frame_is_the_violation_that_it_is_named_for_and_nothing_follows_it() {
    let expected = |bad| match bad {
        BadFrame::ReservedBits => Violation::ReservedBits,
        BadFrame::ReservedOpcode => Violation::ReservedOpcode,
        BadFrame::LongForm => Violation::NonMinimalLength,
        BadFrame::ImpossibleLength => Violation::OversizedLength,
        BadFrame::Exabyte | BadFrame::TooLong => Violation::MessageTooBig,
        BadFrame::InvalidUtf8 => Violation::InvalidUtf8,
        BadFrame::FragmentedControl => Violation::FragmentedControl,
        BadFrame::LongControl => Violation::ControlTooLong,
        BadFrame::Masked => Violation::Masked,
        BadFrame::StrayContinuation => Violation::UnexpectedContinuation,
        BadFrame::InterruptedMessage => Violation::ExpectedContinuation,
        BadFrame::CloseCode => Violation::CloseCode,
    };
    for bad in BadFrame::ALL {
        let mut world = struck(Fault::Frame(bad));
        let data = world.peers[0].texts.len();
        assert_eq!(world.peers[0].violation, Some(expected(bad)));
        // The far end hears the close frame that tells it so, and ends.
        assert_eq!(ended(&world), Some(Command::Close(world.peers[0].id)));
        assert_eq!(world.peers[0].texts.len(), data);
        assert!(!recovered(&world));
        world.connect(SPOT);
        world.run(SECOND * 5);
        assert!(recovered(&world), "{bad:?}");
    }
}

/// A world in which the connection was cut and another has asked for its upgrade.
fn upgrading(bad: BadUpgrade) -> (World, usize) {
    let mut world = struck(Fault::Upgrade(bad));
    assert_eq!(ended(&world), Some(Command::Close(world.peers[0].id)));
    let peer = world.connect(SPOT);
    (world, peer)
}

#[test]
fn an_upgrade_is_never_answered_or_never_to_the_end() {
    for (bad, most) in [(BadUpgrade::Unanswered, 0), (BadUpgrade::Unfinished, 100)] {
        let (mut world, peer) = upgrading(bad);
        world.run(SECOND * 60);
        assert_eq!(world.peers[peer].stage(), Stage::Asking);
        assert_eq!(world.peers[peer].ended, None);
        let answered = world.peers[peer].bytes.len();
        assert!(answered <= most && (answered > 20) == (most > 20));
        assert!(!recovered(&world));
        let next = world.connect(SPOT);
        assert_eq!(world.peers[next].stage(), Stage::Open);
        world.run(SECOND * 5);
        assert!(recovered(&world));
    }
}

#[test]
fn a_slow_upgrade_comes_in_pieces_and_comes() {
    let (mut world, peer) = upgrading(BadUpgrade::Slow(SECOND * 4));
    world.run(SECOND * 2);
    assert_eq!(world.peers[peer].stage(), Stage::Asking);
    world.run(SECOND * 2);
    assert_eq!(world.peers[peer].stage(), Stage::Open);
    let pieces = &world.peers[peer].pieces;
    assert!(pieces.len() >= 15, "{pieces:?}");
    assert!(pieces[..15].iter().all(|(_, len)| *len < 20), "{pieces:?}");
    assert!(pieces[..15].is_sorted_by(|(a, _), (b, _)| a < b));
    world.run(SECOND * 5);
    assert!(recovered(&world));
}

#[test]
fn the_key_of_another_request_is_no_upgrade() {
    let (mut world, peer) = upgrading(BadUpgrade::WrongKey);
    let refused = Refused::Invalid(HandshakeError::Accept);
    assert_eq!(world.peers[peer].stage(), Stage::Refused(refused));
    world.hang_up(peer);
    let next = world.connect(SPOT);
    assert_eq!(world.peers[next].stage(), Stage::Open);
    world.run(SECOND * 5);
    assert!(recovered(&world));
}

#[test]
fn connections_are_taken_and_ended_again_from_the_first_attempt_on() {
    for (when, stage) in [
        (HangUp::BeforeAnswer, Stage::Asking),
        (HangUp::AfterAnswer, Stage::Open),
    ] {
        let mut world = struck(Fault::HangUp(when, SECOND * 3));
        world.run(SECOND * 60);
        for _ in 0..3 {
            let peer = world.connect(SPOT);
            assert_eq!(world.peers[peer].stage(), stage);
            let command = world.peers[peer].ended.map(|(_, command)| command);
            assert_eq!(command, Some(Command::Close(world.peers[peer].id)));
            assert_eq!(world.peers[peer].close, None);
            world.run(SECOND);
        }
        let peer = world.connect(SPOT);
        world.run(SECOND * 5);
        assert_eq!(world.peers[peer].ended, None);
        assert!(recovered(&world));
    }
}

#[test]
fn bytes_go_out_one_by_one_and_mean_the_same() {
    let mut world = struck(Fault::SingleBytes(2000));
    let whole = world.peers[0].pieces.len();
    world.run(SECOND * 60);
    let pieces = &world.peers[0].pieces[whole..];
    assert!(pieces[..2000].iter().all(|(_, len)| *len == 1));
    assert!(pieces[2000..].iter().any(|(_, len)| *len > 1));
    assert_eq!((world.peers[0].violation, ended(&world)), (None, None));
    assert!(recovered(&world));
}

#[test]
fn a_flood_of_pings_is_so_many_and_the_data_goes_on() {
    let mut world = World::of(Market::BinanceSpot);
    let peer = world.connect(SPOT);
    // A client that answered each would be sent away for it.
    world.peers[peer].answers = false;
    world.run(SECOND * 5);
    world.exchange.inject(world.now, Fault::PingFlood(500));
    world.run(SECOND * 5);
    assert_eq!(world.peers[peer].pings.len(), 500);
    assert!(recovered(&world));
    assert_eq!(world.peers[peer].ended, None);
}

#[test]
fn a_flood_of_data_is_the_market_in_a_hurry_for_everybody() {
    let mut world = World::of(Market::BinanceSpot);
    let peers = [world.connect(SPOT), world.connect(SPOT)];
    world.run(SECOND * 5);
    let flood = Duration::from_millis(50);
    world.exchange.inject(world.now, Fault::DataFlood(flood));
    let begun = world.now;
    world.run(SECOND * 5);
    for peer in peers {
        let texts = &world.peers[peer].texts;
        let within = texts.iter().filter(|(at, _)| at.since(begun) <= flood);
        let (within, all) = (within.count(), texts.len());
        assert!(within > 3000, "{within} of {all}");
        assert!(all - within < 1000, "{within} of {all}");
        assert_eq!(world.peers[peer].ended, None);
    }
    assert!(recovered(&world));
}

#[test]
fn the_end_of_a_connections_life_can_come_early() {
    let mut world = struck(Fault::Lifetime);
    assert_eq!(ended(&world), Some(Command::Close(world.peers[0].id)));
    assert_eq!(world.peers[0].close, None);
    world.connect(SPOT);
    world.run(SECOND * 5);
    assert!(recovered(&world));
}
