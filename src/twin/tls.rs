//! What can go wrong with TLS.

/// What becomes of a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HandshakeFault {
    /// The client's first message is swallowed.
    Hang,
    /// The server's first message stops in the middle.
    HangMidway,
    /// The stream ends in the middle of the server's first message.
    Cut,
    /// The server speaks HTTP in plain text.
    PlainHttp,
    /// The server's certificate is not one to accept.
    Certificate(Flaw),
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// It is another host's.
    WrongName,
    /// Its time is over.
    Expired,
    /// Nobody has heard of the authority that signed it.
    UnknownAuthority,
}

/// What becomes of a stream of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordFault {
    /// The TCP stream ends in the middle of a record.
    Cut,
    /// A byte of a record arrives changed.
    Corrupt,
    /// Plain text arrives between two records.
    Garbage,
    /// The server believes that a record of the client's was corrupted: a fatal alert, and the
    /// end of the stream.
    Alert,
    /// TLS is closed in good order, and the TCP stream stays open.
    CloseNotify,
}

impl HandshakeFault {
    pub(super) const ALL: [Self; 7] = [
        Self::Hang,
        Self::HangMidway,
        Self::Cut,
        Self::PlainHttp,
        Self::Certificate(Flaw::WrongName),
        Self::Certificate(Flaw::Expired),
        Self::Certificate(Flaw::UnknownAuthority),
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Hang => "tls-hang",
            Self::HangMidway => "tls-hang-midway",
            Self::Cut => "tls-handshake-cut",
            Self::PlainHttp => "tls-plain-http",
            Self::Certificate(Flaw::WrongName) => "certificate-wrong-name",
            Self::Certificate(Flaw::Expired) => "certificate-expired",
            Self::Certificate(Flaw::UnknownAuthority) => "certificate-unknown-authority",
        }
    }
}

impl RecordFault {
    pub(super) const ALL: [Self; 5] = [
        Self::Cut,
        Self::Corrupt,
        Self::Garbage,
        Self::Alert,
        Self::CloseNotify,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Cut => "tls-record-cut",
            Self::Corrupt => "tls-record-corrupt",
            Self::Garbage => "tls-garbage",
            Self::Alert => "tls-alert",
            Self::CloseNotify => "tls-close-notify",
        }
    }
}
