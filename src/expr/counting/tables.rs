// SPDX-License-Identifier: MIT OR Apache-2.0
//! All tables of a probe.

use super::calculations::{Calculations, is_of_all, refusal};
use super::conditions::Conditions;
use super::keys::Keys;
use super::values::{Counted, counted};
use crate::expr::check::{Checker, Values};
use crate::expr::clause::{ClausePlan, Decided};
use crate::expr::filter::{Blame, Wanted, conditions};
use crate::expr::lower::Graph;
use crate::expr::machine::Machine;
use crate::expr::names_here::NamesHere;
use crate::expr::operand::Operand;
use crate::expr::path::Names;
use crate::expr::resolve::MAX_FETCHES;
use crate::expr::scope::Scope;
use crate::spec::{
    Aggregate, AggregatePart, AggregateValue, Counting, Expr, Field, Formula, KeyPiece, Layout, Sample, SetUse,
    Statistic, Step, StepNext, Table, Tally,
};
use crate::words::Refusal;

/// Bytes of a key that the stack has room for, its mask among them.
pub(super) const NEAR_KEY_BYTES: u32 = 12 * 8;
/// Most values of all tables, and most tests.
const MAX_TALLIES: usize = 32;
const MAX_STEPS: usize = 64;

/// The tables and who decides which condition, or what is wrong.
type ResolvedTables = Result<(Counting, Vec<ClausePlan>), Vec<(Blame, Refusal)>>;

/// Resolves the tables of a probe; all errors are found at once.
pub fn resolve_tables(
    tables: &[Aggregate],
    wanted: Wanted<'_>,
    scope: &Scope<'_>,
    machine: &Machine<'_>,
) -> ResolvedTables {
    let names = NamesHere { names: Names::of_conditions(scope, machine, wanted.captures), sets: wanted.sets };
    resolve_tables_of(tables, &conditions(wanted.filter), wanted.sets, &names)
}

/// The same over any names: those of conditions.
pub(in crate::expr) fn resolve_tables_of<V: Values>(
    tables: &[Aggregate],
    filter: &[(usize, &Expr)],
    sets: &[SetUse],
    names: &V,
) -> ResolvedTables {
    let mut resolver = Resolver {
        names,
        sets,
        operands: Vec::new(),
        calculations: Calculations::default(),
        counting: Counting::default(),
        clauses: Vec::new(),
        errors: Vec::new(),
    };
    resolver.conditions_of_probe(filter);
    for (number, table) in tables.iter().enumerate() {
        resolver.table(number, table);
    }
    let Resolver { calculations, mut counting, clauses, errors, .. } = resolver;
    if !errors.is_empty() {
        return Err(each_once(errors));
    }
    counting.operations = calculations.operations;
    Ok((counting, clauses))
}

/// What is wrong with all expressions together is said of the first that there is no room for.
fn each_once(errors: Vec<(Blame, Refusal)>) -> Vec<(Blame, Refusal)> {
    let mut is_told = false;
    let mut is_new = |refusal: &Refusal| !is_of_all(refusal) || !std::mem::replace(&mut is_told, true);
    errors.into_iter().filter(|(_, refusal)| is_new(refusal)).collect()
}

struct Resolver<'r, V> {
    names: &'r V,
    sets: &'r [SetUse],
    operands: Vec<Operand>,
    calculations: Calculations,
    counting: Counting,
    clauses: Vec<ClausePlan>,
    errors: Vec<(Blame, Refusal)>,
}

