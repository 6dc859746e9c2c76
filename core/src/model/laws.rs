//! What holds whatever happens.

use super::far_end::Socket;
use super::step::Who;
use super::world::{User, World};
use crate::connection::Phase;
use crate::session::StreamState;

/// A rule. All but the last are broken by a step, the last is seen in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Law {
    /// A session has at most one live socket, from the dial to the confirmed release.
    OneSocket,
    /// No window of time holds more dials of both sessions than the budget allows.
    SharedQuota,
    /// Nobody dials from an address while the venue bars it.
    Barred,
    /// As the far end sees it, nothing is asked for twice on one connection.
    SubscribedOnce,
    /// What the user wants is there, or something with a deadline is awaited, or the shell owes a
    /// confirmation.
    NoLostWish,
}

/// The first rule that does not hold here.
pub(super) fn judge(world: &World) -> Result<(), Law> {
    match world.breach {
        Some(law) => Err(law),
        None if Who::BOTH.into_iter().all(|who| keeps_wish(world, who)) => Ok(()),
        None => Err(Law::NoLostWish),
    }
}

fn keeps_wish(world: &World, who: Who) -> bool {
    let seat = &world.seats[who as usize];
    let session = world.session(who);
    let (phase, state) = (session.connection().phase(), world.state(who));
    let awaits = match phase {
        _ if seat.user == User::Down => true,
        Phase::Stopped => false,
        // A live stream has a deadline as well: for its silence.
        Phase::Open => session.wake().is_some(),
        Phase::Releasing => matches!(seat.line.socket, Socket::Dropped(_)),
        Phase::Waiting | Phase::Connecting | Phase::Upgrading | Phase::Closing => {
            session.poll_timeout().is_some()
        }
    };
    // What was subscribed on a connection that is down is not any more.
    let connected = matches!(phase, Phase::Open | Phase::Closing);
    let wanted = matches!(state, StreamState::Wanted | StreamState::Refused);
    awaits && (connected || wanted)
}
