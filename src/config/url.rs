//! Base URLs: where a venue's interface is to be found instead of at the venue.

use std::fmt;

use marketprism_core::connection::Endpoint;

/// A scheme pair: plain and over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `ws://`, `wss://`.
    WebSocket,
    /// `http://`, `https://`.
    Rest,
}

/// A base URL, to which paths are appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BaseUrl(Endpoint);

/// What a base URL must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InvalidUrl(Kind);

impl fmt::Display for InvalidUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (plain, secure) = self.0.schemes();
        write!(
            f,
            "{secure}://HOST[:PORT][/PATH] or {plain}://HOST[:PORT][/PATH]"
        )
    }
}

impl Kind {
    const fn schemes(self) -> (&'static str, &'static str) {
        match self {
            Self::WebSocket => ("ws", "wss"),
            Self::Rest => ("http", "https"),
        }
    }
}

impl BaseUrl {
    pub(super) fn parse(kind: Kind, text: &str) -> Result<Self, InvalidUrl> {
        Self::read(kind, text).ok_or(InvalidUrl(kind))
    }

    fn read(kind: Kind, text: &str) -> Option<Self> {
        let (plain, secure) = kind.schemes();
        let (scheme, rest) = text.split_once("://")?;
        let (tls, default_port) = match scheme {
            _ if scheme == plain => (false, 80),
            _ if scheme == secure => (true, 443),
            _ => return None,
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = authority_parts(authority)?;
        let port = match port {
            "" => default_port,
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|port| *port != 0)?
            }
            _ => return None,
        };
        path.bytes().all(is_path_byte).then(|| {
            Self(Endpoint {
                host: host.to_owned(),
                port,
                tls,
                path: path.trim_end_matches('/').to_owned(),
            })
        })
    }

    /// The same server, without a path.
    pub(super) fn server(&self) -> Endpoint {
        Endpoint {
            path: String::new(),
            ..self.0.clone()
        }
    }

    /// Where `path` is to be found under this base.
    pub(super) fn join(&self, path: &str) -> Endpoint {
        let mut endpoint = self.0.clone();
        endpoint.path.push_str(path);
        endpoint
    }
}

/// An endpoint as the URL of a WebSocket.
pub(crate) struct WebSocketUrl<'a>(pub(crate) &'a Endpoint);

impl fmt::Display for WebSocketUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_url(f, Kind::WebSocket, self.0)
    }
}

/// An endpoint as the base URL of a REST interface.
pub(crate) struct RestUrl<'a>(pub(crate) &'a Endpoint);

impl fmt::Display for RestUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_url(f, Kind::Rest, self.0)
    }
}

fn write_url(f: &mut fmt::Formatter<'_>, kind: Kind, endpoint: &Endpoint) -> fmt::Result {
    let Endpoint {
        host,
        port,
        tls,
        path,
    } = endpoint;
    let (plain, secure) = kind.schemes();
    let scheme = if *tls { secure } else { plain };
    if host.contains(':') {
        write!(f, "{scheme}://[{host}]")?;
    } else {
        write!(f, "{scheme}://{host}")?;
    }
    if *port != if *tls { 443 } else { 80 } {
        write!(f, ":{port}")?;
    }
    f.write_str(path)
}

/// Host, without brackets, and port, which may be missing.
fn authority_parts(authority: &str) -> Option<(&str, &str)> {
    if let Some(bracketed) = authority.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        return match rest {
            "" => Some((host, "")),
            _ => rest.strip_prefix(':').map(|port| (host, port)),
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (authority, ""),
    };
    is_host(host).then_some((host, port))
}

/// Whether this may be a host name (RFC 1123, section 2.1, and the underscore that exists) or an
/// address of version 4.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    host.len() <= 253 && host.split('.').all(label)
}

/// What a path may hold unescaped (RFC 3986, section 3.3), and the percent sign of escapes.
fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_read_and_written() {
        let table = [
            ("wss://stream.binance.com", "wss://stream.binance.com"),
            ("wss://stream.binance.com:443/", "wss://stream.binance.com"),
            (
                "wss://stream.binance.com:9443",
                "wss://stream.binance.com:9443",
            ),
            ("ws://localhost:80/a/b/", "ws://localhost/a/b"),
            ("ws://127.0.0.1:65535", "ws://127.0.0.1:65535"),
            ("wss://[::1]:8443/x", "wss://[::1]:8443/x"),
            ("ws://[::1]", "ws://[::1]"),
        ];
        for (text, written) in table {
            let url = BaseUrl::parse(Kind::WebSocket, text).unwrap();
            assert_eq!(WebSocketUrl(&url.join("")).to_string(), written);
            let joined = url.join("/stream");
            assert_eq!(
                WebSocketUrl(&joined).to_string(),
                format!("{written}/stream")
            );
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        let refused = [
            "",
            "localhost",
            "localhost:80",
            "http://localhost",
            "wss:/localhost",
            "wss://",
            "wss:///path",
            "wss://:443",
            "wss://host:",
            "wss://host:0",
            "wss://host:65536",
            "wss://host:-1",
            "wss://host:+1",
            "wss://user@host",
            "wss://a..b",
            "wss://h\u{f6}st",
            "wss://host/a b",
            "wss://host?x=1",
            "wss://host/?x=1",
            "wss://host/#x",
            "wss://[::1",
            "wss://[::1]443",
            "wss://[localhost]",
            "WSS://host",
        ];
        for text in refused {
            assert_eq!(
                BaseUrl::parse(Kind::WebSocket, text),
                Err(InvalidUrl(Kind::WebSocket)),
                "{text}"
            );
        }
        let rest = BaseUrl::parse(Kind::Rest, "https://host").unwrap().join("");
        assert_eq!(RestUrl(&rest).to_string(), "https://host");
        assert!(BaseUrl::parse(Kind::Rest, "wss://host").is_err());
    }
}
