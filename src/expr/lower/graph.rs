// SPDX-License-Identifier: MIT OR Apache-2.0
//! The graph: from its end to its beginning, so that every test knows where it leads.

use super::unfit::{Cost, Unfit};
use crate::expr::operand::{Operand, OperandSource};
use crate::spec::{
    Comparison, Fetch, FieldType, Formula, SetKind, SetName, SetUse, Step, StepNext, StepTest, TextTest, Widening,
};

/// Most tests of a probe.
const MAX_STEPS: usize = 64;

/// Tests, the last one first. A [`StepNext::Step`] counts from the last one until the graph is finished.
#[derive(Debug, Clone)]
pub(in crate::expr) struct Graph<'o> {
    operands: &'o [Operand],
    sets: &'o [SetUse],
    steps: Vec<Step>,
}

/// Where a test leads: if it holds, and if it does not or is undecided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ways {
    pub(super) yes: StepNext,
    pub(super) no: StepNext,
}

impl<'o> Graph<'o> {
    /// The graph of conditions that must all hold.
    pub(in crate::expr) fn of(
        operands: &'o [Operand],
        sets: &'o [SetUse],
        formulas: &[&Formula],
    ) -> Result<Vec<Step>, Unfit> {
        let mut graph = Self { operands, sets, steps: Vec::new() };
        let ways = Ways { yes: StepNext::Pass, no: StepNext::Reject };
        let mut begin = StepNext::Pass;
        for formula in formulas.iter().rev() {
            begin = graph.condition(formula, true, Ways { yes: begin, ..ways })?;
        }
        graph.finish(begin)
    }

    /// The steps from the first on.
    fn finish(self, begin: StepNext) -> Result<Vec<Step>, Unfit> {
        let count = self.steps.len();
        if count > MAX_STEPS {
            return Err(Unfit::new(format!("it takes {count} tests, and the kernel makes at most {MAX_STEPS}")));
        }
        match begin {
            StepNext::Step(_) => {}
            // The answer is known: nothing is asked.
            StepNext::Pass => return Ok(Vec::new()),
            StepNext::Reject => return Err(Unfit::new("it is never true")),
        }
        let turned = |next: StepNext| match next {
            StepNext::Step(from_end) => StepNext::Step(count as u8 - 1 - from_end),
            end @ (StepNext::Pass | StepNext::Reject) => end,
        };
        let steps = self.steps.into_iter().rev();
        let steps =
            steps.map(|step| Step { yes: turned(step.yes), no: turned(step.no), fault: turned(step.fault), ..step });
        Ok(steps.collect())
    }

    /// A condition (`holds`), or its opposite.
    pub(super) fn condition(&mut self, formula: &Formula, holds: bool, ways: Ways) -> Result<StepNext, Unfit> {
        match formula {
            Formula::Bool(value) => Ok(if *value == holds { ways.yes } else { ways.no }),
            Formula::Null => Ok(ways.no),
            Formula::Not(of) => self.condition(of, !holds, ways),
            Formula::All(parts) if holds => self.all(parts, holds, ways),
            Formula::All(parts) => self.any(parts, holds, ways),
            Formula::Any(parts) => match self.one_of_numbers(parts, holds, ways) {
                Some(entry) => entry,
                None if holds => self.any(parts, holds, ways),
                None => self.all(parts, holds, ways),
            },
            Formula::IsNull(of) => self.null(of, holds, ways),
            Formula::Compare { op, sides } => self.comparison(*op, sides, holds, ways),
            Formula::Operand(index) => self.flag(*index, holds, ways),
            Formula::Matches { how, of, texts } => self.texts(*how, of, texts, holds, ways),
            Formula::InNetworks { of, networks } => self.networks(of, networks, holds, ways),
            Formula::InSet { of, how, set } => self.set(of, *how, set, holds, ways),
            Formula::Number { .. }
            | Formula::Text(_)
            | Formula::Arithmetic { .. }
            | Formula::Named { .. }
            | Formula::Size(_) => Err(Unfit::new("it calculates")),
        }
    }

