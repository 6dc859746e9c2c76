//! The search: every state, breadth first, and then backwards from where both stream.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

use super::laws::{self, Law};
use super::step::Step;
use super::story;
use super::world::World;

/// The number of a state.
type Place = usize;

/// More than this and the abstraction does not reduce anything any more.
const MOST_STATES: usize = 20_000_000;

/// What was found.
#[derive(Debug)]
pub(super) struct Search {
    start: World,
    known: BTreeMap<Box<[u8]>, Place>,
    states: Vec<State>,
    /// Steps taken, those that led to a known state included.
    pub(super) transitions: u64,
    /// The most steps on a shortest way.
    pub(super) depth: u32,
    /// The first breach of each rule: the way there.
    breaches: BTreeMap<Law, (Place, Step)>,
}

/// A state that was reached.
#[derive(Debug)]
struct State {
    /// How it was reached first.
    from: Option<(Place, Step)>,
    depth: u32,
    is_streaming: bool,
    /// Where a quiet network leads from here.
    quiet: Vec<(Step, Place)>,
}

/// A world that is to be looked at.
struct Visit {
    world: World,
    place: Place,
}

/// The worlds beyond one more trouble, and how each is reached.
type Beyond = BTreeMap<Box<[u8]>, (World, (Place, Step))>;

impl Search {
    /// Everything that can be reached with so many troubles. A state is looked at with the fewest
    /// troubles that lead to it, so it has the most of them left.
    pub(super) fn run(start: World, troubles: u32) -> Self {
        let key = start.key().into_boxed_slice();
        let mut search = Self {
            start: start.clone(),
            known: BTreeMap::new(),
            states: Vec::new(),
            transitions: 0,
            depth: 0,
            breaches: BTreeMap::new(),
        };
        let mut visits = VecDeque::from_iter(search.enter(start, key, None));
        for left in (0..=troubles).rev() {
            let mut beyond = BTreeMap::new();
            while let Some(visit) = visits.pop_front() {
                search.visit(visit, left > 0, &mut visits, &mut beyond);
            }
            for (key, (world, from)) in beyond {
                visits.extend(search.enter(world, key, Some(from)));
            }
        }
        search
    }

    /// How many states there are.
    pub(super) fn states(&self) -> usize {
        self.states.len()
    }

    /// Notes a state, unless it is known.
    fn enter(
        &mut self,
        world: World,
        key: Box<[u8]>,
        from: Option<(Place, Step)>,
    ) -> Option<Visit> {
        if self.known.contains_key(&key) {
            return None;
        }
        let place = self.states.len();
        assert!(place < MOST_STATES, "the states do not come to an end");
        let depth = from.map_or(0, |(from, _)| self.states[from].depth + 1);
        self.depth = self.depth.max(depth);
        self.known.insert(key, place);
        self.states.push(State {
            from,
            depth,
            is_streaming: world.is_streaming(),
            quiet: Vec::new(),
        });
        Some(Visit { world, place })
    }

    fn visit(
        &mut self,
        Visit { world, place }: Visit,
        more: bool,
        visits: &mut VecDeque<Visit>,
        beyond: &mut Beyond,
    ) {
        let quiet = world.quiet();
        for step in world.steps() {
            if step.is_trouble() && !more {
                continue;
            }
            let mut next = world.clone();
            next.step(step);
            self.transitions += 1;
            let from = (place, step);
            // What comes after a breach says nothing more.
            if let Err(law) = laws::judge(&next) {
                self.breaches.entry(law).or_insert(from);
                continue;
            }
            let key = next.key().into_boxed_slice();
            if step.is_trouble() {
                if !self.known.contains_key(&key) {
                    beyond.entry(key).or_insert((next, from));
                }
                continue;
            }
            let known = self.known.get(&key).copied();
            let reached = known.unwrap_or(self.states.len());
            visits.extend(self.enter(next, key, Some(from)));
            if quiet.contains(&step) {
                self.states[place].quiet.push((step, reached));
            }
        }
    }

    /// How a rule is broken first, if it is.
    pub(super) fn breach(&self, law: Law) -> Option<String> {
        let &(place, step) = self.breaches.get(&law)?;
        let mut steps = self.way(place);
        steps.push(step);
        Some(story::tell(&self.start, &steps))
    }

    /// How a quiet network fails to lead back, if there is a state from which some way through it
    /// never comes to where both stream.
    pub(super) fn stuck(&self) -> Option<String> {
        let leads = self.leads_back();
        let mut place = leads.iter().position(|&leads| !leads)?;
        let mut steps = self.way(place);
        let mut seen = BTreeSet::new();
        while seen.insert(place) {
            let mut ways = self.states[place].quiet.iter();
            let Some(&(step, next)) = ways.find(|&&(_, next)| !leads[next]) else {
                break;
            };
            steps.push(step);
            place = next;
        }
        Some(story::tell(&self.start, &steps))
    }

    /// How a quiet network interrupts what both stream, if it does.
    pub(super) fn interrupted(&self) -> Option<String> {
        let mut places = 0..self.states.len();
        places.find_map(|place| {
            let state = &self.states[place];
            let mut quiet = state.quiet.iter().filter(|_| state.is_streaming);
            let &(step, _) = quiet.find(|&&(_, next)| !self.states[next].is_streaming)?;
            let mut steps = self.way(place);
            steps.push(step);
            Some(story::tell(&self.start, &steps))
        })
    }

    /// A state leads back if both stream, or if every quiet way from it leads to one that does.
    fn leads_back(&self) -> Vec<bool> {
        let mut leads: Vec<bool> = self.states.iter().map(|state| state.is_streaming).collect();
        let mut open: Vec<usize> = self.states.iter().map(|state| state.quiet.len()).collect();
        let mut before: Vec<Vec<Place>> = self.states.iter().map(|_| Vec::new()).collect();
        for (place, state) in self.states.iter().enumerate() {
            for &(_, next) in &state.quiet {
                before[next].push(place);
            }
        }
        let mut good: Vec<Place> = (0..leads.len()).filter(|&place| leads[place]).collect();
        while let Some(place) = good.pop() {
            for &earlier in &before[place] {
                open[earlier] -= 1;
                if open[earlier] == 0 && !leads[earlier] {
                    leads[earlier] = true;
                    good.push(earlier);
                }
            }
        }
        leads
    }

    /// The steps that led to a state first.
    fn way(&self, mut place: Place) -> Vec<Step> {
        let mut steps = Vec::new();
        while let Some((from, step)) = self.states[place].from {
            steps.push(step);
            place = from;
        }
        steps.reverse();
        steps
    }
}
