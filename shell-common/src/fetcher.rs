//! Requests over REST: a declared number of threads, each with at most one connection.
//!
//! Nothing here decides anything: no retry, no redirection, no proxy from the environment, and
//! the deadline and the limit of each request are the core's. An HTTP client that blocks is a
//! library's; the loop that drives the machines never waits for it.

use std::any::Any;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;
use std::time::Duration;

use marketprism_core::connection::{Endpoint, Fault};
use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_core::rest::{Answer, Credential, FetchFault, FetchId, Method};
use marketprism_core::{Machine, Time, UnixNanos};
use ureq::http::{HeaderMap, HeaderValue};
use ureq::{Agent, Error, RequestBuilder};
use zeroize::Zeroizing;

use crate::fault::{fault, tls_fault};
use crate::signer::Signer;
use crate::tls::Tls;

/// A connection that has nothing to do for so long is closed: the far end would, and nobody here
/// would notice.
const IDLE: Duration = Duration::from_secs(2);

type Wake = dyn Fn() + Send + Sync;

/// Sends the requests of a fleet and keeps what came of them until it is asked for.
///
/// Its threads are started when they are needed, so many at the most as the fleet has requests
/// under way at once, and end with it.
pub struct Fetcher {
    seats: Vec<Seat>,
    done: Receiver<Done>,
    finish: Sender<Done>,
    wake: Arc<Wake>,
    tls: Option<Tls>,
    trusts: Vec<(MachineId, Tls)>,
}

/// A thread, and where its connection goes.
struct Seat {
    jobs: SyncSender<Job>,
    busy: bool,
    host: Option<Endpoint>,
}

/// A request on its way to a thread.
struct Job {
    machine: MachineId,
    fetch: FetchId,
    method: Method,
    endpoint: Endpoint,
    path_and_query: String,
    timeout: Duration,
    body_limit: usize,
    secret: Option<Secret>,
    tls: Option<Tls>,
}

/// What a request needs that its machine does not have.
struct Secret {
    credential: Credential,
    api_key: Zeroizing<String>,
}

/// What became of a request.
struct Done {
    /// Who had it; nobody if it was not sent.
    seat: Option<usize>,
    machine: MachineId,
    fetch: FetchId,
    /// What the request was given: its answer has a secret in it.
    credential: Option<Credential>,
    answer: Result<Reply, FetchFault>,
}

struct Reply {
    status: u16,
    retry_after: Option<Duration>,
    used_weight: Option<u32>,
    body: Vec<u8>,
}

impl Fetcher {
    /// Nobody is asked yet. `tls` is used where an endpoint asks for it; `wake` is called, from
    /// other threads as well, when [`settle`](Self::settle) has something to do.
    pub fn new(tls: Option<Tls>, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let (finish, done) = mpsc::channel();
        Self {
            seats: Vec::new(),
            done,
            finish,
            wake: Arc::new(wake),
            tls,
            trusts: Vec::new(),
        }
    }

    /// Lets one machine trust something else.
    pub fn set_tls(&mut self, id: MachineId, tls: Tls) {
        self.trusts.retain(|(of, _)| *of != id);
        self.trusts.push((id, tls));
    }

    /// Sends the request that a machine wants sent, with what the signer has for it. If nobody is
    /// free to send it, or there is none, the machine hears so in the next [`settle`](Self::settle).
    pub fn fetch<M: Machine>(
        &mut self,
        fleet: &Fleet<M>,
        signer: &Signer,
        id: MachineId,
        fetch: FetchId,
    ) {
        let places = fleet.fetches_at_once();
        let job = self.job(fleet, signer, id, fetch);
        if job.is_some_and(|job| self.hand_over(job, places)) {
            return;
        }
        let unsent = Done {
            seat: None,
            machine: id,
            fetch,
            credential: None,
            answer: Err(FetchFault::Unsent),
        };
        // It comes back to ourselves.
        if self.finish.send(unsent).is_ok() {
            (self.wake)();
        }
    }

