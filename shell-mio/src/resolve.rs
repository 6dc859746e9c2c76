//! Host names, without blocking the loop.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, OnceLock, Weak};
use std::thread;

use crate::wake::Bell;

/// Looks host names up.
///
/// The system's resolver blocks, for minutes when its servers are gone, and cannot be called
/// off. So each lookup has a thread of its own, which ends with the answer, and a dial of a host
/// whose lookup is still under way joins that one: however often a dial is given up, there are
/// never more threads than hosts.
#[derive(Debug)]
pub(crate) struct Resolver {
    find: Find,
    bell: Bell,
    under_way: BTreeMap<(String, u16), Weak<Answer>>,
}

/// How a name is looked up; it may block.
pub(crate) type Find = fn(&str, u16) -> io::Result<Vec<SocketAddr>>;

/// What the system knows: its files, its name servers.
pub(crate) fn system(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    (host, port).to_socket_addrs().map(Iterator::collect)
}

/// The addresses, once they are known; none if there are none.
type Answer = OnceLock<Vec<SocketAddr>>;

/// A dial's share in a lookup.
#[derive(Debug)]
pub(crate) struct Lookup(Arc<Answer>);

impl Lookup {
    /// The addresses, once they are known.
    pub(crate) fn answer(&self) -> Option<Vec<SocketAddr>> {
        self.0.get().cloned()
    }
}

impl Resolver {
    /// One that rings when an answer is there.
    pub(crate) const fn new(find: Find, bell: Bell) -> Self {
        Self {
            find,
            bell,
            under_way: BTreeMap::new(),
        }
    }

    /// Begins a lookup, or joins the one that is under way.
    ///
    /// # Errors
    ///
    /// If the system has no thread left.
    pub(crate) fn look_up(&mut self, host: &str, port: u16) -> io::Result<Lookup> {
        self.under_way.retain(|_, answer| answer.strong_count() > 0);
        let key = (host.to_owned(), port);
        if let Some(answer) = self.under_way.get(&key).and_then(Weak::upgrade) {
            return Ok(Lookup(answer));
        }
        let answer = Arc::default();
        self.spawn(key.clone(), Arc::clone(&answer))?;
        self.under_way.insert(key, Arc::downgrade(&answer));
        Ok(Lookup(answer))
    }

    fn spawn(&self, (host, port): (String, u16), answer: Arc<Answer>) -> io::Result<()> {
        let find = self.find;
        let bell = self.bell.downgraded();
        let looking = move || {
            let found = find(&host, port).unwrap_or_default();
            // An answer in every case, and ahead of the ring that it is the reason of.
            answer.get_or_init(|| found);
            drop(answer);
            bell.ring();
        };
        thread::Builder::new()
            .name("resolve".into())
            .spawn(looking)
            .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Events, Poll, Token, Waker};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    fn resolver(find: Find) -> (Resolver, Poll) {
        let poll = Poll::new().unwrap();
        let bell = Bell::new(Waker::new(poll.registry(), Token(0)).unwrap());
        (Resolver::new(find, bell), poll)
    }

    fn answered(lookup: &Lookup, poll: &mut Poll) -> Vec<SocketAddr> {
        let mut events = Events::with_capacity(8);
        loop {
            if let Some(answer) = lookup.answer() {
                return answer;
            }
            let limit = Duration::from_secs(20);
            poll.poll(&mut events, Some(limit)).unwrap();
            assert!(!events.is_empty(), "no answer");
        }
    }

    #[test]
    fn a_name_that_the_system_knows_has_addresses_and_another_has_none() {
        let (mut resolver, mut poll) = resolver(system);
        let known = resolver.look_up("localhost", 7).unwrap();
        let addresses = answered(&known, &mut poll);
        assert!(addresses.iter().all(|address| address.port() == 7));
        assert!(!addresses.is_empty());
        let unknown = resolver.look_up("host.invalid", 7).unwrap();
        assert_eq!(answered(&unknown, &mut poll), []);
    }

    #[test]
    fn dials_that_are_given_up_while_a_lookup_hangs_add_no_thread() {
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        static HANGING: Mutex<()> = Mutex::new(());
        let (mut resolver, mut poll) = resolver(|_, port| {
            CALLS.fetch_add(1, Ordering::SeqCst);
            drop(HANGING.lock());
            Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))])
        });
        let hanging = HANGING.lock().unwrap();
        for _ in 0..100 {
            assert_eq!(resolver.look_up("one", 1).unwrap().answer(), None);
        }
        let one = resolver.look_up("one", 1).unwrap();
        let two = resolver.look_up("two", 2).unwrap();
        assert_eq!(resolver.under_way.len(), 2);
        drop(hanging);
        assert_eq!(answered(&one, &mut poll)[0].port(), 1);
        assert_eq!(answered(&two, &mut poll)[0].port(), 2);
        assert_eq!(CALLS.load(Ordering::SeqCst), 2);
        drop((one, two));
        let again = resolver.look_up("one", 1).unwrap();
        answered(&again, &mut poll);
        assert_eq!(CALLS.load(Ordering::SeqCst), 3, "an answer is not kept");
    }
}
