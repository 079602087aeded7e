// SPDX-License-Identifier: MIT OR Apache-2.0
//! `aggregate`, resolved: keys become fetches, values become tallies, what is calculated becomes operations. All is decided in the kernel:
//! what it cannot do is refused.
//!
//! ```text
//! by: { error: retval as errno }          Calculated: fetch retval, within -4095 to -1
//! values: { slow: count() if took > 1ms } Tally { Count, condition: step 3 }
//! ```

mod calculations;
mod conditions;
mod keys;
mod learn;
mod tables;
mod values;

pub use learn::learn;
pub use tables::resolve_tables;
pub(super) use tables::resolve_tables_of;
