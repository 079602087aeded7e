// SPDX-License-Identifier: MIT OR Apache-2.0
//! A whole probe with a start and an end: what each of its hooks is told.

use std::cell::RefCell;

use super::SpanPoint;
use super::key::{KeyKind, word};
use super::names::SpanNames;
use super::rewrite::first_of_span;
use super::store::Store;
use crate::expr::clause::{ClausePlan, Decided};
use crate::expr::counting::{learn, resolve_tables_of};
use crate::expr::filter::{Blame, Wanted, conditions, resolve_values};
use crate::expr::names_here::NamesHere;
use crate::expr::path::Names;
use crate::expr::resolve::Resolved;
use crate::spec::{Aggregate, Counting, Expr, Fetch, FetchSource, KeyWord, Layout, SpanRole, Step, StepNext};
use crate::words::Refusal;

/// Most tests of one hook.
const MAX_STEPS: usize = 64;

/// What a probe wants of its spans.
pub struct SpanWanted<'w> {
    /// What it shows, and which of them it wants.
    pub event: Wanted<'w>,
    /// Start and end are those of one call.
    pub in_thread: bool,
    /// What is counted of them; none: each is an event.
    pub aggregates: &'w [Aggregate],
}

/// What a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanBlame {
    /// The event.
    Event(Blame),
    /// A part of the key of the hook of this number: hook, part.
    Key(usize, usize),
    /// A condition of the hook of this number: hook, condition.
    Filter(usize, usize),
}

/// What one hook is told.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedPoint {
    /// What it reads: into the record at an end, else into what is kept.
    pub fetches: Vec<Fetch>,
    /// The bit of each in what is kept; empty at an end.
    pub bits: Vec<u8>,
    /// Its conditions: at an end first those about the event, then those about the hook alone.
    pub steps: Vec<Step>,
    /// The first of those about the hook; `None`: there are none.
    pub gate: Option<usize>,
    /// What the conditions refuse is no event.
    pub gated: bool,
    /// Its key.
    pub key: Vec<KeyWord>,
    /// At an end: what is counted there, for a probe that counts.
    pub counting: Option<Counting>,
}

impl ResolvedPoint {
    /// True where its key or a condition reads an argument.
    pub fn key_reads_arguments(&self) -> bool {
        let mut all = self.key.iter().map(|word| &word.fetch).chain(self.steps.iter().map(|step| &step.fetch));
        all.any(|fetch| matches!(fetch.source, FetchSource::Argument(_)))
    }
}

/// What is read at one end.
#[derive(Clone)]
struct End {
    /// Its number among the hooks.
    point: usize,
    resolved: Resolved,
    counting: Option<Counting>,
}

/// A probe with a start and an end, resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedSpan {
    /// In the order of the hooks.
    pub points: Vec<ResolvedPoint>,
    /// The record of an event.
    pub layout: Layout,
    /// Who decides which condition of `where`.
    pub clauses: Vec<ClausePlan>,
    /// Bytes of what is kept of one span.
    pub kept_bytes: u32,
    /// The bits of what hooks on the way leave.
    pub via_bits: u32,
    /// User or name of the process that began it are asked for, beside the head of a record.
    pub keeps_process: bool,
}

type Errors = Vec<(SpanBlame, Refusal)>;

