#!/usr/bin/env bash
# Shows that the tests of the reconnecting client bite: each mutant is one change to it, and must
# be caught by the test named beside it. Works on a copy; the tree is not touched.
#
#   core/tests/mutations.sh            all mutants
#   core/tests/mutations.sh PATTERN    those whose name contains PATTERN
#
# Exits with 1 if a mutant survives, and with 2 if one cannot be tried: its text is not found
# exactly once, or it does not compile.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
pattern=${1:-}
copy=$root/target/mutations
rm -rf "$copy/tree"
mkdir -p "$copy/tree"
(cd "$root" && git ls-files -z -co --exclude-standard -- . ':!benches' ':!fuzz' | while IFS= read -r -d '' file; do
    if [[ -f $file ]]; then cp --parents "$file" "$copy/tree"; fi
done)

cd "$copy/tree"

# Mutants differ by a line each, and the exploration that judges most of them is long where nothing is optimised.
export CARGO_TARGET_DIR=$copy/target CARGO_INCREMENTAL=1 CARGO_PROFILE_TEST_OPT_LEVEL=1 CARGO_PROFILE_TEST_DEBUG=0
export PROPTEST_CASES=4 RUST_BACKTRACE=0

# A test that fails anyway catches nothing.
cargo test -q -p marketprism-core --lib connection:: >/dev/null
MARKETPRISM_MODEL_TROUBLES=1 cargo test -q -p marketprism-core --lib model::tests::laws >/dev/null
cargo test -q -p marketprism-core --test it -- connection_wire:: fleet:: >/dev/null

survivors=0
invalid=0
laws=connection::tests::explore
pace=connection::tests::pace
model=model::tests::laws

# Compiles and runs one test; prints what became of the mutant.
verdict() {
    local test=$1
    local target=(--lib)
    if [[ $test == it::* ]]; then
        target=(--test it)
        test=${test#it::}
    fi
    local cargo=(cargo test -q -p marketprism-core "${target[@]}")
    if ! "${cargo[@]}" --no-run >"$copy/log" 2>&1; then
        echo 'does not compile'
    elif "${cargo[@]}" -- --exact "$test" >"$copy/log" 2>&1; then
        if grep -q '1 passed' "$copy/log"; then echo SURVIVED; else echo 'no such test'; fi
    else
        echo caught
    fi
}

# mutant NAME FILE TEST FROM TO
mutant() {
    local name=$1 file=$copy/tree/core/src/$2 test=$3 from=$4 to=$5
    if [[ $name != *"$pattern"* ]]; then return; fi
    local original outcome
    original=$(cat "$file")
    local rest=${original#*"$from"}
    if [[ $rest == "$original" || $rest == *"$from"* ]]; then
        outcome='text not found once'
    else
        printf '%s\n' "${original/"$from"/"$to"}" >"$file"
        outcome=$(verdict "$test")
        printf '%s\n' "$original" >"$file"
    fi
    printf '%-40s %-20s %s\n' "$name" "$outcome" "${test##*::}"
    case $outcome in
        caught) ;;
        SURVIVED) survivors=$((survivors + 1)) ;;
        *) invalid=$((invalid + 1)) ;;
    esac
}

printf '%-40s %-20s %s\n' MUTANT OUTCOME TEST

mutant 'close forgotten' connection/farewell.rs \
    $laws::every_phase_but_stopped_has_a_deadline_or_awaits_a_confirmation \
    '        self.actions.drop(self.epoch);' ''

mutant 'epoch unchecked' connection/phase.rs \
    $laws::a_stale_epoch_changes_nothing \
    'asked && self.epoch() == Some(epoch)' 'asked && self.epoch().is_some() && epoch == epoch'

mutant 'release believed before the drop' connection/phase.rs \
    $laws::a_stale_epoch_changes_nothing \
    'self.phase == Phase::Releasing && !self.actions.drop_waits()' 'self.phase == Phase::Releasing'

mutant 'dial without release' connection/farewell.rs \
    $laws::never_more_than_one_live_socket \
    '        self.down(cause);
        self.release(wire);' \
    '        self.down(cause);
        self.release(wire);
        self.released(self.now);'

mutant 'drop without release' connection/farewell.rs \
    $laws::no_dial_before_the_last_socket_is_released \
    '        self.close_answered();
        self.release(wire);' \
    '        self.close_answered();
        self.release(wire);
        self.released(self.now);'

mutant 'second retry' connection/farewell.rs \
    $laws::at_most_one_reconnect_is_pending \
    '        self.phase = Phase::Releasing;' \
    '        self.phase = Phase::Releasing;
        self.timers.arm(Timer::Retry, self.now + self.rules.retry.initial);'

mutant 'second heartbeat' connection/heartbeat.rs \
    $laws::every_ping_is_answered_once_and_only_the_newest_waits \
    '        self.owe(now, Control::Ping, wire);' \
    '        self.timers.arm(Timer::Probe, now + Duration::from_secs(1));
        self.owe(now, Control::Ping, wire);'

