//! Turns that are cut short, starved, flooded and broken off.

use std::io::ErrorKind;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use marketprism_core::Machine;
use marketprism_core::connection::{Epoch, Fault, Input};
use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_shell_tests::pipe::Pipe;
use marketprism_tokio::Driver;
use proptest::prelude::*;

use crate::script::{Script, Scripted, Step};

const EPOCH: fn() -> Epoch = Epoch::default;

/// A task that notes whether it has been woken.
#[derive(Debug, Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn fleet(pipes: impl IntoIterator<Item = Pipe>) -> Fleet<Pipe> {
    let mut fleet = Fleet::new();
    for pipe in pipes {
        fleet.add(pipe, None);
    }
    fleet
}

/// What came of one machine.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    received: Vec<u8>,
    written: Vec<u8>,
    end: Option<Input>,
}

/// Drives one machine to its end. Every turn is a future of its own under a task of its own,
/// polled once and dropped; the next one is made only if the last task has been woken, so a
/// wake-up that goes astray fails the test.
fn driven(script: Script, out: &[u8]) -> Outcome {
    let network = Scripted::new([script]);
    let (wakers, open) = (network.wakers.clone(), Arc::clone(&network.open));
    let mut driver = Driver::over(fleet([Pipe::new(out)]), network);
    let mut received = Vec::new();
    driver.start();
    while !driver.stopped() {
        let flag = Arc::new(Flag::default());
        let waker = Waker::from(Arc::clone(&flag));
        let mut each = |_: MachineId, bytes: &[u8]| received.extend_from_slice(bytes);
        let turned = pin!(driver.turn(&mut each)).poll(&mut Context::from_waker(&waker));
        if turned.is_pending() {
            assert!(wakers.fire() > 0, "nothing left that could wake the driver");
            assert!(flag.0.load(Ordering::SeqCst), "the wake-up went astray");
        }
    }
    assert_eq!(open.load(Ordering::SeqCst), 0, "everything is closed");
    let id = driver.fleet().ids().next().unwrap();
    let pipe = driver.fleet().machine(id).unwrap();
    Outcome {
        received,
        written: pipe.written().into(),
        end: pipe.end,
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..40usize).prop_map(Step::Limit),
        2 => Just(Step::Pending),
    ];
    prop::collection::vec(step, 0..60)
}

proptest! {
    #[test]
    fn turns_that_are_dropped_lose_nothing(
        pending in 0..4usize,
        reads in steps(),
        writes in steps(),
        incoming in prop::collection::vec(any::<u8>(), 0..2_000),
        out in prop::collection::vec(any::<u8>(), 0..500),
    ) {
        // Written in full only if the stream lasts for as long as the writes do.
        let reads = [vec![Step::Pending; writes.len()], reads].concat();
        let script = Script { pending, reads, writes, incoming: incoming.clone(), fault: None };
        let outcome = driven(script, &out);
        prop_assert_eq!(outcome.received, incoming);
        prop_assert_eq!(outcome.end, Some(Input::Eof(EPOCH())));
        prop_assert_eq!(outcome.written, out);
    }

    #[test]
    fn what_arrived_before_a_failure_is_handed_over_first(
        reads in steps(),
        writes in steps(),
    ) {
        let incoming: Vec<u8> = (0..=255).cycle().take(60 * 40).collect();
        let writes = [writes, vec![Step::Error(ErrorKind::BrokenPipe)]].concat();
        let arrived: usize = reads.iter().map(|step| match step {
            Step::Limit(limit) => *limit,
            Step::Pending | Step::Error(_) => 0,
        }).sum();
        let reads = [reads, vec![Step::Error(ErrorKind::ConnectionReset)]].concat();
        let script = Script { reads, writes, incoming: incoming.clone(), ..Script::default() };
        let outcome = driven(script, &[7; 100]);
        prop_assert_eq!(outcome.end, Some(Input::Broken(EPOCH(), Fault::Reset)));
        prop_assert!(incoming.starts_with(&outcome.received));
        prop_assert!(outcome.received.len() <= arrived);
    }
}

