// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files that the kernel makes: to read one may wait, or take what others wait for; to write to one changes how the machine runs.

use std::io;
use std::os::fd::BorrowedFd;

/// Numbers of file systems whose files nobody stored (`linux/magic.h`, statfs(2)).
const KERNELS_OWN: [u32; 22] = [
    0x0000_9fa0, // proc
    0x6265_6572, // sysfs
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x7363_6673, // securityfs
    0x0027_e0eb, // cgroup
    0x6367_7270, // cgroup2
    0xcafe_4a11, // bpf
    0x6165_676c, // pstore
    0xde5e_81e4, // efivarfs
    0x6265_6570, // configfs
    0xf97c_ff8c, // selinux
    0x4341_5d53, // smack
    0x4249_4e4d, // binfmt_misc
    0x0765_5821, // resctrl
    0x6573_5543, // fusectl
    0x6e66_7364, // nfsd
    0x6759_6969, // rpc_pipefs
    0x0000_1cd1, // devpts
    0x0000_0187, // autofs
    0x6e73_6673, // nsfs
    0x1980_0202, // mqueue
];

/// True for a file of proc(5), sysfs and the like, which is not stored but made by the kernel.
pub fn is_of_the_kernel(file: BorrowedFd<'_>) -> io::Result<bool> {
    file_system(file).map(|number| KERNELS_OWN.contains(&number))
}

/// The number of the file system that a file is in.
pub fn file_system(file: BorrowedFd<'_>) -> io::Result<u32> {
    Ok(rustix::fs::fstatfs(file)?.f_type as u32)
}
