//! What the stages ask of whoever drives the machine.

use marketprism_core::Time;
use marketprism_core::connection::{Epoch, Fault, Input};

use crate::language::{Order, Report};
use crate::subject::Subject;
use crate::trace::{Log, Traced};

/// A shell, as far as scenarios tell it something.
pub(crate) trait Shell<M: Subject> {
    fn now(&self) -> Time;
    fn handle(&mut self, input: Input);
    fn machine(&mut self) -> &mut Traced<M>;
}

/// Does all of these in one moment.
pub(crate) fn obey<M: Subject>(
    shell: &mut impl Shell<M>,
    log: &Log,
    orders: &[Order],
) -> Result<(), String> {
    orders.iter().try_for_each(|order| one(shell, log, order))
}

fn one<M: Subject>(shell: &mut impl Shell<M>, log: &Log, order: &Order) -> Result<(), String> {
    let now = shell.now();
    let input = match order {
        Order::Start => Input::Start,
        Order::Stop => Input::Stop,
        Order::Renew => Input::Renew,
        Order::Hold(time) => Input::Hold(now + *time),
        Order::Stay(time) => Input::Stay(now + *time),
        Order::Withhold => Input::Withhold,
        Order::Permit => Input::Permit,
        Order::Report(report, number) => report_of(*report, epoch(log, *number)?),
        Order::Text(text) => {
            let sent = shell.machine().machine_mut().send_text(now, text);
            return sent.map_err(|error| error.to_string());
        }
        Order::Bytes(count) => {
            let sent = shell
                .machine()
                .machine_mut()
                .send_bytes(now, &vec![0; *count]);
            return sent.map_err(|error| error.to_string());
        }
    };
    shell.handle(input);
    Ok(())
}

/// A socket's number as the machine knows it; 0 is that of no socket.
fn epoch(log: &Log, number: u32) -> Result<Epoch, String> {
    match log.read().epochs.get(&number) {
        Some(epoch) => Ok(*epoch),
        None if number == 0 => Ok(Epoch::default()),
        None => Err(format!("socket {number} has not been asked for")),
    }
}

const fn report_of(report: Report, epoch: Epoch) -> Input {
    match report {
        Report::Dialed => Input::Dialed(epoch),
        Report::DialFailed => Input::DialFailed(epoch, Fault::Other),
        Report::Eof => Input::Eof(epoch),
        Report::Broken => Input::Broken(epoch, Fault::Other),
        Report::Released => Input::Released(epoch),
    }
}