#[test]
fn a_write_that_fails_is_reported_after_the_last_byte_read() {
    let script = Script {
        writes: vec![Step::Error(ErrorKind::BrokenPipe)],
        reads: vec![Step::Limit(1); 5],
        incoming: b"hello".to_vec(),
        ..Script::default()
    };
    let outcome = driven(script, b"out");
    assert_eq!(outcome.received, b"hello");
    assert_eq!(outcome.end, Some(Input::Broken(EPOCH(), Fault::Reset)));
}

#[test]
fn a_write_that_fails_is_not_kept_back_by_a_silent_stream() {
    let script = Script {
        writes: vec![Step::Error(ErrorKind::TimedOut)],
        reads: vec![Step::Limit(2), Step::Pending],
        incoming: b"hello".to_vec(),
        ..Script::default()
    };
    let outcome = driven(script, b"out");
    assert_eq!(outcome.received, b"he");
    assert_eq!(outcome.end, Some(Input::Broken(EPOCH(), Fault::TimedOut)));
}

#[test]
fn a_dial_that_fails_is_released_too() {
    let script = Script {
        pending: 2,
        fault: Some(Fault::Unreachable),
        ..Script::default()
    };
    let outcome = driven(script, b"");
    assert_eq!(
        outcome.end,
        Some(Input::DialFailed(EPOCH(), Fault::Unreachable))
    );
}

#[test]
fn a_stop_gives_a_dial_up_and_closes_what_it_held() {
    let network = Scripted::new([Script {
        pending: usize::MAX,
        ..Script::default()
    }]);
    let open = Arc::clone(&network.open);
    let mut driver = Driver::over(fleet([Pipe::new(b"")]), network);
    driver.start();
    assert!(polled(&mut driver).is_ready());
    assert_eq!(open.load(Ordering::SeqCst), 1);
    driver.stop();
    assert!(polled(&mut driver).is_ready());
    assert_eq!(open.load(Ordering::SeqCst), 0);
    assert!(driver.stopped());
}

fn polled(driver: &mut Driver<Pipe, Scripted>) -> Poll<()> {
    driver.poll_turn(&mut Context::from_waker(Waker::noop()), &mut |_, _| {})
}

#[tokio::test(start_paused = true)]
async fn a_flood_starves_neither_the_others_nor_the_clock() {
    let flood = Script {
        incoming: vec![0; 64 << 20],
        ..Script::default()
    };
    let modest = Script {
        incoming: b"modest".to_vec(),
        ..Script::default()
    };
    let pipes = [
        Pipe::new(b""),
        Pipe::new(b""),
        Pipe::ticking(Duration::from_millis(1)),
    ];
    let waiting = Script {
        pending: usize::MAX,
        ..Script::default()
    };
    let mut driver = Driver::over(fleet(pipes), Scripted::new([flood, modest, waiting]));
    let ids: Vec<MachineId> = driver.fleet().ids().collect();
    driver.start();
    let (mut flooded, mut turns) = (0, 0);
    while driver.fleet().machine(ids[1]).unwrap().end.is_none() {
        driver
            .turn(&mut |id, bytes| flooded += bytes.len() * usize::from(id == ids[0]))
            .await;
        turns += 1;
    }
    assert!(turns <= 3 && flooded <= turns * 64 * 1024, "{turns} turns");
    tokio::time::advance(Duration::from_millis(5)).await;
    driver.turn(&mut |_, _| {}).await;
    // A real socket lets the runtime have its turn when the task's budget is used up.
    tokio::task::yield_now().await;
    driver.turn(&mut |_, _| {}).await;
    assert_eq!(driver.fleet().machine(ids[2]).unwrap().ticks, 1);
}

