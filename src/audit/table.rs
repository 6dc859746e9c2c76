//! The kernel's own table of this process's TCP sockets (Linux: `/proc/net/tcp`, `/proc/self/fd`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

/// A TCP socket that this process holds open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Socket {
    pub(crate) local_port: u16,
    pub(crate) remote_port: u16,
    pub(crate) state: State,
    /// The kernel's number of the socket; it tells two sockets apart that follow each other.
    pub(crate) inode: u64,
}

/// What the kernel says of a socket, as far as anybody here asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Established,
    /// The peer has closed and we have not.
    CloseWait,
    Listening,
    Other,
}

/// Sockets of which version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

/// The TCP sockets of this process, in no order.
///
/// The table is read before the descriptors. A socket counts if it stands in both, so two count
/// only if both were open when the reading of the table ended: a socket that replaces another
/// while we read is never mistaken for a second one.
///
/// # Errors
///
/// There is no `/proc`, or it cannot be read.
pub(crate) fn own_sockets(family: Family) -> io::Result<Vec<Socket>> {
    let table = match (family, fs::read_to_string(family.table())) {
        (_, Ok(table)) => table,
        // A kernel without IPv6.
        (Family::V6, Err(error)) if error.kind() == io::ErrorKind::NotFound => String::new(),
        (_, Err(error)) => return Err(error),
    };
    let mut sockets = rows(&table);
    let own = own_inodes()?;
    sockets.retain(|socket| own.contains(&socket.inode));
    Ok(sockets)
}

impl Family {
    const fn table(self) -> &'static str {
        match self {
            Self::V4 => "/proc/self/net/tcp",
            Self::V6 => "/proc/self/net/tcp6",
        }
    }
}

fn own_inodes() -> io::Result<BTreeSet<u64>> {
    let mut inodes = BTreeSet::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        // A descriptor that is closed by now has nothing to tell.
        let Ok(target) = fs::read_link(entry?.path()) else {
            continue;
        };
        inodes.extend(target.to_str().and_then(socket_inode));
    }
    Ok(inodes)
}

fn socket_inode(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?
        .strip_suffix(']')?
        .parse()
        .ok()
}

/// The rows of a table in the form of `/proc/net/tcp`; whatever is no row is passed over. The
/// table may change while it is read, and then a row can come twice.
fn rows(table: &str) -> Vec<Socket> {
    let rows = table.lines().filter_map(row);
    let distinct: BTreeMap<_, _> = rows.map(|socket| (socket.inode, socket)).collect();
    distinct.into_values().collect()
}

/// `0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4711 …`
fn row(line: &str) -> Option<Socket> {
    let mut columns = line.split_ascii_whitespace().skip(1);
    let local_port = port(columns.next()?)?;
    let remote_port = port(columns.next()?)?;
    let state = match columns.next()? {
        "01" => State::Established,
        "08" => State::CloseWait,
        "0A" => State::Listening,
        _ => State::Other,
    };
    // Queues, timer, retransmissions, user, timeout.
    let inode = columns.nth(5)?.parse().ok()?;
    Some(Socket {
        local_port,
        remote_port,
        state,
        inode,
    })
}

fn port(address: &str) -> Option<u16> {
    u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 100 0 0 10 0
   1: 0100007F:A1B2 0100007F:1F90 08 00000000:00000000 02:000A7214 00000000  1000        0 4712 2 0000000000000000 20 4 30 10 -1
   2: 0100007F:A1B3 0100007F:1F90 06 00000000:00000000 03:00001770 00000000     0        0 0 3 0000000000000000
";

    #[test]
    fn rows_tell_ports_state_and_inode() {
        let listening = Socket {
            local_port: 8080,
            remote_port: 0,
            state: State::Listening,
            inode: 4711,
        };
        let half_closed = Socket {
            local_port: 0xA1B2,
            remote_port: 8080,
            state: State::CloseWait,
            inode: 4712,
        };
        // What is in TIME_WAIT belongs to nobody.
        assert_eq!(rows(TABLE)[0].inode, 0);
        assert_eq!(rows(TABLE)[1..], [listening, half_closed]);
    }

    #[test]
    fn a_row_that_comes_twice_is_one_socket() {
        assert_eq!(rows(&TABLE.repeat(3)), rows(TABLE));
    }

    #[test]
    fn addresses_of_version_6_are_read_too() {
        let line = "1: 00000000000000000000000001000000:0050 \
                    00000000000000000000000001000000:01BB 01 0:0 0:0 0 0 0 99 1";
        let socket = row(line).map(|socket| (socket.local_port, socket.remote_port, socket.inode));
        assert_eq!(socket, Some((80, 443, 99)));
    }

    #[test]
    fn what_is_no_row_is_passed_over() {
        for line in [
            "",
            "0:",
            "0: x y z",
            "0: 1:1 1:1 01 0 0 0 0 0 x",
            "sl local rem st",
        ] {
            assert_eq!(row(line), None, "{line}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_socket_of_ours_is_found_with_its_port() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let listens =
            |socket: &Socket| (socket.local_port, socket.state) == (port, State::Listening);
        assert!(own_sockets(Family::V4).unwrap().iter().any(listens));
        drop(listener);
        assert!(!own_sockets(Family::V4).unwrap().iter().any(listens));
    }
}
