//! What led to a state, told twice: for people, with both sessions side by side; and for each
//! session in the words of the scenarios, which are played against the shells.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use super::far_end::{Line, Reply, Stage};
use super::step::{Step, Trouble, Turn, Who};
use super::world::World;
use super::{DIALS, RETRY_AFTER, UNIT, settings};
use crate::connection::Timer;
use crate::session::Session;

/// A unit of time in a scenario, where clocks are real.
const SCENARIO_UNIT: Duration = Duration::from_millis(50);

/// The story of these steps.
pub(super) fn tell(start: &World, steps: &[Step]) -> String {
    let mut world = start.clone();
    let mut timeline = String::from("\n");
    let mut scenarios = Who::BOTH.map(|who| beginning(&world, who));
    for &step in steps {
        let before = world.clone();
        world.step(step);
        timeline += &moment(&world, step);
        for (who, scenario) in Who::BOTH.into_iter().zip(&mut scenarios) {
            scenario.extend(lines(&before, &world, step, who));
        }
    }
    for mut scenario in scenarios {
        scenario.push("tell Stop".into());
        timeline += &format!("\n{}\n", scenario.join("\n    "));
    }
    timeline
}

/// When, what happened, and how both stand then.
fn moment(world: &World, step: Step) -> String {
    let at = world.now.as_nanos() / 1_000_000_000;
    let stand = Who::BOTH.map(|who| {
        let session = world.session(who);
        format!(
            "{}, {}",
            session.connection().place(),
            world.state(who).name()
        )
    });
    let step = step.to_string();
    format!("{at:>5} s  {step:<60}  {}\n", stand.join("; "))
}

/// The name of a scenario, and the settings of the model on the scale of a scenario.
fn beginning(world: &World, who: Who) -> Vec<String> {
    let session = world.session(who);
    let (stream, _) = session.subscriptions().next().expect("a stream");
    let market = session.market();
    let settings = settings(&super::plan_of(market, &stream.instrument));
    let (connection, timing) = (settings.connection, settings.timing);
    let retry = connection.retry;
    let mut lines = Vec::from([
        format!("scenario what befell the {who} of two sessions"),
        format!(
            "with session {market} {} {}",
            stream.instrument, stream.channel
        ),
        format!("with dials {} in {}", DIALS.count, scaled(DIALS.per)),
        format!("with attempts {}", timing.attempts),
    ]);
    let durations = [
        ("connect", connection.connect),
        ("upgrade", connection.upgrade),
        ("probe", connection.heartbeat.probe_after),
        ("silence", connection.heartbeat.silence_after),
        ("data", connection.data.unwrap_or_default()),
        ("close", connection.close),
        ("retry", retry.initial),
        ("stable", retry.stable_after),
        ("ack", timing.ack),
        ("first-data", timing.first_data),
        ("silence-floor", timing.silence_floor),
        ("silence-cap", timing.silence_cap),
    ];
    lines.extend(durations.map(|(name, time)| format!("with {name} {}", scaled(time))));
    lines
}

fn scaled(time: Duration) -> String {
    let units = time.as_nanos() / UNIT.as_nanos();
    format!("{}ms", units * SCENARIO_UNIT.as_millis())
}

/// What a step was to one session.
fn lines(before: &World, after: &World, step: Step, who: Who) -> Vec<String> {
    let mut lines = match step {
        Step::Pass => passed(before, after, who),
        Step::To(whom, turn) if whom == who => turned(&before.seats[who as usize].line, turn),
        Step::To(..) => Vec::new(),
    };
    lines.extend(held(before, after, step, who));
    lines
}

/// What the fleet told it because of the other one.
fn held(before: &World, after: &World, step: Step, who: Who) -> Option<String> {
    let until = after.session(who).connection().held_until();
    let later = until > before.session(who).connection().held_until();
    let by_other = !matches!(step, Step::To(whom, _) if whom == who);
    let hold = || format!("tell Hold {}", scaled(until.since(after.now)));
    (later && by_other).then(hold)
}

/// What time brought: a message, and a deadline.
fn passed(before: &World, after: &World, who: Who) -> Vec<String> {
    let mut lines = Vec::new();
    let line = &before.seats[who as usize].line;
    if line.streams() {
        lines.push(sends(&line.clone().speak()));
    }
    let (old, new) = (before.session(who), after.session(who));
    if let Some((at, timer)) = old.poll_timeout()
        && at <= after.now
        && !line.streams()
    {
        lines.push(expired(timer, old, new));
        if timer == Timer::Probe && line.is_open() {
            lines.extend(["far expects ping", "far sends pong"].map(String::from));
        }
    }
    lines
}

fn expired(timer: Timer, old: &Session, new: &Session) -> String {
    let (from, to) = (old.connection().place(), new.connection().place());
    let timer = format!("{timer:?}").to_lowercase();
    match from == to {
        true => format!("then {from} {timer}"),
        false => format!("then {from} {timer} -> {to}"),
    }
}

/// What happened to it, by its line as it was before.
fn turned(line: &Line, turn: Turn) -> Vec<String> {
    let told = |text: &str| Vec::from([String::from(text)]);
    match turn {
        Turn::Start => told("tell Start"),
        Turn::Accept => Vec::from(["far accepts", "far expects request"].map(String::from)),
        Turn::Upgrade => told("far sends 101"),
        Turn::Answer => answered(line, Some(Reply::Done)),
        Turn::Speak => Vec::from([sends(&line.clone().speak())]),
        Turn::Part if line.we_closed => {
            Vec::from(["far expects close 1001", "far ends"].map(String::from))
        }
        Turn::Part => Vec::from(
            ["far expects close 1000", "far sends close 1001", "far ends"].map(String::from),
        ),
        // The shell does that by itself, and the backoff is as long as it is.
        Turn::Release(_) => Vec::new(),
        Turn::Trouble(trouble) => troubled(line, trouble),
    }
}

fn troubled(line: &Line, trouble: Trouble) -> Vec<String> {
    let after = RETRY_AFTER.as_secs();
    let told = match trouble {
        Trouble::Stop => "tell Stop".into(),
        Trouble::RefuseDial => "far refuses".into(),
        Trouble::Vanish if line.stage == Stage::Dialing => "far ignores".into(),
        // It falls silent, which is nothing to do.
        Trouble::Vanish | Trouble::Mute => return Vec::new(),
        Trouble::Ban => format!("far sends 429 after {after}"),
        Trouble::Overload => format!("far sends 503 after {after}"),
        Trouble::End => "far ends".into(),
        Trouble::Reset => "far resets".into(),
        Trouble::LoseAnswer | Trouble::LoseRequest => return answered(line, None),
        Trouble::RefuseRequest => return answered(line, Some(Reply::Refused)),
        Trouble::Close => "far sends close 1001".into(),
        Trouble::Announce => sends(line.announce()),
    };
    Vec::from([told])
}

/// The oldest request, and its answer if it gets one.
fn answered(line: &Line, reply: Option<Reply>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(request) = line.requests.front() {
        lines.push(format!("far expects text {}", request.text));
        lines.extend(reply.map(|reply| sends(&line.reply(request, reply))));
    }
    lines
}

fn sends(text: &str) -> String {
    format!("far sends text {text}")
}
