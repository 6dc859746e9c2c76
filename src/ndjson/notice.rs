//! What venues announce, and what becomes of the key of an account's stream.

use marketprism_core::UnixNanos;
use marketprism_core::session::{KeyChange, Notice};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct NoticeLine {
    notice: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<i64>,
}

pub(super) fn notice_line(notice: Notice) -> NoticeLine {
    match notice {
        Notice::Shutdown { sent_time } => NoticeLine {
            notice: "shutdown",
            sent_ns: sent_time.map(UnixNanos::as_nanos),
            code: None,
        },
        Notice::AccountEnded { sent_time } => NoticeLine {
            notice: "account_ended",
            sent_ns: sent_time.map(UnixNanos::as_nanos),
            code: None,
        },
        Notice::Other { code } => NoticeLine {
            notice: "other",
            sent_ns: None,
            code: Some(i64::from(code)),
        },
        Notice::Error(rejection) => NoticeLine {
            notice: "error",
            sent_ns: None,
            code: Some(rejection.code),
        },
    }
}

/// The key itself is nowhere near.
#[derive(Serialize)]
pub(super) struct KeyLine {
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

pub(super) fn key_line(change: KeyChange) -> KeyLine {
    let rejection = match change {
        KeyChange::NotObtained(rejection) | KeyChange::NotRenewed(rejection) => Some(rejection),
        KeyChange::Obtained | KeyChange::Renewed | KeyChange::Ended => None,
    };
    KeyLine {
        change: change.name(),
        code: rejection.map(|rejection| rejection.code),
        reason: rejection.map(|rejection| rejection.reason.name()),
    }
}
