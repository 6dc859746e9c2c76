//! Drives the sans-IO core over real sockets with mio and rustls.