mutant 'silence not believed' connection/heartbeat.rs \
    $laws::every_phase_but_stopped_has_a_deadline_or_awaits_a_confirmation \
    '        self.timers
            .arm(Timer::Silence, now + heartbeat.silence_after);' ''

mutant 'pong twice' connection/heartbeat.rs \
    $laws::every_ping_is_answered_once_and_only_the_newest_waits \
    '            self.owed.set(control, Debt::Nothing);' \
    '            if control == Control::Ping {
                self.owed.set(control, Debt::Nothing);
            }'

mutant 'pong forgotten for want of room' connection/heartbeat.rs \
    $laws::every_ping_is_answered_once_and_only_the_newest_waits \
    '                Err(NoRoom) => return,' \
    '                Err(NoRoom) => {}'

mutant 'message quota ignored' connection/heartbeat.rs \
    $laws::frames_never_exceed_the_message_quota \
    'if free_at > now {' 'if free_at > now && false {'

mutant 'queued frames not counted' connection/quota.rs \
    connection::quota::tests::what_is_queued_is_spent_when_it_leaves \
    'freed.clone().count() + self.queued as usize' 'freed.clone().count()'

mutant 'token bucket' connection/quota.rs \
    connection::quota::tests::a_burst_after_silence_is_followed_by_a_full_period_of_silence \
    'map(|&at| at + per)' 'map(|&at| Time::from_nanos(at.as_nanos() / 1_000_000_000 * 1_000_000_000) + per)'

mutant 'dial quota ignored' connection/dial.rs \
    $laws::dials_never_exceed_the_quota_nor_break_a_hold \
    '.max(self.dials.free_at(now, 0))' ''

mutant 'hold ignored' connection/dial.rs \
    $laws::dials_never_exceed_the_quota_nor_break_a_hold \
    'self.held.max(self.pause)' 'self.pause'

mutant 'queue kept for a dead socket' connection/farewell.rs \
    $laws::nothing_is_transmitted_on_a_dead_socket_or_behind_a_close \
    '        wire.clear();' ''

mutant 'close without deadline' connection/farewell.rs \
    $laws::every_phase_but_stopped_has_a_deadline_or_awaits_a_confirmation \
    '        self.timers.arm(Timer::Close, now + self.rules.close);' ''

mutant 'retry waits for ever' connection/dial.rs \
    $laws::once_faults_cease_it_is_open_again \
    'earliest.max(allowed);' 'earliest.max(allowed) + self.rules.retry.initial;'

mutant 'down told twice' connection/farewell.rs \
    $laws::statuses_come_in_an_order_that_makes_sense \
    '            self.farewell = Farewell::Said;' ''

mutant 'backoff never reset' connection/phase.rs \
    $pace::failures_are_forgotten_once_data_has_flowed_for_long_enough \
    '(Open, S::Expired(T::Stable)) => self.proved(),' '(Open, S::Expired(T::Stable)) => {}'

mutant 'backoff reset by opening' connection/dial.rs \
    $pace::opening_alone_does_not_forget_the_failures \
    '        self.messages.clear();' \
    '        self.messages.clear();
        self.attempt = 0;'

mutant 'backoff reset by pings' connection/phase.rs \
    $pace::pings_alone_prove_nothing \
    '(Open, S::Ping) => self.pinged(now, wire),' \
    '(Open, S::Ping) => {
                self.data(now);
                self.pinged(now, wire);
            }'

mutant 'backoff does not grow' connection/backoff.rs \
    $pace::attempts_count_and_waits_grow_from_failure_to_failure \
    'attempt.saturating_sub(1).min(31)' 'attempt.min(1)'

mutant 'backoff without jitter' connection/backoff.rs \
    connection::backoff::tests::the_draw_spreads_the_wait_over_the_whole_range \
    'fraction(self.ceiling(attempt), draw)' 'fraction(self.ceiling(attempt), draw | 1 << 63)'

mutant 'renewal always at once' connection/open.rs \
    $pace::a_fresh_socket_is_renewed_through_the_backoff \
    '        if self.attempt == 0 {' '        if true {'

mutant 'rotation without close' connection/open.rs \
    $pace::a_socket_that_has_proved_itself_is_renewed_at_once_behind_its_close \
    'self.close(now, Cause::Renewed, wire);' 'self.end(Cause::Renewed, wire);'

mutant 'rotation not staggered' connection/dial.rs \
    $pace::renewal_is_staggered_by_the_seed_within_its_spread \
    'rotate.after.saturating_sub(earlier)' 'rotate.after'

mutant 'clock runs backwards' connection/phase.rs \
    $pace::time_that_runs_backwards_stands_still \
    'self.now = self.now.max(now);' 'self.now = now;'