impl<V: Values> Resolver<'_, V> {
    /// `where`: the kernel must decide all of it.
    fn conditions_of_probe(&mut self, filter: &[(usize, &Expr)]) {
        let mut formulas = Vec::new();
        for (clause, part) in filter {
            match self.formula(part).and_then(|formula| Ok((self.tests(part, &formula)?, formula))) {
                Ok((steps, formula)) => {
                    let nanoseconds = Graph::cost(&steps).nanoseconds();
                    let decided = Decided::Kernel { tests: steps.len(), nanoseconds };
                    self.clauses.push(ClausePlan { clause: *clause, text: part.to_string(), decided });
                    formulas.push(formula);
                }
                Err(refusal) => self.errors.push((Blame::Clause(*clause), refusal)),
            }
        }
        // What was calculated only to see whether it can be, is not.
        self.calculations = Calculations::default();
        let formulas: Vec<&Formula> = formulas.iter().collect();
        let steps = self.conditions().tests(&formulas).unwrap_or_default();
        self.counting.has_where = !steps.is_empty();
        self.counting.steps = steps;
    }

    fn formula(&mut self, expr: &Expr) -> Result<Formula, Refusal> {
        let mut checker = Checker::new(self.names, std::mem::take(&mut self.operands));
        let formula = checker.clause(expr);
        self.operands = checker.operands;
        formula
    }

    fn conditions(&mut self) -> Conditions<'_> {
        Conditions { operands: &mut self.operands, calculations: &mut self.calculations, sets: self.sets }
    }

    /// The tests of one condition.
    fn tests(&mut self, expr: &Expr, formula: &Formula) -> Result<Vec<Step>, Refusal> {
        self.conditions().tests(&[formula]).map_err(|why| {
            let refusal = refusal(&why, format!("the kernel cannot decide `{expr}`: {}", why.0));
            let help = "what is counted must be decided in the kernel: compare a number, or a text such as `comm`, or make it a \
                        key";
            Refusal { help: refusal.help.or(Some(help.to_owned())), ..refusal }.at(expr.range.clone())
        })
    }

    fn table(&mut self, number: usize, table: &Aggregate) {
        let mut keys = Keys::new();
        for (index, key) in table.keys.iter().enumerate() {
            let added = keys.add(key, self.names, (&mut self.operands, &mut self.calculations));
            if let Err(refusal) = added {
                self.errors.push((Blame::Aggregate(AggregatePart::Key, number, index), refusal));
            }
        }
        let first = self.counting.tallies.len();
        let (mut fields, mut value_bytes) = (Vec::new(), 0);
        for (index, value) in table.values.iter().enumerate() {
            let blame = |part| Blame::Aggregate(part, number, index);
            let condition = match value.condition.as_ref().map(|condition| self.condition(condition)).transpose() {
                Ok(condition) => condition.flatten(),
                Err(refusal) => {
                    self.errors.push((blame(AggregatePart::Condition), refusal));
                    None
                }
            };
            match counted(value, self.names, (&mut self.operands, &mut self.calculations)) {
                Ok(counted) => {
                    let tally = tally(value, &counted, condition, value_bytes);
                    fields.push(field(value, counted, (index, &tally)));
                    value_bytes += tally.counters() as u32 * 8;
                    self.counting.tallies.push(tally);
                }
                Err(refusal) => self.errors.push((blame(AggregatePart::Value), refusal)),
            }
        }
        self.refuse_too_many(number, keys.fetches.len());
        let first_key = self.counting.fetches.len();
        let in_scratch = keys.in_scratch || keys.bytes > NEAR_KEY_BYTES;
        let of_probe = |piece: KeyPiece| KeyPiece { fetch: first_key + piece.fetch, ..piece };
        self.counting.pieces.extend(keys.pieces.drain(..).map(of_probe));
        self.counting.processes.extend(keys.processes.iter().map(|fetch| first_key + fetch));
        self.counting.fetches.append(&mut keys.fetches);
        let row = row(table, &keys, fields);
        self.counting.tables.push(Table {
            keys: first_key..self.counting.fetches.len(),
            tallies: first..self.counting.tallies.len(),
            key_bytes: keys.bytes,
            value_bytes,
            in_scratch,
            stacks: keys.stacks,
            max_keys: table.max_keys,
            row,
        });
    }

    /// The step that a condition begins with; `None` where it always holds.
    fn condition(&mut self, expr: &Expr) -> Result<Option<u8>, Refusal> {
        let formula = self.formula(expr)?;
        let steps = self.tests(expr, &formula)?;
        let first = self.counting.steps.len();
        if first + steps.len() > MAX_STEPS {
            let message = format!("the conditions of the probe take more than {MAX_STEPS} tests");
            return Err(Refusal::new(message).help("write a second probe on the same hook").at(expr.range.clone()));
        }
        let later = |next: StepNext| match next {
            StepNext::Step(number) => StepNext::Step(number + first as u8),
            end @ (StepNext::Pass | StepNext::Reject) => end,
        };
        let is_asked = !steps.is_empty();
        let steps = steps.into_iter();
        self.counting.steps.extend(steps.map(|step| Step {
            yes: later(step.yes),
            no: later(step.no),
            fault: later(step.fault),
            ..step
        }));
        Ok(is_asked.then_some(first as u8))
    }

    fn refuse_too_many(&mut self, number: usize, keys: usize) {
        let values = self.counting.tallies.len();
        if self.counting.fetches.len() + keys > MAX_FETCHES {
            let message = format!("the keys of the tables take more than {MAX_FETCHES} steps");
            self.errors.push((Blame::Aggregate(AggregatePart::Key, number, 0), Refusal::new(message)));
        }
        if values > MAX_TALLIES {
            let message = format!("the tables have {values} values; at most {MAX_TALLIES} are possible");
            let refusal = Refusal::new(message).help("write a second probe on the same hook");
            self.errors.push((Blame::Aggregate(AggregatePart::Value, number, 0), refusal));
        }
    }
}

fn tally(value: &AggregateValue, counted: &Counted, condition: Option<u8>, at: u32) -> Tally {
    let number = counted.number.as_ref();
    Tally {
        statistic: value.statistic.clone(),
        number: number.map(|number| (number.fetch.clone(), number.wide)),
        signed: number.is_some_and(|number| number.signed),
        elsewhere: counted.elsewhere,
        condition,
        at: at as u16,
    }
}

/// How a value is shown; its place is set when all are known.
fn field(value: &AggregateValue, counted: Counted, (index, tally): (usize, &Tally)) -> Field {
    let can_be_null = matches!(value.statistic, Statistic::Min | Statistic::Max | Statistic::Average);
    let size = if let Statistic::Histogram(_) = &value.statistic { tally.counters() as u32 * 8 } else { 8 };
    Field {
        name: value.name.clone(),
        offset: 0,
        size,
        kind: counted.kind,
        absent_bit: can_be_null.then_some((Table::FIRST_VALUE_BIT + index) as u8),
        of_end: None,
        bits: None,
        unit: if counted.of_durations { "ns".to_owned() } else { String::new() },
        doc: String::new(),
    }
}

/// How rows look: the key, the values, then the stacks that the key has hashes of.
fn row(table: &Aggregate, keys: &Keys, values: Vec<Field>) -> Layout {
    let (mut fields, mut size) = (keys.fields.clone(), keys.bytes);
    for value in values {
        fields.push(Field { offset: size, ..value });
        size += fields.last().map_or(0, |field| field.size);
    }
    for stack in &keys.stacks {
        if let Some(field) = fields.iter_mut().find(|field| field.offset == stack.at) {
            field.offset = size;
        }
        size += u32::from(stack.slot);
    }
    let keys = keys.fields.len();
    let sample = Sample {
        table: table.name.clone(),
        keys,
        statistics: table.values.iter().map(|value| value.statistic.clone()).collect(),
        top: table.top,
        cumulative: table.cumulative,
    };
    Layout { size, absent: Some(0), fields, sample: Some(sample), ..Layout::default() }
}
