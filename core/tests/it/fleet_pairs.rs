//! Machines that carry the same, and are renewed in turns.

use std::time::Duration;

use marketprism_core::connection::{Action, Endpoint, Epoch, Input, Phase, Timer};
use marketprism_core::fleet::Fleet;
use marketprism_core::{Machine, ReceiveBuffer, Time, UnixNanos};

/// A machine that stands from its start to its stop, and notes what it is told.
#[derive(Debug)]
struct Line {
    endpoint: Endpoint,
    phase: Phase,
    stay: Option<Time>,
}

impl Line {
    fn new() -> Self {
        Self {
            endpoint: Endpoint {
                host: "feed.example".into(),
                port: 443,
                tls: true,
                path: "/".into(),
            },
            phase: Phase::Stopped,
            stay: None,
        }
    }
}

impl Machine for Line {
    type Event<'a> = ();

    fn handle(&mut self, _: Time, input: Input) {
        match input {
            Input::Start => self.phase = Phase::Open,
            Input::Stop => self.phase = Phase::Stopped,
            Input::Stay(until) => self.stay = Some(until),
            Input::Dialed(_)
            | Input::DialFailed(..)
            | Input::Eof(_)
            | Input::Broken(..)
            | Input::Released(_)
            | Input::Timeout
            | Input::Renew
            | Input::Hold(_)
            | Input::Withhold
            | Input::Permit => {}
        }
    }

    fn receive(
        &mut self,
        _: Time,
        _: UnixNanos,
        _: &mut ReceiveBuffer,
        _: &mut impl FnMut(Self::Event<'_>),
    ) {
    }

    fn drain_events(&mut self, _: UnixNanos, _: &mut impl FnMut(Self::Event<'_>)) {}

    fn poll_action(&mut self) -> Option<Action> {
        None
    }

    fn transmit(&self) -> &[u8] {
        &[]
    }

    fn transmitted(&mut self, _: Time, _: usize) {}

    fn poll_timeout(&self) -> Option<(Time, Timer)> {
        None
    }

    fn phase(&self) -> Phase {
        self.phase
    }

    fn epoch(&self) -> Option<Epoch> {
        None
    }

    fn held_until(&self) -> Time {
        Time::ZERO
    }

    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn name(&self) -> &str {
        "line"
    }
}

#[test]
fn neither_of_two_is_renewed_before_the_other_has_stood_for_a_while() {
    let mut fleet = Fleet::new();
    let [a, b, alone] = [(); 3].map(|()| fleet.add(Line::new(), None));
    fleet.pair(a, b);
    let stay = |fleet: &Fleet<Line>, id| fleet.machine(id).unwrap().stay;
    assert_eq!([stay(&fleet, a), stay(&fleet, b)], [Some(Time::MAX); 2]);
    let now = Time::from_nanos(5);
    fleet.handle(now, a, Input::Start);
    let settled = now + Duration::from_secs(1);
    assert_eq!(
        [stay(&fleet, a), stay(&fleet, b)],
        [Some(Time::MAX), Some(settled)]
    );
    fleet.handle(now, b, Input::Start);
    assert_eq!([stay(&fleet, a), stay(&fleet, b)], [Some(settled); 2]);
    fleet.handle(now, a, Input::Stop);
    assert_eq!(stay(&fleet, b), Some(Time::MAX));
    assert_eq!(stay(&fleet, alone), None);
}

#[test]
fn one_that_shares_with_two_waits_for_both() {
    let mut fleet = Fleet::new();
    let [a, b, c] = [(); 3].map(|()| fleet.add(Line::new(), None));
    fleet.pair(a, b);
    fleet.pair(a, c);
    let now = Time::from_nanos(5);
    fleet.handle(now, b, Input::Start);
    assert_eq!(fleet.machine(a).unwrap().stay, Some(Time::MAX));
    fleet.handle(now, c, Input::Start);
    let settled = now + Duration::from_secs(1);
    assert_eq!(fleet.machine(a).unwrap().stay, Some(settled));
}
