//! What the kernel is told of a connected socket.

use std::io;

use socket2::SockRef;

/// Sends what is written at once, and bounds how long the kernel waits for an acknowledgement.
///
/// # Errors
///
/// If the socket will not have TCP_NODELAY: then it is no TCP socket, or no longer one.
pub fn set_options<'s, S>(stream: &'s S) -> io::Result<()>
where
    SockRef<'s>: From<&'s S>,
{
    let socket = SockRef::from(stream);
    socket.set_tcp_nodelay(true)?;
    bound_the_unacknowledged(&socket);
    Ok(())
}

/// Lets the kernel wait for a minute for an acknowledgement of what was sent (RFC 5482), instead
/// of a quarter of an hour.
///
/// No deadline of a session depends on it: the core's come first. It bounds what the kernel
/// holds when the far end is gone, and a kernel that will not have it is no reason not to dial.
#[cfg(target_os = "linux")]
fn bound_the_unacknowledged(socket: &SockRef<'_>) {
    let limit = std::time::Duration::from_secs(60);
    let _best_effort = socket.set_tcp_user_timeout(Some(limit));
}

/// Other systems have no such option.
#[cfg(not(target_os = "linux"))]
fn bound_the_unacknowledged(_: &SockRef<'_>) {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_socket_sends_at_once_and_waits_for_a_minute() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        set_options(&stream).unwrap();
        assert!(stream.nodelay().unwrap());
        #[cfg(target_os = "linux")]
        assert_eq!(
            SockRef::from(&stream).tcp_user_timeout().unwrap(),
            Some(std::time::Duration::from_secs(60))
        );
    }
}
