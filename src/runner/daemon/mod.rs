// SPDX-License-Identifier: MIT OR Apache-2.0
//! The daemon: what runs follows what the files say.
//!
//! ```text
//! files change ┐
//! SIGHUP       ├─▶ look ─▶ accept ─▶ expand ─▶ plan ─▶ execute ─▶ say
//! interfaces,  │    ▲                                     │
//! binaries     │    │                                     │
//! time         ┘    └──────────── retry at … ◀────────────┘
//! ```
//!
//! One thread decides and acts; rings are read by the reader's thread all the while. What never happens here: nothing waits
//! for a sink, and nothing is printed; what people should read goes through [`Said`].

mod binaries;
mod entry;
mod error;
mod execute;
mod follow;
mod former;
mod leave;
mod options;
mod rates;
mod requests;
mod roots;
mod run;
mod said;
mod service;
mod snapshot;
mod state;
mod tell;
mod turns;
mod units;

pub use self::options::DaemonOptions;
pub use self::run::daemon;
pub use self::said::Said;
