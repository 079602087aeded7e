// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is known of the running kernel, read when it is first needed and kept.

use std::cell::OnceCell;
use std::path::Path;
use std::sync::Arc;

use super::kernel_btf::kernel_btf;
use crate::catalog::{Btf, KernelOffsets};
use crate::expr::{KernelTypes, RawTracepoints};
use crate::kernel::site::binary::Binaries;
use crate::kernel::site::event::Tracefs;
use crate::kernel::site::function::FunctionLists;
use crate::words::Refusal;

/// The running kernel.
pub struct Host {
    types: KernelTypes,
    offsets: OnceCell<(KernelOffsets, Arc<[u32]>)>,
    tracefs: OnceCell<Result<Tracefs, Refusal>>,
    raw_tracepoints: OnceCell<Option<RawTracepoints>>,
    pub(in crate::kernel) functions: FunctionLists,
    pub(in crate::kernel) binaries: Binaries,
}

const KPROBE_PMU: &str = "/sys/bus/event_source/devices/kprobe/type";
const UPROBE_PMU: &str = "/sys/bus/event_source/devices/uprobe/type";

impl Default for Host {
    fn default() -> Self {
        Self {
            types: KernelTypes::new(kernel_btf),
            offsets: OnceCell::new(),
            tracefs: OnceCell::new(),
            raw_tracepoints: OnceCell::new(),
            functions: FunctionLists::default(),
            binaries: Binaries::default(),
        }
    }
}

impl Host {
    /// The same for somebody who is not looking: binaries that others than root could change are refused where the probe does
    /// not allow them.
    pub fn guarded() -> Self {
        Self { binaries: Binaries::guarded(), ..Self::default() }
    }

    /// The kernel's BTF; `None` if it has none (`CONFIG_DEBUG_INFO_BTF`) or hides it.
    pub fn btf(&self) -> Option<&Btf> {
        self.types.get()
    }

    /// The same, for who may not need it: it takes some milliseconds to read.
    pub(in crate::kernel) fn types(&self) -> &KernelTypes {
        &self.types
    }

    /// Its raw tracepoints; `None` where it has no BTF.
    pub(in crate::kernel) fn raw_tracepoints(&self) -> Option<&RawTracepoints> {
        self.raw_tracepoints.get_or_init(|| self.btf().map(RawTracepoints::of)).as_ref()
    }

    /// Where the kernel's structs have these members; `None` where it has no BTF. All probes of a program ask for the same.
    pub(in crate::kernel) fn offsets(&self, wanted: &KernelOffsets) -> Option<Arc<[u32]>> {
        let btf = self.btf()?;
        let find = || Arc::from(wanted.of_kernel(btf));
        let (known, found) = self.offsets.get_or_init(|| (wanted.clone(), find()));
        Some(if known == wanted { Arc::clone(found) } else { find() })
    }

    /// Where the files of tracefs are, as long as this lives; it need not be mounted.
    pub fn tracefs(&self) -> Result<&Path, Refusal> {
        self.find_tracefs().map(Tracefs::path)
    }

    /// Where tracefs is mounted; `None` where it is used without being mounted.
    pub fn tracefs_mount(&self) -> Result<Option<&Path>, Refusal> {
        self.find_tracefs().map(|found| Some(found.path()).filter(|_| found.is_mounted()))
    }

    fn find_tracefs(&self) -> Result<&Tracefs, Refusal> {
        self.tracefs.get_or_init(Tracefs::find).as_ref().map_err(Clone::clone)
    }

    /// False where the kernel was built without kprobes for perf and tracing.
    pub fn has_kprobes(&self) -> bool {
        Path::new(KPROBE_PMU).exists() || self.tracefs().is_ok_and(|path| path.join("kprobe_events").exists())
    }

    /// False where the kernel was built without uprobes (`CONFIG_UPROBE_EVENTS`).
    pub fn has_uprobes(&self) -> bool {
        Path::new(UPROBE_PMU).exists() || self.tracefs().is_ok_and(|path| path.join("uprobe_events").exists())
    }

    /// `6.12.48+deb13-cloud-amd64` and `x86_64`, as uname(2) says.
    pub fn release(&self) -> (String, String) {
        let name = rustix::system::uname();
        (name.release().to_string_lossy().into_owned(), name.machine().to_string_lossy().into_owned())
    }

    /// True for a kernel that was built to preempt itself, whatever it is told at boot.
    pub(in crate::kernel) fn is_built_preemptible(&self) -> bool {
        let name = rustix::system::uname();
        let version = name.version().to_string_lossy();
        version.split_ascii_whitespace().any(|word| matches!(word, "PREEMPT" | "PREEMPT_RT" | "PREEMPT_LAZY"))
    }

    /// Major and minor number of the release: (6, 12).
    pub fn version(&self) -> (u32, u32) {
        let (release, _) = self.release();
        let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
    }
}
