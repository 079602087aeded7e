// SPDX-License-Identifier: MIT OR Apache-2.0
//! What paths need to know of the machine and of the probe's targets, whatever the hook is.

use std::sync::Arc;

use super::kernel_types::Types;
use crate::spec::FetchSource;

/// The machine, as far as paths are concerned.
pub struct Machine<'a> {
    /// The kernel's types.
    pub types: Types<'a>,
    /// Where a variable of the kernel is.
    pub variable: &'a dyn Fn(&str) -> Variable,
    /// Where the array is that says where the memory of each CPU is, and how many CPUs there may be; `None` where that cannot be known.
    pub cpu_memory: &'a dyn Fn() -> Option<(u64, u32)>,
    /// The builtins that say what the probe is attached to, at this hook.
    pub targets: Vec<TargetName>,
    /// True where the probe has several targets: what one of them lacks is null there.
    pub is_one_of_several: bool,
    /// The hook's own names that other targets of the probe have, and this one may lack: null here.
    pub elsewhere: Vec<String>,
}

/// Where a variable of the kernel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable {
    /// Here.
    At(u64),
    /// The kernel has it, and does not show this process where.
    Hidden,
    /// The kernel's list of symbols has no such variable.
    Unknown,
}

/// A builtin that says what the probe is attached to: `symbol`.
#[derive(Debug, Clone)]
pub struct TargetName {
    /// The builtin.
    pub word: &'static str,
    /// The number that tells which target it is: a constant where there is one.
    pub source: FetchSource,
    /// What each number is called.
    pub names: Arc<[(i64, String)]>,
}

impl<'a> Machine<'a> {
    /// A machine of which nothing but its types is known.
    pub fn of_types(types: impl Into<Types<'a>>) -> Self {
        Self {
            types: types.into(),
            variable: &|_| Variable::Unknown,
            cpu_memory: &|| None,
            targets: Vec::new(),
            is_one_of_several: false,
            elsewhere: Vec::new(),
        }
    }

    /// The same, of a probe that is attached to one of these; to `name` alone where they are none.
    #[must_use]
    pub fn attached_to_one_of(mut self, word: &'static str, name: &str, all: &[String]) -> Self {
        let Some(number) = all.iter().position(|known| known == name) else { return self.attached_to(word, name) };
        let names = all.iter().enumerate().map(|(number, name)| (number as i64, name.clone())).collect();
        self.targets.push(TargetName { word, source: FetchSource::Constant(number as u64), names });
        self
    }

    /// The same, of a probe that is attached to this: `symbol`, `vfs_read`.
    #[must_use]
    pub fn attached_to(mut self, word: &'static str, name: &str) -> Self {
        let names = Arc::from([(0, name.to_owned())]);
        self.targets.push(TargetName { word, source: FetchSource::Constant(0), names });
        self
    }
}
