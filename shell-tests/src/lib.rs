//! The tests that every shell passes: over loopback, plain and TLS, against a far end that
//! misbehaves, and against servers that others wrote.
//!
//! A shell says in [`Shell`] how it is driven, and [`suite!`] makes the tests of it.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

pub mod asker;
pub mod autobahn;
pub mod descriptors;
pub mod heard;
pub mod loopback;
pub mod others;
pub mod peer;
pub mod pipe;
pub mod rest;
pub mod secure;
pub mod trust;

use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use marketprism_core::connection::Input;
use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_core::{Machine, Time};
use marketprism_shell::{Signer, Tls};

/// A shell as the tests know it.
pub trait Shell {
    /// What drives a fleet.
    type Driver<M: Machine>: Drive<M>;
}

/// The calls that mean the same in every shell.
pub trait Drive<M: Machine> {
    /// A driver over the system's network.
    fn new(fleet: Fleet<M>, tls: Tls) -> Self;
    /// Lets one machine trust something else.
    fn set_tls(&mut self, id: MachineId, tls: Tls);
    /// Who has the secrets.
    fn set_signer(&mut self, signer: Signer);
    /// The machines.
    fn fleet(&mut self) -> &mut Fleet<M>;
    /// The present.
    fn now(&self) -> Time;
    /// Tells one machine something.
    fn handle(&mut self, id: MachineId, input: Input);
    /// Asks every machine to connect.
    fn start(&mut self);
    /// Asks every machine to close.
    fn stop(&mut self);
    /// Whether every machine has stopped and been heard.
    fn stopped(&self) -> bool;
    /// Waits until there is something to do, and does it.
    fn turn(&mut self, each: &mut impl FnMut(MachineId, M::Event<'_>));
}

/// Runs a test that may hang, but not for longer than a minute.
///
/// # Panics
///
/// If the test does, or if it hangs.
pub fn within_a_minute(case: fn()) {
    let (end, ended) = channel();
    let thread = thread::spawn(move || {
        case();
        let _nobody_listens_if_it_took_too_long = end.send(());
    });
    match ended.recv_timeout(Duration::from_secs(60)) {
        Ok(()) | Err(RecvTimeoutError::Disconnected) => {}
        Err(RecvTimeoutError::Timeout) => panic!("hangs"),
    }
    if let Err(panicked) = thread.join() {
        resume_unwind(panicked);
    }
}

/// Makes the tests of a [`Shell`]: the one list of all.
#[macro_export]
macro_rules! suite {
    ($shell:ty) => {
        $crate::tests! { $shell, loopback,
            each_end_of_a_socket_has_its_cause_and_is_followed_by_the_next_dial
            what_arrives_before_the_end_is_heard_after_a_stop_too
            a_dial_that_fails_says_why
            a_message_larger_than_every_buffer_goes_out_in_parts_and_comes_in_whole
            silence_is_noticed_by_the_core_and_ends_the_socket
            a_stop_that_ends_a_wait_at_once_is_heard_too_however_often_it_is_repeated
            a_handler_that_takes_its_time_costs_no_connection
            a_socket_that_always_has_more_does_not_starve_another
            a_machine_that_joins_later_is_served_too
            what_is_released_has_no_descriptor_any_more
            a_deadline_is_not_held_against_a_socket_that_has_not_been_asked
            the_core_is_told_when_its_deadline_has_passed_and_not_earlier
        }
        $crate::tests! { $shell, secure,
            each_end_of_a_tls_stream_has_its_cause
            a_large_message_passes_through_tls_in_both_directions
            what_comes_in_one_piece_is_heard_whole_though_the_socket_is_silent_afterwards
            a_certificate_that_is_not_trusted_is_refused
            a_certificate_may_name_a_host_or_an_address
            a_far_end_that_speaks_no_tls_is_noticed
            a_handshake_that_hangs_is_ended_by_the_core_and_its_socket_closed
            each_machine_trusts_whom_it_is_told_to
            an_application_protocol_is_offered_only_when_asked_for
            both_versions_of_tls_are_spoken_and_sessions_resumed
            keys_are_changed_when_the_far_end_asks_for_it
            a_tls_stream_that_always_has_more_does_not_starve_another
            what_is_released_over_tls_has_no_descriptor_any_more
        }
        $crate::tests! { $shell, rest,
            what_is_asked_over_rest_is_answered_with_status_head_and_body
            each_way_in_which_a_request_fails_has_its_name
            a_connection_that_is_refused_or_ends_fails_and_the_next_request_has_another
            requests_are_made_side_by_side_but_never_more_than_there_are_connections
            what_cannot_be_handed_over_is_answered_at_once
            a_connection_with_nothing_to_do_is_closed
            requests_trust_whom_the_machine_trusts
            a_key_goes_with_the_request_and_what_it_opens_stays_with_the_signer
            a_slow_answer_holds_up_nobody
        }
        $crate::tests! { $shell, others,
            we_get_on_with_websockets_for_python
            we_get_on_with_ws_for_node
        }
    };
}

/// Makes the tests of one module of this crate.
#[macro_export]
macro_rules! tests {
    ($shell:ty, $module:ident, $($case:ident)*) => {
        mod $module {
            $(
                #[test]
                fn $case() {
                    $crate::within_a_minute($crate::$module::$case::<$shell>);
                }
            )*
        }
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_test_is_in_the_list_of_all() {
        let list = include_str!("lib.rs");
        let modules = [
            include_str!("loopback.rs"),
            include_str!("secure.rs"),
            include_str!("rest.rs"),
            include_str!("others.rs"),
        ];
        let cases = modules
            .iter()
            .flat_map(|module| module.lines())
            .filter_map(|line| line.strip_prefix("pub fn ")?.strip_suffix("<S: Shell>() {"));
        let missing: Vec<_> = cases
            .filter(|case| !list.lines().any(|line| line.trim() == *case))
            .collect();
        assert!(missing.is_empty(), "never run: {missing:?}");
    }
}
