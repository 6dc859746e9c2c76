//! What REST requests cost, and what becomes of those who ask for more than they may.

use std::collections::BTreeMap;
use std::time::Duration;

use marketprism_core::Time;

use super::rules::{Allowance, Verdict, Window};

/// So many requests after the first that was refused, one more is answered by a ban (Binance REST
/// "IP Limits": for those who do not back off; the number is not documented).
const PATIENCE: u32 = 20;

/// What a request draws on, and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Toll {
    /// What its venue counts together with it.
    pub(super) pool: &'static str,
    pub(super) allowed: Option<Allowance>,
    pub(super) weight: u32,
}

/// What all clients have drawn so far: the venues count by address, and ours have one.
#[derive(Clone, Debug, Default)]
pub(super) struct Tolls {
    pools: BTreeMap<&'static str, Window>,
    refused: u32,
    banned: Option<Time>,
}

/// Whether a request is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    Free,
    /// Too much; room will be so much later.
    TooMany(Duration),
    /// Nothing is answered for so long.
    Banned(Duration),
}

impl Tolls {
    /// Draws what a request costs. Who goes on although there is no more is banned for a while,
    /// where the venue does that.
    pub(super) fn pay(&mut self, now: Time, toll: Toll, ban: Option<Duration>) -> Passage {
        if let Some(left) = self.banned.map(|until| until.since(now))
            && !left.is_zero()
        {
            return Passage::Banned(left);
        }
        let pool = self.pools.entry(toll.pool).or_default();
        match (pool.weigh(now, toll.weight, toll.allowed), ban) {
            (Verdict::Within, _) => {
                self.refused = 0;
                Passage::Free
            }
            (Verdict::Beyond(_), Some(ban)) if self.refused >= PATIENCE => {
                self.refused = 0;
                self.banned = Some(now + ban);
                Passage::Banned(ban)
            }
            (Verdict::Beyond(left), _) => {
                self.refused += 1;
                Passage::TooMany(left)
            }
        }
    }

    /// What has been drawn from a pool.
    pub(super) fn used(&self, pool: &str) -> u32 {
        self.pools.get(pool).map_or(0, Window::used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    const fn toll(pool: &'static str) -> Toll {
        Toll {
            pool,
            allowed: Some(Allowance {
                count: 10,
                per: SECOND,
            }),
            weight: 5,
        }
    }

    #[test]
    fn pools_are_drawn_on_by_themselves() {
        let mut tolls = Tolls::default();
        let mut pay = |pool| tolls.pay(Time::ZERO, toll(pool), None);
        assert_eq!([pay("a"), pay("a")], [Passage::Free; 2]);
        assert_eq!(
            (pay("a"), pay("b")),
            (Passage::TooMany(SECOND), Passage::Free)
        );
        assert_eq!((tolls.used("a"), tolls.used("c")), (10, 0));
    }

    #[test]
    fn who_goes_on_although_refused_is_banned_for_a_while() {
        let mut tolls = Tolls::default();
        let ban = Some(SECOND * 60);
        let mut at = |millis, ban| {
            let now = Time::ZERO + Duration::from_millis(millis);
            tolls.pay(now, toll("a"), ban)
        };
        assert_eq!([at(0, ban), at(0, ban)], [Passage::Free; 2]);
        for _ in 0..PATIENCE {
            assert_eq!(at(500, ban), Passage::TooMany(SECOND / 2));
        }
        assert_eq!(at(500, ban), Passage::Banned(SECOND * 60));
        assert_eq!(at(30_500, ban), Passage::Banned(SECOND * 30));
        assert_eq!(at(60_500, ban), Passage::Free);
        for _ in 0..PATIENCE * 2 {
            assert_ne!(at(60_500, None), Passage::Banned(SECOND * 60));
        }
    }
}
