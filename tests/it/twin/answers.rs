//! Answers over REST that go wrong.

use std::time::Duration;

use marketprism::twin::{BadAnswer, Command, Fault};
use serde_json::Value;

use super::faults::{SPOT, ended, recovered, struck};
use super::wire::World;

const SECOND: Duration = Duration::from_secs(1);
const DEPTH: &str = "/api/v3/depth?symbol=BTCUSDT&limit=5";

/// A spot exchange whose answers go wrong for three seconds from the next one on.
fn spoilt(bad: BadAnswer) -> World {
    let mut world = struck(Fault::Rest(bad, SECOND * 3));
    assert_eq!(ended(&world), Some(Command::Close(world.peers[0].id)));
    world.run(SECOND * 60);
    world
}

fn update_id(answer: &str) -> i64 {
    let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    body["lastUpdateId"].as_i64().unwrap()
}

fn is_well_again(world: &mut World) {
    world.run(SECOND * 3);
    assert!(world.get(DEPTH).starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(!recovered(world));
    world.connect(SPOT);
    world.run(SECOND * 5);
    assert!(recovered(world));
}

#[test]
fn requests_are_refused_with_a_status_from_the_first_on() {
    for (status, says) in [(429, true), (418, true), (503, false)] {
        let mut world = spoilt(BadAnswer::Status(status));
        for left in [3, 2, 1] {
            let answer = world.get(DEPTH);
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{answer}"
            );
            let wait = format!("Retry-After: {left}\r\n");
            assert_eq!(answer.contains(&wait), says, "{answer}");
            world.run(SECOND);
        }
        is_well_again(&mut world);
    }
}

#[test]
fn a_request_has_no_answer_or_half_of_one() {
    let head = format!("GET {DEPTH} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut world = spoilt(BadAnswer::Unanswered);
    let peer = world.join_plain(&head);
    assert!(world.peers[peer].bytes.is_empty());
    is_well_again(&mut world);

    let mut world = spoilt(BadAnswer::CutShort);
    let peer = world.join_plain(&head);
    let answer = String::from_utf8(world.peers[peer].bytes.clone()).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let said = head.split_once("Content-Length: ").unwrap().1;
    let said: usize = said.split("\r\n").next().unwrap().parse().unwrap();
    assert!(!body.is_empty() && body.len() < said);
    assert!(world.peers[peer].ended.is_some());
    is_well_again(&mut world);
}

#[test]
fn the_page_of_a_proxy_comes_as_if_all_were_well() {
    let mut world = spoilt(BadAnswer::Page);
    let answer = world.get(DEPTH);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(answer.ends_with("</html>"));
    is_well_again(&mut world);
}

#[test]
fn a_book_comes_as_it_was_when_the_fault_struck() {
    let mut world = spoilt(BadAnswer::Old);
    let old = update_id(&world.get(DEPTH));
    world.run(SECOND * 2);
    assert_eq!(update_id(&world.get(DEPTH)), old);
    world.run(SECOND);
    assert!(update_id(&world.get(DEPTH)) > old + 100);
    is_well_again(&mut world);
}
