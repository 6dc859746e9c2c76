//! What the core cares to know about an error of the system or of TLS.

use std::io::{self, ErrorKind};

use marketprism_core::connection::Fault;

/// The core's word for an error of a socket; one of TLS may be wrapped in it.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the list of kinds is open, and most of them say nothing of a network"
)]
#[must_use]
pub fn fault(error: &io::Error) -> Fault {
    if let Some(inner) = error.get_ref()
        && let Some(tls) = inner.downcast_ref::<rustls::Error>()
    {
        return tls_fault(tls);
    }
    match error.kind() {
        ErrorKind::ConnectionRefused => Fault::Refused,
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            Fault::Reset
        }
        ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::AddrNotAvailable => Fault::Unreachable,
        ErrorKind::TimedOut => Fault::TimedOut,
        _ => Fault::Other,
    }
}

/// The core's word for an error of TLS.
#[must_use]
pub const fn tls_fault(error: &rustls::Error) -> Fault {
    let refused = matches!(
        error,
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented
    );
    if refused {
        Fault::Certificate
    } else {
        Fault::Tls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_become_faults() {
        for (kind, expected) in [
            (ErrorKind::ConnectionRefused, Fault::Refused),
            (ErrorKind::ConnectionReset, Fault::Reset),
            (ErrorKind::ConnectionAborted, Fault::Reset),
            (ErrorKind::BrokenPipe, Fault::Reset),
            (ErrorKind::HostUnreachable, Fault::Unreachable),
            (ErrorKind::NetworkUnreachable, Fault::Unreachable),
            (ErrorKind::NetworkDown, Fault::Unreachable),
            (ErrorKind::AddrNotAvailable, Fault::Unreachable),
            (ErrorKind::TimedOut, Fault::TimedOut),
            (ErrorKind::PermissionDenied, Fault::Other),
        ] {
            assert_eq!(fault(&io::Error::from(kind)), expected, "{kind:?}");
        }
    }

    #[test]
    fn errors_of_tls_become_faults() {
        let wrapped = |error| io::Error::new(ErrorKind::InvalidData, error);
        let expired = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        assert_eq!(fault(&wrapped(expired)), Fault::Certificate);
        assert_eq!(fault(&wrapped(rustls::Error::DecryptError)), Fault::Tls);
    }
}
