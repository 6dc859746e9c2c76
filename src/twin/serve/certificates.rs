//! TLS for loopback: an authority made on the spot, and a certificate that it signed.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use crate::twin::tls::Flaw;

/// The names that a good certificate is for.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A certificate for this machine's own use, and the authority that vouches for it; and others that no
/// client may accept. All live as long as the process; the authority's certificate can be given
/// to clients, its key to nobody.
#[derive(Clone)]
pub struct Certificates {
    authority: String,
    good: Arc<ServerConfig>,
    wrong_name: Arc<ServerConfig>,
    expired: Arc<ServerConfig>,
    foreign: Arc<ServerConfig>,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

/// Why no certificates could be made.
#[derive(Debug)]
pub enum CertificateError {
    /// They could not be written or signed.
    Made(rcgen::Error),
    /// They cannot be served.
    Served(rustls::Error),
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Made(error) => write!(f, "cannot make a certificate: {error}"),
            Self::Served(error) => write!(f, "cannot serve the certificate: {error}"),
        }
    }
}

impl std::error::Error for CertificateError {}

impl From<rcgen::Error> for CertificateError {
    fn from(error: rcgen::Error) -> Self {
        Self::Made(error)
    }
}

impl From<rustls::Error> for CertificateError {
    fn from(error: rustls::Error) -> Self {
        Self::Served(error)
    }
}

impl Certificates {
    /// Makes an authority and a certificate for `localhost`, `127.0.0.1` and `::1`, and one of
    /// each [`Flaw`].
    ///
    /// # Errors
    ///
    /// As [`generate_for`](Self::generate_for).
    pub fn generate() -> Result<Self, CertificateError> {
        Self::generate_for(Ipv4Addr::LOCALHOST.into())
    }

    /// The same for one more address.
    ///
    /// # Errors
    ///
    /// The system has no randomness to give, or the crypto provider refuses its own work.
    pub fn generate_for(address: IpAddr) -> Result<Self, CertificateError> {
        let authority = authority_named("MarketPrism twin authority")?;
        let nobody = authority_named("Nobody's authority")?;
        let mut names = NAMES.map(str::to_owned).to_vec();
        names.push(address.to_string());
        let good = CertificateParams::new(names)?;
        let mut expired = good.clone();
        expired.not_after = date_time_ymd(2020, 1, 1);
        let wrong_name = CertificateParams::new(["elsewhere.example".to_owned()])?;
        Ok(Self {
            authority: authority.pem(),
            foreign: served(&good, &nobody)?,
            good: served(&good, &authority)?,
            wrong_name: served(&wrong_name, &authority)?,
            expired: served(&expired, &authority)?,
        })
    }

    /// The authority's certificate in PEM, for clients to trust.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Writes the authority's certificate to a file.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn write_authority(&self, path: impl AsRef<Path>) -> io::Result<()> {
        std::fs::write(path, &self.authority)
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.good))
    }

    pub(super) fn flawed(&self, flaw: Flaw) -> TlsAcceptor {
        let config = match flaw {
            Flaw::WrongName => &self.wrong_name,
            Flaw::Expired => &self.expired,
            Flaw::UnknownAuthority => &self.foreign,
        };
        TlsAcceptor::from(Arc::clone(config))
    }
}

/// A server that has a certificate of this kind, with a key of its own. It resumes no session of
/// another's, so each client that comes to it sees the certificate.
fn served(
    params: &CertificateParams,
    authority: &Authority,
) -> Result<Arc<ServerConfig>, CertificateError> {
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, authority)?;
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.into()], private)?;
    Ok(Arc::new(config))
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority_named(name: &str) -> Result<Authority, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}
