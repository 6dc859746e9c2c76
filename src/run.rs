//! `marketprism run`: collects until it is told to stop.

use std::io::{self, Write};
use std::path::Path;

use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_core::session::{Heard, Session};

use crate::collector::{self, Collector, random_seed};
use crate::config::Config;
use crate::failure::Failure;
use crate::shell::{Bell, Listener, Order, Shell};
use crate::signal::Signals;
use crate::sink::Written;

/// Collects what a configuration names.
///
/// # Errors
///
/// The configuration is refused, the sink fails, or a second signal cuts the end short.
pub fn run(file: &Path) -> Result<(), Failure> {
    let config = Config::read(file)?;
    let crew = collector::crew(&config.sessions, random_seed)?;
    let shell = Shell::new(crew)?;
    let (bell, wake) = (shell.bell(), shell.bell());
    let signals = Signals::listen(move || bell.ring())?;
    let zero = collector::clock_zero(shell.now());
    let wake = move || wake.ring();
    let mut run = Run {
        collector: Collector::open(&config.sessions, config.sink, zero, wake)?,
        signals,
        asked: Asked::Nothing,
    };
    tell(&format_args!("collecting, Ctrl-C stops"));
    let driven = shell.drive(&mut run);
    let written = run.finish()?;
    tell(&format_args!("stopped, {} bytes written", written.bytes));
    driven
}

/// A collector until the end: because of a signal, or because the sink is gone.
struct Run {
    collector: Collector,
    signals: Signals,
    asked: Asked,
}

/// What has been asked of us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Nothing,
    Stop,
    /// To end at once, whatever is still to be written.
    GiveUp,
}

impl Listener<Session> for Run {
    fn event(&mut self, id: MachineId, heard: Heard<'_>) {
        self.collector.event(id, &heard);
    }

    fn look(&mut self, _: &Fleet<Session>) -> Result<Order, Failure> {
        self.collector.settle();
        let before = self.asked;
        while self.signals.next() {
            self.asked = match self.asked {
                Asked::Nothing => Asked::Stop,
                Asked::Stop | Asked::GiveUp => Asked::GiveUp,
            };
        }
        if self.collector.is_broken() && self.asked == Asked::Nothing {
            self.asked = Asked::Stop;
        }
        match (before, self.asked) {
            (_, Asked::GiveUp) => Err(given_up()),
            (Asked::Nothing, Asked::Stop) => Ok(Order::Stop),
            (_, Asked::Nothing | Asked::Stop) => Ok(Order::GoOn),
        }
    }
}

impl Run {
    /// Waits for the writer, but not beyond a signal.
    fn finish(self) -> Result<Written, Failure> {
        let closing = self.collector.close();
        while !closing.is_over() {
            if self.asked == Asked::GiveUp || self.signals.next() {
                return Err(given_up());
            }
            Bell::wait();
        }
        Ok(closing.finish()?)
    }
}

fn given_up() -> Failure {
    Failure::Io("stopped by a second signal before everything was written".to_owned())
}

/// A word for people; standard output belongs to the events.
fn tell(message: &dyn std::fmt::Display) {
    // With standard error closed there is nobody to tell.
    let _told = writeln!(io::stderr(), "marketprism: {message}");
}
