//! Drives the sans-IO core over real sockets with tokio and rustls.
