//! Authorities of our own, and servers that they vouch for.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use marketprism_shell::Tls;
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::{ServerConfig, SupportedProtocolVersion};

/// An authority and a server that it vouches for.
pub struct Authority {
    /// A client's trust in it.
    pub tls: Tls,
    /// The server's end.
    pub server: ServerConfig,
}

impl Authority {
    /// One for a server that is called `host` and speaks every version.
    ///
    /// # Panics
    ///
    /// If the certificates cannot be made.
    #[must_use]
    pub fn of(host: &str) -> Self {
        Self::speaking(host, rustls::DEFAULT_VERSIONS)
    }

    /// The same for a server that speaks these versions of TLS.
    ///
    /// # Panics
    ///
    /// If the certificates cannot be made.
    #[must_use]
    pub fn speaking(host: &str, versions: &[&'static SupportedProtocolVersion]) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap();

        let own = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new([host.to_owned()]).unwrap();
        let leaf = leaf.signed_by(&own, &Issuer::new(params, key)).unwrap();
        let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.into()], own.into())
            .unwrap();
        Self {
            tls: trusting(&root),
            server,
        }
    }
}

/// By way of a file, as users do it.
fn trusting(root: &Certificate) -> Tls {
    static FILES: AtomicUsize = AtomicUsize::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let name = format!("marketprism-{}-{number}.pem", std::process::id());
    let path: PathBuf = std::env::temp_dir().join(name);
    std::fs::write(&path, root.pem()).unwrap();
    let tls = Tls::ca_file(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    tls
}