mutant 'stop forgotten' connection/open.rs \
    it::connection_wire::a_stop_flushes_what_is_queued_and_says_goodbye \
    '        self.unwant();
        self.close(' '        self.close('

mutant 'peer close not echoed' connection/farewell.rs \
    it::connection_wire::the_peers_close_is_echoed_behind_its_last_words_and_the_peer_ends_the_stream \
    '        wire.close(code);' ''

mutant 'echo cut off' connection/farewell.rs \
    it::connection_wire::the_echo_is_written_even_if_the_peer_has_ended_the_stream \
    'Farewell::Said if !wire.is_flushed()' 'Farewell::Said if false'

mutant 'oldest ping answered' connection/drain.rs \
    it::connection_wire::a_spent_quota_leaves_only_the_newest_ping_to_be_answered \
    '                self.link.note_ping(payload);' \
    '                if payload < b"b" {
                    self.link.note_ping(payload);
                }'

mutant 'reserve for pongs spent' connection/phase.rs \
    it::connection_wire::a_spent_quota_leaves_only_the_newest_ping_to_be_answered \
    'self.messages.free_at(now, self.rules.pong_reserve)' 'self.messages.free_at(now, 0)'

mutant 'text pong counts as data' connection/drain.rs \
    it::connection_wire::a_text_ping_expects_a_text_pong_that_nobody_else_hears \
    'self.signal(now, Stimulus::Pong),' 'self.signal(now, Stimulus::Data),'

mutant 'dial without leave' connection/dial.rs \
    $laws::there_is_no_dial_without_leave \
    '            Leave::Given => self.dial(now),
            Leave::Withheld | Leave::Awaited => {' \
    '            Leave::Given | Leave::Withheld => self.dial(now),
            Leave::Awaited => {'

mutant 'retry kept beside the dial' connection/dial.rs \
    $laws::at_most_one_reconnect_is_pending \
    '            self.timers.disarm(Timer::Retry);
            self.dial_from(now, now);' \
    '            self.dial_from(now, now);'

mutant 'signature believed for any socket' connection/phase.rs \
    $laws::a_stale_epoch_changes_nothing \
    'asked && self.phase == Phase::Upgrading && self.epoch == of' \
    'asked && self.phase == Phase::Upgrading && of == of'

mutant 'siblings not held' fleet.rs \
    it::fleet::the_budget_is_never_exceeded \
    '            self.hold(now, id, held);' ''

# Two sessions under one budget. One trouble is enough to show most.
export MARKETPRISM_MODEL_TROUBLES=1

mutant 'model: siblings not told of a bar' fleet.rs \
    $model::neither_session_dials_while_their_address_is_barred \
    '            self.hold(now, id, held);' ''

mutant 'model: budget not shared' fleet.rs \
    $model::neither_session_dials_while_their_address_is_barred \
    'member.budget == Some(budget)' 'member.budget != Some(budget)'

mutant 'model: dial beside a socket' connection/farewell.rs \
    $model::two_sessions_never_have_more_than_one_live_socket_each \
    '        self.down(cause);
        self.release(wire);' \
    '        self.down(cause);
        self.release(wire);
        self.dial_from(self.now, self.now);'

mutant 'unanswered means not subscribed' session/subscriptions/answers.rs \
    session::tests::explore::no_short_history_hangs_spins_or_subscribes_twice \
    '                    health = health.max(self.fail(now, place, notes));' \
    '                    self.want(now, place, now);'

mutant 'model: silent stream not unsubscribed' session/subscriptions/mod.rs \
    $model::whatever_goes_wrong_no_stream_is_asked_for_twice_on_a_connection \
    '            self.renew(now, place, not_before);
            return Health::Fine;' \
    '            self.want(now, place, not_before);
            return Health::Fine;'

mutant 'model: believed beyond the connection' session/entry.rs \
    $model::whatever_goes_wrong_no_wish_is_lost \
    'if !matches!(self.standing, Standing::Refused { .. }) {' \
    'if !matches!(self.standing, Standing::Refused { .. } | Standing::Live) {'

mutant 'model: start forgotten while closing' connection/phase.rs \
    $model::whatever_goes_wrong_no_wish_is_lost \
    '(Closing | Releasing, S::Start) => self.want(),' '(Closing | Releasing, S::Start) => {}'

mutant 'model: mute connection kept' connection/phase.rs \
    $model::from_every_state_each_way_through_a_quiet_network_leads_back_to_streaming \
    '(Open, S::Expired(T::Data)) => self.starved(now, wire),' \
    '(Open, S::Expired(T::Data)) => self.await_data(now),'

mutant 'model: data proves nothing' connection/open.rs \
    $model::in_a_quiet_network_what_streams_goes_on_streaming \
    '        self.await_data(now);
        let proving' \
    '        let proving'

# A window is only full when each has dialled again, and a quarantine only ends out of sight if
# the connection is lost in it.
export MARKETPRISM_MODEL_TROUBLES=2

mutant 'model: quota not charged' fleet.rs \
    $model::two_sessions_dial_within_their_shared_budget \
    '            budget.dials.spend(now);' ''

mutant 'model: quarantine ends unseen' session/subscriptions/mod.rs \
    $model::whatever_goes_wrong_no_wish_is_lost \
    '                (_, Some(due)) => self.wake_by(due),
                (_, None) => {}' \
    '                (_, Some(_) | None) => {}'

echo
echo "$survivors survived, $invalid could not be tried"
if ((invalid > 0)); then exit 2; fi
if ((survivors > 0)); then exit 1; fi
