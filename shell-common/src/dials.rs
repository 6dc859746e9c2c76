//! What a shell remembers from one dial of a machine to the next.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use marketprism_core::connection::Endpoint;
use marketprism_core::fleet::MachineId;

use crate::tls::Tls;

/// Whom each machine trusts, and which address of its host it dials first.
#[derive(Debug)]
pub struct Dials {
    tls: Tls,
    own: BTreeMap<MachineId, Tls>,
    first: BTreeMap<MachineId, First>,
}

impl Dials {
    /// Every machine trusts `tls`.
    #[must_use]
    pub const fn new(tls: Tls) -> Self {
        Self {
            tls,
            own: BTreeMap::new(),
            first: BTreeMap::new(),
        }
    }

    /// Lets one machine trust something else.
    pub fn set_tls(&mut self, id: MachineId, tls: Tls) {
        self.own.insert(id, tls);
    }

    /// What TLS a dial of this machine speaks, `None` for plain TCP, and where it begins.
    pub fn next(&mut self, id: MachineId, endpoint: &Endpoint) -> (Option<Tls>, First) {
        let tls = endpoint.tls.then(|| self.own.get(&id).unwrap_or(&self.tls));
        (tls.cloned(), self.first.entry(id).or_default().clone())
    }
}

/// The index of the address that a machine's next dial tries first: the one that worked last,
/// or the one after that which failed or hung. Without it, a first address that swallows every
/// packet would eat the whole deadline of every dial.
///
/// Clones are the same one, because a dial may be dropped at any time.
#[derive(Clone, Debug, Default)]
pub struct First(Arc<AtomicUsize>);

/// The addresses of a host in the order in which a dial tries them, each once.
#[derive(Debug)]
pub struct Addresses {
    all: Vec<SocketAddr>,
    first: First,
    /// Where it began, and how many have been tried.
    begin: usize,
    tried: usize,
}

impl Addresses {
    /// These, beginning where the last dial is to be followed up.
    #[must_use]
    pub fn new(all: Vec<SocketAddr>, first: First) -> Self {
        let begin = first.0.load(Ordering::Relaxed);
        Self {
            all,
            first,
            begin,
            tried: 0,
        }
    }

    /// The address that was tried last works to the end; the next dial begins with it.
    pub fn worked(&self) {
        if let Some(last) = self.tried.checked_sub(1) {
            self.first.0.store(self.index(last), Ordering::Relaxed);
        }
    }

    /// Where the one that is tried so many places behind the first stands.
    fn index(&self, place: usize) -> usize {
        let round = self.begin.wrapping_add(place);
        round.checked_rem(self.all.len()).unwrap_or(0)
    }
}

impl Iterator for Addresses {
    type Item = SocketAddr;

    /// The next one to try, once the socket of the one before is closed.
    fn next(&mut self) -> Option<SocketAddr> {
        if self.tried >= self.all.len() {
            return None;
        }
        let index = self.index(self.tried);
        self.tried += 1;
        // Unless it works, the next dial begins behind it.
        self.first.0.store(index + 1, Ordering::Relaxed);
        self.all.get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(first: &First) -> Addresses {
        let all = (1..=3).map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        Addresses::new(all.collect(), first.clone())
    }

    fn ports(addresses: &mut Addresses, count: usize) -> Vec<u16> {
        addresses
            .take(count)
            .map(|address| address.port())
            .collect()
    }

    #[test]
    fn the_dial_after_one_that_was_given_up_begins_at_the_next_address() {
        let first = First::default();
        assert_eq!(ports(&mut addresses(&first), 2), [1, 2]);
        assert_eq!(ports(&mut addresses(&first), 4), [3, 1, 2], "round the end");
        assert_eq!(ports(&mut addresses(&first), 1), [3], "once each");
    }

    #[test]
    fn the_address_that_worked_is_tried_first_again() {
        let first = First::default();
        for _ in 0..2 {
            let mut addresses = addresses(&first);
            assert_eq!(ports(&mut addresses, 9)[..1], [1]);
        }
        let mut addresses_of_now = addresses(&first);
        assert_eq!(ports(&mut addresses_of_now, 2), [1, 2]);
        addresses_of_now.worked();
        assert_eq!(ports(&mut addresses(&first), 1), [2]);
    }

    #[test]
    fn a_host_that_has_fewer_addresses_now_is_tried_all_the_same() {
        let first = First::default();
        first.0.store(7, Ordering::Relaxed);
        assert_eq!(ports(&mut addresses(&first), 3), [2, 3, 1]);
        let mut none = Addresses::new(Vec::new(), first);
        assert_eq!(none.next(), None);
        none.worked();
    }
}
