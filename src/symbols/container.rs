// SPDX-License-Identifier: MIT OR Apache-2.0
//! The container that a cgroup belongs to, by its path: every runtime writes the id there.

/// Digits of an id that runtimes give by themselves.
const DIGITS: usize = 64;

/// What runtimes put before an id that is a directory of its own, `PREFIX-ID.scope`. Their monitors (`crio-conmon-ID.scope`) are no
/// containers.
const PREFIXES: [&str; 7] = ["docker-", "cri-containerd-", "crio-", "libpod-", "nerdctl-", "buildkit-", "containerd-"];

/// Begins the unit of a container of systemd-nspawn, before its name: `systemd-nspawn@NAME.service`.
const NSPAWN: &str = "systemd-nspawn@";
/// The same of one that systemd-machined knows: `machine-NAME.scope`. Of virtual machines NAME begins with `qemu\x2d`.
const MACHINE: &str = "machine-";
/// The same of LXC: `lxc.payload.NAME`, and `lxc.payload/NAME` of old ones.
const LXC: &str = "lxc.payload.";

/// The id of the innermost container that the cgroup at this path is of, as its runtime writes it; of systemd-nspawn and LXC the name.
/// `None` where it is of none.
///
/// ```
/// use ebpf_run::symbols::container_of_path;
/// assert_eq!(container_of_path("/machine.slice/systemd-nspawn@web.service/payload"), Some("web"));
/// assert_eq!(container_of_path("/system.slice/ssh.service"), None);
/// ```
pub fn container_of_path(path: &str) -> Option<&str> {
    path.rsplit('/').find_map(container)
}

fn container(name: &str) -> Option<&str> {
    if let Some(unit) = name.strip_prefix(NSPAWN) {
        return unit.strip_suffix(".service").filter(|name| !name.is_empty());
    }
    if let Some(unit) = name.strip_prefix(MACHINE) {
        return unit.strip_suffix(".scope").filter(|name| !name.is_empty() && !name.starts_with("qemu"));
    }
    if let Some(name) = name.strip_prefix(LXC) {
        return Some(name).filter(|name| !name.is_empty());
    }
    // `slice:prefix:ID` is what containerd writes where it was told about systemd and has none.
    let name = name.rsplit(':').next().unwrap_or(name);
    let name = name.strip_suffix(".scope").unwrap_or(name);
    let id = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    (id.len() == DIGITS && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const OTHER: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

    /// Paths as the runtimes write them, with and without systemd, in pods and in each other.
    #[test]
    fn paths_of_runtimes() {
        for path in [
            // Docker, systemd and cgroupfs; of a user without root.
            "/system.slice/docker-ID.scope",
            "/docker/ID",
            "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-ID.scope",
            // A process that made cgroups of its own inside.
            "/system.slice/docker-ID.scope/init.scope",
            // containerd for Kubernetes, systemd and cgroupfs.
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod2b801b7a_6266_4386_864e_45ed71136542.slice/cri-containerd-ID.scope",
            "/kubepods/besteffort/pod2b801b7a-6266-4386-864e-45ed71136542/ID",
            "/system.slice/containerd.service/kubepods-besteffort-pod2b801b7a.slice:cri-containerd:ID",
            "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod1.slice/cri-containerd-ID.scope",
            "/system.slice/nerdctl-ID.scope",
            "/default/ID",
            // CRI-O.
            "/kubepods.slice/kubepods-pod2b801b7a.slice/crio-ID.scope",
            "/kubepods.slice/kubepods-pod2b801b7a.slice/crio-ID.scope/container",
            // Podman, of root and of a user.
            "/machine.slice/libpod-ID.scope/container",
            "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope/container",
            "/libpod_parent/libpod-ID",
            // kind: a node is a container, its pods are in it. The innermost counts.
            "/docker/OTHER/kubelet/kubepods/burstable/pod1/ID",
            "/system.slice/docker-OTHER.scope/kubelet.slice/kubelet-kubepods.slice/cri-containerd-ID.scope",
            // Amazon ECS.
            "/ecs/3f9d2f2c/ID",
        ] {
            let real = path.replace("ID", ID).replace("OTHER", OTHER);
            assert_eq!(container_of_path(&real), Some(ID), "{path}");
        }
    }

    /// Containers that have names.
    #[test]
    fn names() {
        assert_eq!(
            container_of_path("/machine.slice/systemd-nspawn@web.service/payload/system.slice/x.service"),
            Some("web")
        );
        assert_eq!(container_of_path("/machine.slice/machine-web.scope/payload"), Some("web"));
        assert_eq!(container_of_path("/lxc.payload.db/system.slice"), Some("db"));
    }

    /// What is beside a container, or looks like one, is none.
    #[test]
    fn no_containers() {
        for path in [
            "/",
            "",
            "/system.slice/docker.service",
            "/user.slice/user-0.slice/session-1.scope",
            "/machine.slice/libpod-conmon-ID.scope",
            "/kubepods.slice/kubepods-pod1.slice/crio-conmon-ID.scope",
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice",
            "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt",
            "/lxc.monitor.db",
            "/system.slice/docker-IDa.scope",
            "/docker/0123",
            "/machine.slice/systemd-nspawn@.service",
        ] {
            assert_eq!(container_of_path(&path.replace("ID", ID)), None, "{path}");
        }
    }
}
