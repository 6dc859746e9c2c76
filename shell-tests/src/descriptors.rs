//! What this process holds of the kernel's sockets.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;

/// How many sockets of this process are connected, or about to be, to this address of loopback;
/// the far ends of these, which the tests hold as well, do not count. `None` where the system
/// has no such tables.
#[must_use]
pub fn sockets_to(address: SocketAddr) -> Option<usize> {
    let own: BTreeSet<String> = fs::read_dir("/proc/self/fd")
        .ok()?
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|target| inode(target.to_str()?))
        .collect();
    let table = fs::read_to_string("/proc/self/net/tcp").ok()?;
    let far_port = format!(":{:04X}", address.port());
    let to_it = table.lines().skip(1).filter(|line| {
        let mut fields = line.split_whitespace();
        let far = fields.nth(2).unwrap_or_default();
        let inode = fields.nth(6).unwrap_or_default();
        far.ends_with(&far_port) && own.contains(inode)
    });
    Some(to_it.count())
}

/// The number in `socket:[12345]`.
fn inode(target: &str) -> Option<String> {
    let number = target.strip_prefix("socket:[")?.strip_suffix(']')?;
    Some(number.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_socket_counts_until_it_is_closed_and_its_far_end_does_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let Some(before) = sockets_to(address) else {
            return;
        };
        let stream = TcpStream::connect(address).unwrap();
        let (_far, _) = listener.accept().unwrap();
        assert_eq!((before, sockets_to(address)), (0, Some(1)));
        drop(stream);
        assert_eq!(sockets_to(address), Some(0));
    }
}