#[tokio::test(start_paused = true)]
async fn the_core_is_told_when_its_deadline_has_passed_and_not_before() {
    let waiting = Script {
        pending: usize::MAX,
        ..Script::default()
    };
    let period = Duration::from_secs(7);
    let mut driver = Driver::over(fleet([Pipe::ticking(period)]), Scripted::new([waiting]));
    let id = driver.fleet().ids().next().unwrap();
    let begin = tokio::time::Instant::now();
    driver.start();
    while driver.fleet().machine(id).unwrap().ticks < 3 {
        driver.turn(&mut |_, _| {}).await;
    }
    let passed = begin.elapsed();
    assert!(passed >= period * 3 && passed < period * 3 + Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn what_has_arrived_is_heard_before_a_deadline_that_has_passed() {
    let script = Script {
        reads: vec![Step::Limit(1), Step::Pending, Step::Limit(1), Step::Pending],
        incoming: b"two more".to_vec(),
        ..Script::default()
    };
    let network = Scripted::new([script]);
    let wakers = network.wakers.clone();
    let period = Duration::from_secs(30);
    let mut driver = Driver::over(fleet([Pipe::ticking(period)]), network);
    let id = driver.fleet().ids().next().unwrap();
    let mut heard = 0;
    driver.start();
    while heard == 0 {
        driver.turn(&mut |_, bytes| heard += bytes.len()).await;
    }
    assert!(polled(&mut driver).is_pending());
    // The process is stopped and goes on: news and a deadline at once.
    wakers.fire();
    tokio::time::advance(2 * period).await;
    while heard == 1 {
        driver.turn(&mut |_, bytes| heard += bytes.len()).await;
    }
    assert_eq!(driver.fleet().machine(id).unwrap().ticks, 0);
    tokio::time::advance(period).await;
    driver.turn(&mut |_, _| {}).await;
    assert_eq!(driver.fleet().machine(id).unwrap().ticks, 1);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_believed_only_once_the_runtime_has_looked_for_news_after_it() {
    let script = Script {
        reads: vec![Step::Limit(1), Step::Pending, Step::Limit(1), Step::Pending],
        incoming: b"two more".to_vec(),
        ..Script::default()
    };
    let network = Scripted::new([script]);
    let wakers = network.wakers.clone();
    let period = Duration::from_secs(30);
    let mut driver = Driver::over(fleet([Pipe::ticking(period)]), network);
    let id = driver.fleet().ids().next().unwrap();
    let mut heard = 0;
    driver.start();
    while heard == 0 {
        driver.turn(&mut |_, bytes| heard += bytes.len()).await;
    }
    assert!(polled(&mut driver).is_pending());
    // The process is stopped and goes on: the wait ends as interrupted, without any news.
    tokio::time::advance(2 * period).await;
    assert!(polled(&mut driver).is_pending());
    wakers.fire();
    while heard == 1 {
        driver.turn(&mut |_, bytes| heard += bytes.len()).await;
    }
    assert_eq!(driver.fleet().machine(id).unwrap().ticks, 0);
    tokio::time::advance(period).await;
    driver.turn(&mut |_, _| {}).await;
    assert_eq!(driver.fleet().machine(id).unwrap().ticks, 1);
}

#[tokio::test]
async fn a_run_that_is_dropped_and_run_again_loses_nothing() {
    let incoming: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    let script = Script {
        reads: [Step::Limit(37), Step::Pending].repeat(200),
        incoming: incoming.clone(),
        ..Script::default()
    };
    let network = Scripted::new([script]);
    let wakers = network.wakers.clone();
    let mut driver = Driver::over(fleet([Pipe::new(b"")]), network);
    let mut received = Vec::new();
    let mut runs = 0;
    driver.start();
    while !driver.stopped() {
        let run = driver.run(
            |_, bytes: &[u8]| received.extend_from_slice(bytes),
            std::future::pending::<()>(),
        );
        let mut run = pin!(run);
        let mut cx = Context::from_waker(Waker::noop());
        while run.as_mut().poll(&mut cx).is_pending() && wakers.fire() == 0 {}
        runs += 1;
    }
    assert!(runs > 100);
    assert_eq!(received, incoming);
}

#[test]
fn a_machine_that_joins_later_is_served_too() {
    let mut driver = Driver::over(fleet([]), Scripted::default());
    assert!(polled(&mut driver).is_pending());
    let id = driver.fleet().add(Pipe::new(b""), None);
    driver.handle(id, Input::Start);
    assert!(polled(&mut driver).is_ready());
    assert_eq!(
        driver.fleet().machine(id).unwrap().end,
        Some(Input::Eof(EPOCH()))
    );
    assert!(driver.fleet().machine(id).unwrap().epoch().is_none());
}
