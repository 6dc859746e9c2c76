//! A machine without a socket: it asks over REST and keeps what comes of it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use marketprism_core::connection::{Action, Endpoint, Epoch, Input, Phase, Timer};
use marketprism_core::rest::{
    Allowance, Answer, Credential, FetchFault, FetchId, Method, Priority, Request, Wish,
};
use marketprism_core::{Machine, ReceiveBuffer, Time, UnixNanos};

/// What has come of a request: status, `Retry-After`, used weight and body.
pub type Got = Result<(u16, Option<Duration>, Option<u32>, String), FetchFault>;

/// Asks what it is told to.
#[derive(Debug)]
pub struct Asker {
    /// Where.
    pub endpoint: Endpoint,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How long its body may be, in bytes.
    pub body_limit: usize,
    /// What it asks to be done.
    pub method: Method,
    /// What it needs for that.
    pub credential: Option<Credential>,
    /// Whether what it has asked for is withdrawn before it is sent.
    pub withdraws: bool,
    /// What has come of it, in order.
    pub got: Vec<Got>,
    paths: Vec<(FetchId, String)>,
    wishes: Vec<Wish>,
    actions: VecDeque<FetchId>,
    last: FetchId,
    phase: Phase,
}

impl Asker {
    /// One that asks the server at this address.
    #[must_use]
    pub fn to(address: SocketAddr) -> Self {
        Self {
            endpoint: Endpoint {
                host: address.ip().to_string(),
                port: address.port(),
                tls: false,
                path: String::new(),
            },
            timeout: Duration::from_secs(30),
            body_limit: 1 << 20,
            method: Method::Get,
            credential: None,
            withdraws: false,
            got: Vec::new(),
            paths: Vec::new(),
            wishes: Vec::new(),
            actions: VecDeque::new(),
            last: FetchId::default(),
            phase: Phase::Stopped,
        }
    }

    /// Asks for a path.
    pub fn ask(&mut self, path: &str) {
        self.last = FetchId::from_number(self.last.number() + 1);
        self.paths.push((self.last, path.to_owned()));
        self.wishes.push(Wish {
            id: self.last,
            allowance: Allowance::BinanceSpot,
            weight: 1,
            priority: Priority::Poll,
            since: Time::ZERO,
        });
    }
}

impl Machine for Asker {
    type Event<'a> = ();

    fn handle(&mut self, _: Time, input: Input) {
        match input {
            Input::Start => self.phase = Phase::Open,
            Input::Stop => self.phase = Phase::Stopped,
            Input::Dialed(_)
            | Input::DialFailed(..)
            | Input::Eof(_)
            | Input::Broken(..)
            | Input::Released(_)
            | Input::Timeout
            | Input::Renew
            | Input::Hold(_)
            | Input::Stay(_)
            | Input::Withhold
            | Input::Permit => {}
        }
    }

    fn receive(
        &mut self,
        _: Time,
        _: UnixNanos,
        _: &mut ReceiveBuffer,
        _: &mut impl FnMut(Self::Event<'_>),
    ) {
    }

    fn drain_events(&mut self, _: UnixNanos, _: &mut impl FnMut(Self::Event<'_>)) {}

    fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front().map(Action::Fetch)
    }

    fn wishes(&self) -> &[Wish] {
        &self.wishes
    }

    fn grant(&mut self, _: Time, id: FetchId) {
        self.wishes.retain(|wish| wish.id != id);
        self.actions.push_back(id);
    }

    fn request(&self, id: FetchId) -> Option<Request<'_>> {
        let (_, path) = self.paths.iter().find(|(of, _)| *of == id)?;
        (!self.withdraws).then_some(Request {
            method: self.method,
            endpoint: &self.endpoint,
            path_and_query: path,
            timeout: self.timeout,
            body_limit: self.body_limit,
            credential: self.credential,
        })
    }

    fn fetched(
        &mut self,
        _: Time,
        _: UnixNanos,
        id: FetchId,
        answer: Result<Answer<'_>, FetchFault>,
        _: &mut impl FnMut(Self::Event<'_>),
    ) {
        self.paths.retain(|(of, _)| *of != id);
        self.got.push(answer.map(|answer| {
            let body = String::from_utf8_lossy(answer.body).into_owned();
            (answer.status, answer.retry_after, answer.used_weight, body)
        }));
    }

    fn transmit(&self) -> &[u8] {
        &[]
    }

    fn transmitted(&mut self, _: Time, _: usize) {}

    fn poll_timeout(&self) -> Option<(Time, Timer)> {
        None
    }

    fn phase(&self) -> Phase {
        self.phase
    }

    fn epoch(&self) -> Option<Epoch> {
        None
    }

    fn held_until(&self) -> Time {
        Time::ZERO
    }

    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn name(&self) -> &str {
        "asker"
    }
}