    /// Tells the machines what has become of their requests, but for what the signer keeps;
    /// whether there was anything to tell.
    pub fn settle<M: Machine>(
        &mut self,
        fleet: &mut Fleet<M>,
        signer: &mut Signer,
        now: impl Fn() -> Time,
        received: UnixNanos,
        each: &mut impl FnMut(MachineId, M::Event<'_>),
    ) -> bool {
        let mut happened = false;
        while let Ok(mut done) = self.done.try_recv() {
            happened = true;
            if let Some(seat) = done.seat.and_then(|seat| self.seats.get_mut(seat)) {
                seat.busy = false;
            }
            if let (Some(credential), Ok(reply)) = (done.credential, &mut done.answer) {
                reply.give_up_to(signer, done.machine, credential);
            }
            let answer = done.answer.as_ref().map(Reply::lend);
            let answer = answer.map_err(|fault| *fault);
            fleet.fetched(now(), received, done.machine, done.fetch, answer, each);
        }
        happened
    }

    fn job<M: Machine>(
        &self,
        fleet: &Fleet<M>,
        signer: &Signer,
        id: MachineId,
        fetch: FetchId,
    ) -> Option<Job> {
        let request = fleet.request(id, fetch)?;
        let secret = match request.credential {
            Some(credential) => Some(Secret {
                credential,
                api_key: signer.api_key(credential)?,
            }),
            None => None,
        };
        let own = self.trusts.iter().find(|(of, _)| *of == id);
        Some(Job {
            machine: id,
            fetch,
            method: request.method,
            endpoint: request.endpoint.clone(),
            path_and_query: request.path_and_query.to_owned(),
            timeout: request.timeout,
            body_limit: request.body_limit,
            secret,
            tls: own.map(|(_, tls)| tls).or(self.tls.as_ref()).cloned(),
        })
    }

    /// Gives it to a thread that is free, if possible to one whose connection leads there.
    fn hand_over(&mut self, job: Job, places: usize) -> bool {
        let free = || self.seats.iter().enumerate().filter(|(_, seat)| !seat.busy);
        let same = free().find(|(_, seat)| seat.host.as_ref() == Some(&job.endpoint));
        let mut place = same.or_else(|| free().next()).map(|(place, _)| place);
        if same.is_none() && self.seats.len() < places {
            place = self.sit_down().ok().or(place);
        }
        let Some(seat) = place.and_then(|place| self.seats.get_mut(place)) else {
            return false;
        };
        seat.host = Some(job.endpoint.clone());
        seat.busy = seat.jobs.try_send(job).is_ok();
        seat.busy
    }

    /// Starts one thread more.
    fn sit_down(&mut self) -> io::Result<usize> {
        let seat = self.seats.len();
        let (jobs, asked) = mpsc::sync_channel(1);
        let (finish, wake) = (self.finish.clone(), Arc::clone(&self.wake));
        thread::Builder::new()
            .name("rest".to_owned())
            .spawn(move || serve(seat, &asked, &finish, &*wake))?;
        self.seats.push(Seat {
            jobs,
            busy: false,
            host: None,
        });
        Ok(seat)
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher")
            .field("threads", &self.seats.len())
            .finish_non_exhaustive()
    }
}

impl Reply {
    /// What is secret of it goes to the signer and nowhere else. The venue's word on why there is
    /// nothing has nothing secret in it.
    fn give_up_to(&mut self, signer: &mut Signer, id: MachineId, credential: Credential) {
        if (200..300).contains(&self.status) {
            signer.keep(id, credential, &mut self.body);
        }
    }

    fn lend(&self) -> Answer<'_> {
        Answer {
            status: self.status,
            retry_after: self.retry_after,
            used_weight: self.used_weight,
            body: &self.body,
        }
    }
}

