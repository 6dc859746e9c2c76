//! When the next request may be sent: the venue counts requests, and it counts frames.

use crate::connection::{Quota, Window};
use crate::time::Time;

/// The pace of requests on one connection.
#[derive(Clone, Debug)]
pub(super) struct Pacing {
    requests: Window,
    /// What waits may go on then.
    resume: Option<Time>,
}

impl Pacing {
    pub(super) fn new(requests: Quota) -> Self {
        Self {
            requests: Window::new(Some(requests)),
            resume: None,
        }
    }

    /// Whether a request may be sent now, if frames may from `frames_at` on. If not, it is
    /// remembered when.
    pub(super) fn admits(&mut self, now: Time, frames_at: Time) -> bool {
        let free_at = self.requests.free_at(now, 0).max(frames_at);
        if free_at > now {
            self.wait(free_at);
        }
        free_at <= now
    }

    /// Nothing goes on before this.
    pub(super) const fn wait(&mut self, until: Time) {
        self.resume = Some(until);
    }

    /// Whatever waits is looked at now.
    pub(super) const fn proceed(&mut self) {
        self.resume = None;
    }

    /// A request has been sent.
    pub(super) fn spend(&mut self, now: Time) {
        self.requests.spend(now);
    }

    /// When what waits may go on.
    pub(super) const fn resume(&self) -> Option<Time> {
        self.resume
    }

    /// When the requests that count are free again, oldest first.
    #[cfg(test)]
    pub(super) fn spent(&self, now: Time) -> impl Iterator<Item = Time> {
        self.requests.spent(now)
    }

    /// A new connection: the venue counts from nothing.
    pub(super) fn restart(&mut self) {
        self.requests.clear();
        self.proceed();
    }
}