/// Resolves a probe. All errors are found at once. `points` has an end.
pub fn resolve_span(
    wanted: &SpanWanted<'_>,
    points: &[SpanPoint<'_, '_>],
    head: &Layout,
) -> Result<ResolvedSpan, Errors> {
    let store = RefCell::new(Store::default());
    let mut errors = Errors::new();
    let keys = keys(points, &mut errors);
    let conditions = conditions(wanted.event.filter);
    let (early, late) = if wanted.in_thread {
        at_the_start(wanted, points, &conditions, head)
    } else {
        (Resolved::new(head), conditions)
    };
    let mut ends: Vec<End> = Vec::new();
    for (end, _) in points.iter().enumerate().filter(|(_, point)| point.role == SpanRole::End) {
        let names = SpanNames {
            points,
            end,
            in_thread: wanted.in_thread,
            at_entry: false,
            captures: wanted.event.captures,
            inside_captures: false,
            sets: wanted.event.sets,
            store: &store,
        };
        let found = if wanted.aggregates.is_empty() {
            resolve_values(wanted.event, &late, &names, head).map(|resolved| End {
                point: end,
                resolved,
                counting: None,
            })
        } else {
            resolve_tables_of(wanted.aggregates, &late, wanted.event.sets, &names).map(|(counting, clauses)| {
                let (steps, fetches) = (counting.steps.clone(), counting.fetches.clone());
                let resolved = Resolved { steps, clauses, fetches, ..Resolved::new(head) };
                End { point: end, resolved, counting: Some(counting) }
            })
        };
        match found {
            Ok(end) => ends.push(end),
            Err(refusals) => {
                errors.extend(refusals.into_iter().map(|(blame, refusal)| (SpanBlame::Event(blame), refusal)));
                break;
            }
        }
    }
    // What is null at one of them has the form that it has at another.
    let each: Vec<Counting> = ends.iter().filter_map(|end| end.counting.clone()).collect();
    for counting in ends.iter_mut().filter_map(|end| end.counting.as_mut()) {
        each.iter().for_each(|other| learn(counting, other));
    }
    for end in &mut ends {
        if let Some(counting) = &end.counting {
            end.resolved.fetches.clone_from(&counting.fetches);
        }
    }
    let Some(first) = ends.first().cloned().filter(|_| errors.is_empty()) else { return Err(errors) };
    for other in &ends {
        if let Some(blame) = difference(&first, other) {
            let refusal = Refusal::new("it has different types at the hooks of `end`")
                .help("say which with `as`: it must be the same at all of them");
            return Err(vec![(blame, refusal)]);
        }
    }
    let mut resolved = Vec::new();
    let mut seen = [0_usize; 4];
    for (number, point) in points.iter().enumerate() {
        let of_role = &mut seen[point.role as usize];
        let gate = match gate(wanted, point, head) {
            Ok(steps) => steps,
            Err(refusals) => {
                let blame = |(part, refusal)| (SpanBlame::Filter(number, part), refusal);
                errors.extend(refusals.into_iter().map(blame));
                continue;
            }
        };
        let key = keys[number].clone();
        let kept = store.borrow().fetches(point.role, *of_role);
        *of_role += 1;
        let end = ends.iter().find(|end| end.point == number);
        let (fetches, bits) = match end {
            Some(end) => (end.resolved.fetches.clone(), Vec::new()),
            None => kept.into_iter().unzip(),
        };
        let (gate_steps, gated) = match (point.role, wanted.in_thread) {
            (SpanRole::Start, true) => (early.steps.clone(), false),
            _other => (gate, true),
        };
        let about_event: &[Step] = end.map_or(&[], |end| &end.resolved.steps);
        if gate_steps.len() + about_event.len() > MAX_STEPS {
            let refusal = Refusal::new(format!("the kernel makes at most {MAX_STEPS} tests at a hook"))
                .help("put the values of one name into a list or a set");
            errors.push((SpanBlame::Filter(number, 0), refusal));
        }
        let gate = (!gate_steps.is_empty()).then_some(about_event.len());
        let steps = joined(about_event, &gate_steps);
        let counting = end.and_then(|end| end.counting.clone());
        resolved.push(ResolvedPoint { fetches, bits, steps, gate, gated, key, counting });
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let store = store.borrow();
    let clauses = early.clauses.into_iter().chain(first.resolved.clauses).collect();
    Ok(ResolvedSpan {
        points: resolved,
        layout: first.resolved.layout,
        clauses,
        kept_bytes: store.bytes(),
        via_bits: store.bits(SpanRole::Via),
        keeps_process: store.keeps_process,
    })
}

/// The keys of all hooks: as many everywhere, and of the same kinds.
fn keys(points: &[SpanPoint<'_, '_>], errors: &mut Errors) -> Vec<Vec<KeyWord>> {
    let mut kinds: Vec<(KeyKind, &Expr, SpanRole)> = Vec::new();
    let mut keys = Vec::new();
    for (number, point) in points.iter().enumerate() {
        let mut words = Vec::new();
        for (part, expr) in point.key.iter().enumerate() {
            let found = of_another_hook(point, "key", expr).map_or_else(|| word(point, expr), Err);
            let (word, kind) = match found {
                Ok(found) => found,
                Err(refusal) => {
                    errors.push((SpanBlame::Key(number, part), refusal));
                    continue;
                }
            };
            words.push(word);
            match kinds.get(part) {
                Some((known, other, role)) if !known.fits(kind) => {
                    let message = format!(
                        "keys of different kinds: `{expr}` is {} at `{}`, `{other}` is {} at `{}`",
                        kind.words(),
                        point.role.word(),
                        known.words(),
                        role.word()
                    );
                    let help = "values of different kinds are never equal: name one of the same kind at both hooks";
                    let refusal = Refusal::new(message).help(help);
                    errors.push((SpanBlame::Key(number, part), refusal));
                }
                Some(_) => {}
                None => kinds.push((kind, expr, point.role)),
            }
        }
        keys.push(words);
    }
    keys
}

/// That a key or a condition of one hook asks for what is known at another, or when the span is over; `None` where it does not.
fn of_another_hook(point: &SpanPoint<'_, '_>, what: &str, expr: &Expr) -> Option<Refusal> {
    let names = Names::of_conditions(point.scope, point.machine, &[]);
    let (name, range) = first_of_span(expr, &|word| names.is_own(word))?;
    let (role, is_key) = (point.role.word(), what == "key");
    let message = match name.as_str() {
        "duration" => format!("`duration` is known when the span is over, not in the `{what}` of `{role}`"),
        name if name == role => format!("the `{what}` of `{role}` is read there anyway, without `{role}.`"),
        name => format!("`{name}.` is not known in the `{what}` of `{role}`, which is read there alone"),
    };
    let help = match name.as_str() {
        name if name == role => format!("leave `{role}.` out"),
        _other if is_key => "name what this hook has itself: the values of both keys are compared".to_owned(),
        _other if point.role == SpanRole::Cancel => "name what this hook has itself".to_owned(),
        _other => "move it to the probe's own `where`, which sees all of the span".to_owned(),
    };
    Some(Refusal::new(message).help(help).at(range))
}

/// The conditions of one hook, which the kernel must decide.
fn gate(wanted: &SpanWanted<'_>, point: &SpanPoint<'_, '_>, head: &Layout) -> Result<Vec<Step>, Vec<(usize, Refusal)>> {
    let names = Names::of_conditions(point.scope, point.machine, &[]);
    let names = NamesHere { names, sets: wanted.event.sets };
    let nothing = Wanted { captures: &[], filter: point.filter, sets: wanted.event.sets };
    let number = |(blame, refusal)| match blame {
        Blame::Capture(number) | Blame::Clause(number) | Blame::Aggregate(_, _, number) => (number, refusal),
    };
    let elsewhere = point.filter.iter().enumerate();
    let elsewhere: Vec<(usize, Refusal)> =
        elsewhere.filter_map(|(number, expr)| Some((number, of_another_hook(point, "where", expr)?))).collect();
    if !elsewhere.is_empty() {
        return Err(elsewhere);
    }
    let resolved = resolve_values(nothing, &conditions(point.filter), &names, head)
        .map_err(|errors| errors.into_iter().map(number).collect::<Vec<_>>())?;
    for ClausePlan { clause, text, decided } in &resolved.clauses {
        if let Decided::UserSpace { why } = decided {
            let message = format!("the kernel cannot decide `{text}`: {why}");
            let help =
                "what is a start, an end or neither is decided in the kernel; move it to the probe's own `where`";
            return Err(vec![(*clause, Refusal::new(message).help(help))]);
        }
    }
    Ok(resolved.steps)
}

/// Conditions that the kernel can decide before anything begins, and those that are left.
fn at_the_start<'w>(
    wanted: &SpanWanted<'_>,
    points: &[SpanPoint<'_, '_>],
    conditions: &[(usize, &'w Expr)],
    head: &Layout,
) -> (Resolved, Vec<(usize, &'w Expr)>) {
    let mut early = Resolved::new(head);
    let mut now: Vec<(usize, &Expr)> = Vec::new();
    let mut later: Vec<(usize, &Expr)> = Vec::new();
    let store = RefCell::new(Store::default());
    let names = SpanNames {
        points,
        end: 0,
        in_thread: true,
        at_entry: true,
        captures: wanted.event.captures,
        inside_captures: false,
        sets: wanted.event.sets,
        store: &store,
    };
    for condition in conditions {
        let mut all = now.clone();
        all.push(*condition);
        let is_decided = |resolved: &Resolved| resolved.layout.filter.is_none();
        match resolve_values(Wanted { captures: &[], ..wanted.event }, &all, &names, head) {
            Ok(resolved) if is_decided(&resolved) => {
                early = resolved;
                now = all;
            }
            Ok(_) | Err(_) => later.push(*condition),
        }
    }
    (early, later)
}

/// What two ends do not have alike: the first key or value that is counted, or the first field of the record.
fn difference(one: &End, other: &End) -> Option<SpanBlame> {
    if let (Some(one), Some(other)) = (&one.counting, &other.counting) {
        let (part, table, index) = one.difference(other)?;
        return Some(SpanBlame::Event(Blame::Aggregate(part, table, index)));
    }
    let (one, other) = (&one.resolved.layout, &other.resolved.layout);
    let fields = one.fields.iter().zip(&other.fields);
    let index = fields.enumerate().find(|(_, (one, other))| one != other).map(|(index, _)| index);
    let is_other = one.size != other.size || one.fields.len() != other.fields.len() || one.operands != other.operands;
    index.or(is_other.then_some(0)).map(|index| SpanBlame::Event(Blame::Capture(index)))
}

/// The conditions about the event, and behind them those of the hook, which are a list of their own.
fn joined(about_event: &[Step], gate: &[Step]) -> Vec<Step> {
    let behind = about_event.len() as u8;
    let moved = |next: StepNext| match next {
        StepNext::Step(number) => StepNext::Step(number + behind),
        end @ (StepNext::Pass | StepNext::Reject) => end,
    };
    let later = gate.iter().map(|step| Step {
        yes: moved(step.yes),
        no: moved(step.no),
        fault: moved(step.fault),
        ..step.clone()
    });
    about_event.iter().cloned().chain(later).collect()
}
