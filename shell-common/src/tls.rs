//! TLS: whom to trust, and how to speak.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use marketprism_core::connection::Fault;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// The certificate authorities that are trusted, and what is offered in the handshake.
///
/// TLS 1.2 and 1.3 by rustls over ring; the provider is passed explicitly, so that no other
/// crate of the process can change it. Cloning is cheap and shares the session cache.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
    /// The same trust for requests over REST.
    of_requests: TlsConfig,
}

/// What the handshake offers as application protocol (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alpn {
    /// No extension at all, as most WebSocket clients do.
    Absent,
    /// `http/1.1`, for servers that would otherwise choose HTTP/2.
    Http1,
}

/// Why no [`Tls`] could be made. Each displays as one sentence.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// The file could not be read.
    Unreadable(PathBuf, io::Error),
    /// The file is not PEM, or is broken.
    Pem(PathBuf, pem::Error),
    /// The file holds no certificate.
    Empty(PathBuf),
    /// A certificate of the file, counted from 1, cannot be used as an authority.
    Certificate(PathBuf, usize, rustls::Error),
    /// The system offers no usable certificate authority; the first error it met, if any.
    NoNative(Option<rustls_native_certs::Error>),
    /// The provider cannot serve the protocol versions.
    Provider(rustls::Error),
}

impl Tls {
    /// Trusts the authorities that Mozilla trusts, as compiled in.
    ///
    /// # Errors
    ///
    /// [`TlsError::Provider`].
    pub fn webpki() -> Result<Self, TlsError> {
        let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        Self::trusting(roots, RootCerts::WebPki)
    }

    /// Trusts the authorities that the system trusts, those of a company included.
    ///
    /// # Errors
    ///
    /// [`TlsError::NoNative`] if there is none, [`TlsError::Provider`].
    pub fn native() -> Result<Self, TlsError> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (usable, _) = roots.add_parsable_certificates(found.certs.iter().cloned());
        if usable == 0 {
            return Err(TlsError::NoNative(found.errors.into_iter().next()));
        }
        Self::trusting(roots, of_requests(&found.certs))
    }

    /// Trusts the authorities in a PEM file, and no other.
    ///
    /// # Errors
    ///
    /// Every [`TlsError`] but [`TlsError::NoNative`].
    pub fn ca_file(path: impl AsRef<Path>) -> Result<Self, TlsError> {
        let (roots, certificates) = roots_of(path.as_ref())?;
        Self::trusting(roots, of_requests(&certificates))
    }

    /// The same trust, with another offer of application protocols; [`Alpn::Absent`] unless
    /// told.
    #[must_use]
    pub fn offering(mut self, alpn: Alpn) -> Self {
        Arc::make_mut(&mut self.config).alpn_protocols = match alpn {
            Alpn::Absent => Vec::new(),
            Alpn::Http1 => vec![b"http/1.1".to_vec()],
        };
        self
    }

    /// `same` are the roots once more, as the library for requests takes them.
    fn trusting(roots: RootCertStore, same: RootCerts) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let of_requests = TlsConfig::builder()
            .root_certs(same)
            .unversioned_rustls_crypto_provider(Arc::clone(&provider))
            .build();
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Provider)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            config: Arc::new(config),
            of_requests,
        })
    }

    /// The settings of requests over REST.
    pub(crate) fn of_requests(&self) -> TlsConfig {
        self.of_requests.clone()
    }

    /// Whether both are one and the same, or copies.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.config, &other.config)
    }

    /// The settings of a client's end.
    #[must_use]
    pub const fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }

    /// What the certificate of a host must name: a name, or an address where the host is one.
    ///
    /// # Errors
    ///
    /// [`Fault::Tls`] if the host is neither.
    pub fn server_name(host: &str) -> Result<ServerName<'static>, Fault> {
        ServerName::try_from(host.to_owned()).map_err(|_| Fault::Tls)
    }
}

fn of_requests(certificates: &[CertificateDer<'_>]) -> RootCerts {
    let certificates = certificates.iter();
    let certificates = certificates.map(|one| Certificate::from_der(one).to_owned());
    RootCerts::from(certificates)
}

type Roots = (RootCertStore, Vec<CertificateDer<'static>>);

fn roots_of(path: &Path) -> Result<Roots, TlsError> {
    let text = std::fs::read(path).map_err(|error| TlsError::Unreadable(path.into(), error))?;
    let (mut roots, mut certificates) = (RootCertStore::empty(), Vec::new());
    for (index, certificate) in CertificateDer::pem_slice_iter(&text).enumerate() {
        let certificate = certificate.map_err(|error| TlsError::Pem(path.into(), error))?;
        roots
            .add(certificate.clone())
            .map_err(|error| TlsError::Certificate(path.into(), index + 1, error))?;
        certificates.push(certificate);
    }
    if roots.is_empty() {
        return Err(TlsError::Empty(path.into()));
    }
    Ok((roots, certificates))
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => {
                write!(f, "cannot read the CA file {}: {error}", path.display())
            }
            Self::Pem(path, error) => {
                write!(
                    f,
                    "the CA file {} is not valid PEM: {error}",
                    path.display()
                )
            }
            Self::Empty(path) => {
                write!(f, "the CA file {} holds no certificate", path.display())
            }
            Self::Certificate(path, number, error) => write!(
                f,
                "certificate {number} of the CA file {} cannot serve as an authority: {error}",
                path.display()
            ),
            Self::NoNative(Some(error)) => {
                write!(f, "the system offers no certificate authority: {error}")
            }
            Self::NoNative(None) => write!(f, "the system offers no certificate authority"),
            Self::Provider(error) => write!(f, "TLS cannot be set up: {error}"),
        }
    }
}

impl Error for TlsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreadable(_, error) => Some(error),
            Self::Pem(_, error) => Some(error),
            Self::Certificate(_, _, error) | Self::Provider(error) => Some(error),
            Self::NoNative(Some(error)) => Some(error),
            Self::NoNative(None) | Self::Empty(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, text: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("marketprism-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        path
    }

    fn sentence(name: &str, text: &str) -> String {
        let path = written(name, text);
        let error = Tls::ca_file(&path).unwrap_err();
        std::fs::remove_file(&path).unwrap();
        error.to_string().replace(path.to_str().unwrap(), "PATH")
    }

    #[test]
    fn the_compiled_in_roots_are_there() {
        let tls = Tls::webpki().unwrap();
        assert!(tls.config.alpn_protocols.is_empty());
        let tls = tls.offering(Alpn::Http1);
        assert_eq!(tls.config.alpn_protocols, [b"http/1.1"]);
    }

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for host in ["stream.example", "127.0.0.1", "::1"] {
            assert_eq!(Tls::server_name(host).unwrap().to_str(), host);
        }
        assert_eq!(Tls::server_name("no name"), Err(Fault::Tls));
    }

    #[test]
    fn each_error_is_one_sentence_that_names_the_file() {
        let missing = Tls::ca_file("/nonexistent/ca.pem").unwrap_err().to_string();
        assert!(missing.starts_with("cannot read the CA file /nonexistent/ca.pem: "));
        assert_eq!(
            sentence("empty", "nothing here\n"),
            "the CA file PATH holds no certificate"
        );
        let cut = sentence("cut", "-----BEGIN CERTIFICATE-----\nAAAA\n");
        assert!(
            cut.starts_with("the CA file PATH is not valid PEM: "),
            "{cut}"
        );
        let wrong = sentence(
            "wrong",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        );
        assert!(
            wrong.starts_with("certificate 1 of the CA file PATH cannot serve as an authority: "),
            "{wrong}"
        );
    }
}