/// One thread, until the [`Fetcher`] is gone.
fn serve(seat: usize, jobs: &Receiver<Job>, finish: &Sender<Done>, wake: &Wake) {
    let mut line = None;
    loop {
        let job = match jobs.recv_timeout(IDLE) {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => {
                line = None;
                match jobs.recv() {
                    Ok(job) => job,
                    Err(mpsc::RecvError) => return,
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let (machine, fetch) = (job.machine, job.fetch);
        let credential = job.secret.as_ref().map(|secret| secret.credential);
        let answer = catch_unwind(AssertUnwindSafe(|| perform(&mut line, &job)));
        let done = Done {
            seat: Some(seat),
            machine,
            fetch,
            credential,
            answer: answer.unwrap_or_else(|died: Box<dyn Any + Send>| {
                drop(died);
                Err(FetchFault::Protocol)
            }),
        };
        if finish.send(done).is_err() {
            return;
        }
        wake();
    }
}

/// A client whose one connection leads to this host.
struct Line {
    endpoint: Endpoint,
    tls: Option<Tls>,
    agent: Agent,
}

/// Sends one request, and whatever fails has its connection closed.
fn perform(line: &mut Option<Line>, job: &Job) -> Result<Reply, FetchFault> {
    if job.endpoint.tls && job.tls.is_none() {
        return Err(FetchFault::Io(Fault::Tls));
    }
    let same = |line: &Line| line.endpoint == job.endpoint && is_same(&line.tls, &job.tls);
    // The last one is closed before there is another.
    let known = line.take().filter(same);
    let open = known.unwrap_or_else(|| Line {
        endpoint: job.endpoint.clone(),
        tls: job.tls.clone(),
        agent: agent(job.tls.as_ref()),
    });
    let reply = ask(&open.agent, job)?;
    *line = Some(open);
    Ok(reply)
}

fn is_same(one: &Option<Tls>, other: &Option<Tls>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.is(other),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn agent(tls: Option<&Tls>) -> Agent {
    Agent::new_with_config(
        Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent(concat!("marketprism/", env!("CARGO_PKG_VERSION")))
            .max_idle_connections(1)
            .max_idle_connections_per_host(1)
            .max_idle_age(IDLE)
            .tls_config(tls.map(Tls::of_requests).unwrap_or_default())
            .build(),
    )
}

fn ask(agent: &Agent, job: &Job) -> Result<Reply, FetchFault> {
    let url = url(&job.endpoint, &job.path_and_query);
    let sent = match job.method {
        Method::Get => prepare(agent.get(url), job)?.call(),
        Method::Post => prepare(agent.post(url), job)?.send_empty(),
        Method::Put => prepare(agent.put(url), job)?.send_empty(),
    };
    let mut response = sent.map_err(|error| word(&error))?;
    let limit = job.body_limit as u64;
    let body = response.body_mut().with_config().limit(limit);
    let body = body.read_to_vec().map_err(|error| word(&error))?;
    Ok(Reply {
        status: response.status().as_u16(),
        retry_after: number(response.headers(), "retry-after").map(Duration::from_secs),
        used_weight: number(response.headers(), "x-mbx-used-weight-1m")
            .map(|weight| u32::try_from(weight).unwrap_or(u32::MAX)),
        body,
    })
}

/// Gives a request its time, and the key that it needs.
fn prepare<B>(request: RequestBuilder<B>, job: &Job) -> Result<RequestBuilder<B>, FetchFault> {
    let request = request.config().timeout_global(Some(job.timeout)).build();
    let Some(Secret { api_key, .. }) = &job.secret else {
        return Ok(request);
    };
    let key = HeaderValue::from_str(api_key);
    let mut key = key.map_err(|_| FetchFault::Protocol)?;
    key.set_sensitive(true);
    Ok(request.header("X-MBX-APIKEY", key))
}

fn url(endpoint: &Endpoint, path_and_query: &str) -> String {
    let Endpoint {
        host, port, tls, ..
    } = endpoint;
    let scheme = if *tls { "https" } else { "http" };
    match host.contains(':') {
        true => format!("{scheme}://[{host}]:{port}{path_and_query}"),
        false => format!("{scheme}://{host}:{port}{path_and_query}"),
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// The core's word for it.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the list of errors is open; what is left speaks of the protocol"
)]
fn word(error: &Error) -> FetchFault {
    match error {
        Error::Timeout(_) => FetchFault::Io(Fault::TimedOut),
        Error::Io(error) => FetchFault::Io(fault(error)),
        Error::Rustls(error) => FetchFault::Io(tls_fault(error)),
        Error::Tls(_) | Error::TlsRequired => FetchFault::Io(Fault::Tls),
        Error::HostNotFound => FetchFault::Io(Fault::Resolve),
        Error::ConnectionFailed => FetchFault::Io(Fault::Other),
        Error::BodyExceedsLimit(_) => FetchFault::TooLarge,
        _ => FetchFault::Protocol,
    }
}
