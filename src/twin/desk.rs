//! What one client has asked for.

use super::broken::BadJson;
use super::news::{Feed, Message, Unit};

/// Streams that one connection may have (Binance, "Websocket Limits").
pub(super) const MAX_STREAMS: usize = 1024;

/// What a path of the WebSocket server opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Opening {
    /// The route that the path stands for.
    pub(super) route: &'static str,
    /// Whether payloads come wrapped with the name of their stream.
    pub(super) wrapped: bool,
    /// The unit of time stamps that the client asked for.
    pub(super) unit: Unit,
    /// The streams that the path itself subscribes to.
    pub(super) streams: Vec<String>,
}

/// The standing wishes of one client.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    /// The name that OKX gives to the connection.
    pub(super) name: String,
    /// Empty until an upgrade has been asked for.
    pub(super) route: &'static str,
    /// Whether Binance wraps payloads with the name of their stream.
    pub(super) wrapped: bool,
    pub(super) unit: Unit,
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) access: Access,
}

/// What a client may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// What everybody may.
    Public,
    /// What is served behind a login as well.
    Account,
}

/// One stream of one client.
#[derive(Clone, Debug)]
pub(super) struct Subscription {
    /// The stream's name, as the client wrote it; for OKX `channel:instId`.
    pub(super) name: String,
    /// What it tells; `None` for one that was acknowledged and never says a word.
    pub(super) feed: Option<Feed>,
    pub(super) flow: Flow,
    /// Messages delivered.
    pub(super) delivered: u64,
    /// The highest id delivered, where the stream has ids.
    pub(super) reached: Option<u64>,
}

/// Whether a stream flows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Flowing,
    /// Nothing comes any more, while everything else goes on.
    Silent,
    /// So many messages with ids are treated badly still.
    Disturbed {
        how: Disturbance,
        times: u32,
        kept: Option<Kept>,
    },
}

/// How a message is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disturbance {
    /// It is left out.
    Omitted,
    /// Something unreadable comes in its place.
    Spoiled(BadJson),
    /// It comes twice.
    Doubled,
    /// It comes behind so many that follow it.
    KeptBack { behind: u32 },
}

/// A message that is kept back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) message: Message,
    /// The highest id delivered before it.
    pub(super) since: Option<u64>,
    /// So many others go by still.
    pub(super) behind: u32,
}

impl Flow {
    /// One of its times is over.
    pub(super) fn count_down(&mut self) {
        if let Self::Disturbed { times, .. } = self {
            *times = times.saturating_sub(1);
            if *times == 0 {
                *self = Self::Flowing;
            }
        }
    }
}

impl Desk {
    pub(super) fn find(&self, name: &str) -> Option<&Subscription> {
        self.subscriptions.iter().find(|held| held.name == name)
    }

    /// Adds a stream; one that stands already stays as it is.
    pub(super) fn subscribe(&mut self, name: &str, feed: Option<Feed>) {
        if self.find(name).is_some() || self.subscriptions.len() >= MAX_STREAMS {
            return;
        }
        self.subscriptions.push(Subscription {
            name: name.to_owned(),
            feed,
            flow: Flow::Flowing,
            delivered: 0,
            reached: None,
        });
    }

    pub(super) fn unsubscribe(&mut self, name: &str) {
        self.subscriptions.retain(|held| held.name != name);
    }
}
