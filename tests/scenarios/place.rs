//! Where a machine stands, as finely as its transitions tell apart, and the names of what can
//! happen to it: the columns and rows of the core's own table.

use marketprism_core::connection::Phase;

/// The table that the core's transitions are tested against: every place, every stimulus, and
/// where it leads.
pub(crate) const TABLE: &str = include_str!("../../core/src/connection/tests/table.txt");

/// A phase; `Closing` is told apart by how far the farewell has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Stopped,
    Waiting,
    Connecting,
    Upgrading,
    Open,
    /// Our close frame is on its way.
    Asked,
    /// The peer has closed too, or broke the protocol.
    Said,
    /// The peer has ended the stream, and what is queued is still written.
    Flushing,
    Releasing,
}

impl Place {
    /// In the order of the table's columns.
    pub(crate) const ALL: [Self; 9] = [
        Self::Stopped,
        Self::Waiting,
        Self::Connecting,
        Self::Upgrading,
        Self::Open,
        Self::Asked,
        Self::Said,
        Self::Flushing,
        Self::Releasing,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Stopped => "Stopped",
            Self::Waiting => "Waiting",
            Self::Connecting => "Connecting",
            Self::Upgrading => "Upgrading",
            Self::Open => "Open",
            Self::Asked => "Asked",
            Self::Said => "Said",
            Self::Flushing => "Flushing",
            Self::Releasing => "Releasing",
        }
    }

    /// By its name, or by the two letters of its column.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let columns = ["St", "Wa", "Co", "Up", "Op", "Ca", "Cs", "Cf", "Re"];
        let mut places = Self::ALL.into_iter().zip(columns);
        let found = places.find(|(place, column)| place.name() == name || *column == name);
        found.map(|(place, _)| place)
    }

    /// Where a stimulus has led that left the machine in `phase`.
    pub(crate) fn after(self, stimulus: &str, phase: Phase) -> Self {
        let over = matches!(stimulus, "PeerClosed" | "Violation");
        match (phase, self) {
            (Phase::Stopped, _) => Self::Stopped,
            (Phase::Waiting, _) => Self::Waiting,
            (Phase::Connecting, _) => Self::Connecting,
            (Phase::Upgrading, _) => Self::Upgrading,
            (Phase::Open, _) => Self::Open,
            (Phase::Releasing, _) => Self::Releasing,
            (Phase::Closing, Self::Said) if stimulus == "Eof" => Self::Flushing,
            (Phase::Closing, Self::Said | Self::Flushing) => self,
            (Phase::Closing, _) if over => Self::Said,
            (Phase::Closing, _) => Self::Asked,
        }
    }
}
