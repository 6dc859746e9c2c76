//! Words for what goes in and comes out, for logs and tables.

use core::fmt;

use super::io::{Cause, Fault, Phase, Refusal, Status, Timer};

impl Phase {
    /// The stable name, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Waiting => "waiting",
            Self::Connecting => "connecting",
            Self::Upgrading => "upgrading",
            Self::Open => "open",
            Self::Closing => "closing",
            Self::Releasing => "releasing",
        }
    }
}

impl Timer {
    /// The stable name, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Upgrade => "upgrade",
            Self::Probe => "probe",
            Self::Silence => "silence",
            Self::Data => "data",
            Self::Close => "close",
            Self::Retry => "retry",
            Self::Stable => "stable",
            Self::Rotate => "rotate",
            Self::Quota => "quota",
            Self::Session => "session",
            Self::Fetch => "fetch",
            Self::Weight => "weight",
        }
    }
}

impl Status {
    /// The stable name, for output.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Dialing { .. } => "dialing",
            Self::Open { .. } => "open",
            Self::Down { .. } => "down",
            Self::Waiting { .. } => "waiting",
            Self::Stopped => "stopped",
        }
    }
}

impl Cause {
    /// The stable name of its kind, for output; `Display` says more.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Fault(_) => "fault",
            Self::Eof => "eof",
            Self::Lost(_) => "lost",
            Self::Refused(_) => "refused",
            Self::Violation(_) => "violation",
            Self::Peer(_) => "peer",
            Self::Renewed => "renewed",
            Self::Unsigned => "unsigned",
            Self::Stopped => "stopped",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "the host name cannot be resolved",
            Self::Refused => "connection refused",
            Self::Reset => "connection reset by the peer",
            Self::Unreachable => "host unreachable",
            Self::TimedOut => "the system gave up waiting",
            Self::Certificate => "the certificate is not accepted",
            Self::Tls => "TLS failed",
            Self::Other => "the system reports a failure",
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status, None) => write!(f, "HTTP status {status}"),
            Self::Status(status, Some(after)) => {
                write!(f, "HTTP status {status}, retry after {} s", after.as_secs())
            }
            Self::Handshake(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => fault.fmt(f),
            Self::Eof => f.write_str("the stream ended without a close frame"),
            Self::Lost(timer) => write!(f, "the {} deadline passed", timer.name()),
            Self::Refused(refusal) => write!(f, "the upgrade was refused: {refusal}"),
            Self::Violation(violation) => write!(f, "the peer broke the protocol: {violation}"),
            Self::Peer(1005) => f.write_str("the peer closed without a code"),
            Self::Peer(code) => write!(f, "the peer closed with code {code}"),
            Self::Unsigned => f.write_str("nobody has signed the target of the upgrade request"),
            Self::Renewed => f.write_str("planned renewal"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use core::time::Duration;

    #[test]
    fn a_cause_says_who_and_what() {
        let minute = Some(Duration::from_secs(60));
        let table = [
            (
                Cause::Fault(Fault::Reset),
                "fault",
                "connection reset by the peer",
            ),
            (
                Cause::Lost(Timer::Silence),
                "lost",
                "the silence deadline passed",
            ),
            (Cause::Peer(1001), "peer", "the peer closed with code 1001"),
            (Cause::Peer(1005), "peer", "the peer closed without a code"),
            (
                Cause::Refused(Refusal::Status(429, minute)),
                "refused",
                "the upgrade was refused: HTTP status 429, retry after 60 s",
            ),
        ];
        for (cause, name, sentence) in table {
            assert_eq!((cause.name(), &*cause.to_string()), (name, sentence));
        }
    }
}