    /// All must hold: the first leads to the second.
    fn all(&mut self, parts: &[Formula], holds: bool, ways: Ways) -> Result<StepNext, Unfit> {
        let mut yes = ways.yes;
        for part in parts.iter().rev() {
            yes = self.condition(part, holds, Ways { yes, ..ways })?;
        }
        Ok(yes)
    }

    /// One must hold: the first that does not leads to the second.
    fn any(&mut self, parts: &[Formula], holds: bool, ways: Ways) -> Result<StepNext, Unfit> {
        let mut no = ways.no;
        for part in parts.iter().rev() {
            no = self.condition(part, holds, Ways { no, ..ways })?;
        }
        Ok(no)
    }

    /// The operand of this number.
    pub(super) fn operand(&self, index: usize) -> Result<&'o Operand, Unfit> {
        self.operands.get(index).ok_or_else(|| Unfit::new("it reads what is not there"))
    }

    /// The operand that a formula is, alone.
    pub(super) fn read(&self, formula: &Formula) -> Result<&'o Operand, Unfit> {
        match formula {
            Formula::Operand(index) => self.operand(*index),
            Formula::Size(_) => Err(Unfit::new("it asks for a size")),
            Formula::Arithmetic { .. } | Formula::Named { .. } => Err(Unfit::new("it calculates")),
            _other => Err(Unfit::new("it compares two values that are read")),
        }
    }

    /// Puts a test before all others, and before it what it needs.
    pub(super) fn push(
        &mut self,
        operand: &Operand,
        fetch: Fetch,
        test: StepTest,
        ways: Ways,
    ) -> Result<StepNext, Unfit> {
        let swapped = match &test {
            StepTest::Range { .. } | StepTest::Bits { .. } => {
                matches!(operand.kind, FieldType::Port | FieldType::Ipv4)
            }
            // Sets of addresses have them in network order.
            StepTest::Set(..) => operand.kind == FieldType::Port,
            StepTest::Bytes { .. } | StepTest::Suffix(_) | StepTest::Contains(_) | StepTest::Exists => false,
        };
        let fetch = Fetch { slot: 0, out: 0, ..fetch };
        let mut entry =
            self.step(Step { fetch, part: operand.part, swapped, test, yes: ways.yes, no: ways.no, fault: ways.no })?;
        for before in operand.before.iter().rev() {
            entry = self.step(Step {
                fetch: Fetch { slot: 0, out: 0, ..before.clone() },
                part: 0,
                swapped: false,
                test: StepTest::Exists,
                yes: entry,
                no: ways.no,
                fault: ways.no,
            })?;
        }
        Ok(entry)
    }

    fn step(&mut self, step: Step) -> Result<StepNext, Unfit> {
        let number = u8::try_from(self.steps.len()).map_err(|_| Unfit::new("it takes too many tests"))?;
        self.steps.push(step);
        Ok(StepNext::Step(number))
    }

    /// How an operand is fetched; `None` for what this target does not have.
    pub(super) fn fetch(operand: &Operand) -> Result<Option<Fetch>, Unfit> {
        let fetch = match &operand.source {
            OperandSource::Head { fetch, .. } | OperandSource::Fetch(fetch) => fetch,
            OperandSource::Nothing => return Ok(None),
            OperandSource::Field(_) => return Err(Unfit::new("it is only known when the record is finished")),
        };
        if fetch.length.is_some() {
            return Err(Unfit::new("its length is only known when the event happens"));
        }
        if super::kinds::is_path(fetch.copy) {
            return Err(Unfit::new("a path is put together folder by folder, for which a condition has no room"));
        }
        if super::kinds::is_stack(fetch.copy) {
            return Err(Unfit::new("a stack is a list of functions, for which a condition has no room"));
        }
        Ok(Some(fetch.clone()))
    }

    /// `x == null`
    fn null(&mut self, of: &Formula, holds: bool, ways: Ways) -> Result<StepNext, Unfit> {
        let operand = self.read(of)?;
        let Some(fetch) = Self::fetch(operand)? else { return Ok(if holds { ways.yes } else { ways.no }) };
        if super::kinds::is_null_by_value(&operand.kind) {
            return self.has_value(operand, holds, ways);
        }
        match &operand.kind {
            FieldType::Ksym | FieldType::Usym | FieldType::Cgroup | FieldType::Container | FieldType::Dev => {
                return Err(Unfit::new("only user space knows whether it has a name"));
            }
            FieldType::Endpoint | FieldType::Sock | FieldType::Packet if fetch.size > Step::MAX_BYTES => {
                return Err(Unfit::new("it has several parts"));
            }
            _other => {}
        }
        let fetch = Fetch { size: fetch.size.min(Step::MAX_BYTES), ..fetch };
        let (there, absent) = if holds { (ways.no, ways.yes) } else { (ways.yes, ways.no) };
        let entry = self.push(operand, fetch, StepTest::Exists, Ways { yes: there, no: absent })?;
        Ok(entry)
    }

    /// `x in SET`
    fn set(&mut self, of: &Formula, how: TextTest, set: &SetName, holds: bool, ways: Ways) -> Result<StepNext, Unfit> {
        let operand = self.read(of)?;
        let Some(fetch) = Self::fetch(operand)? else { return Ok(ways.no) };
        let ways = if holds { ways } else { Ways { yes: ways.no, no: ways.yes } };
        let fault = if holds { ways.no } else { ways.yes };
        if how != TextTest::Equal {
            return Err(Unfit::new("the kernel finds whole texts in a set, and no parts of them"));
        }
        let (fetch, wide) = match super::kinds::text_of(&operand.kind) {
            Some(_) if super::kinds::is_text_copy(fetch.copy) => {
                (Fetch { size: Step::MAX_BYTES, ..fetch }, Widening::NONE)
            }
            Some(_) => (Fetch { size: fetch.size.min(Step::MAX_BYTES), ..fetch }, Widening::NONE),
            None if self.is_of_texts(set) => return Err(super::kinds::no_text(&operand.kind)),
            None => (fetch, super::kinds::for_set(operand)?),
        };
        let entry = self.push(operand, fetch, StepTest::Set(set.clone(), wide), ways)?;
        self.fault_to(entry, operand, fault);
        if super::kinds::is_null_by_value(&operand.kind) {
            // What is null is in no set, and outside of none.
            return self.has_value(operand, false, Ways { yes: entry, no: fault });
        }
        Ok(entry)
    }

    /// True for a set that the probe has.
    pub(super) fn has_set(&self, wanted: &SetUse) -> bool {
        self.sets.contains(wanted)
    }

    fn is_of_texts(&self, name: &SetName) -> bool {
        self.sets.iter().any(|set| set.name == *name && set.kind == SetKind::Text)
    }

    /// Sets where the test at `entry`, and those before it, lead if there is no value.
    pub(super) fn fault_to(&mut self, entry: StepNext, operand: &Operand, fault: StepNext) {
        let StepNext::Step(entry) = entry else { return };
        let first = usize::from(entry).saturating_sub(operand.before.len());
        self.steps.iter_mut().skip(first).take(operand.before.len() + 1).for_each(|step| step.fault = fault);
    }

    /// A comparison: of numbers, texts or booleans.
    fn comparison(
        &mut self,
        op: Comparison,
        sides: &(Formula, Formula),
        holds: bool,
        ways: Ways,
    ) -> Result<StepNext, Unfit> {
        let equal = match op {
            Comparison::Equal => Some(true),
            Comparison::NotEqual => Some(false),
            Comparison::Less | Comparison::LessOrEqual | Comparison::Greater | Comparison::GreaterOrEqual => None,
        };
        match (sides, equal) {
            ((of, Formula::Text(text)) | (Formula::Text(text), of), Some(equal)) => {
                self.texts(TextTest::Equal, of, std::slice::from_ref(text), holds == equal, ways)
            }
            ((Formula::Text(_), _) | (_, Formula::Text(_)), None) => Err(Unfit::new("it asks for the order of texts")),
            ((of, Formula::Bool(value)) | (Formula::Bool(value), of), Some(equal)) => {
                self.condition(of, (holds == equal) == *value, ways)
            }
            (sides, _) => self.numbers(op, sides, holds, ways),
        }
    }

    /// What the steps cost.
    pub(in crate::expr) fn cost(steps: &[Step]) -> Cost {
        steps.iter().map(super::kinds::cost).max().unwrap_or(Cost::Number)
    }
}
