// SPDX-License-Identifier: MIT OR Apache-2.0
//! Written by scripts/generate-names from the uapi headers of Linux 6.17 (linux-raw-sys 0.12.1). Not to be edited.

/// The lowest two bits of the flags of open.
#[rustfmt::skip]
pub(super) const OPEN_ACCESS: &[(i64, &str)] = &[
    (0, "O_RDONLY"),
    (1, "O_WRONLY"),
    (2, "O_RDWR"),
];

/// The other flags of open.
#[rustfmt::skip]
pub(super) const OPEN_FLAGS: &[(i64, &str)] = &[
    (64, "O_CREAT"),
    (128, "O_EXCL"),
    (256, "O_NOCTTY"),
    (512, "O_TRUNC"),
    (1024, "O_APPEND"),
    (2048, "O_NONBLOCK"),
    (2048, "O_NDELAY"),
    (1052672, "O_SYNC"),
    (4096, "O_DSYNC"),
    (8192, "O_ASYNC"),
    (8192, "FASYNC"),
    (4210688, "O_TMPFILE"),
    (16384, "O_DIRECTORY"),
    (32768, "O_NOFOLLOW"),
    (65536, "O_DIRECT"),
    (131072, "O_LARGEFILE"),
    (262144, "O_NOATIME"),
    (524288, "O_CLOEXEC"),
    (2097152, "O_PATH"),
];

/// `PROT_…`
#[rustfmt::skip]
pub(super) const PROT: &[(i64, &str)] = &[
    (1, "PROT_READ"),
    (2, "PROT_WRITE"),
    (4, "PROT_EXEC"),
    (8, "PROT_SEM"),
    (16, "PROT_BTI"),
    (32, "PROT_MTE"),
    (16777216, "PROT_GROWSDOWN"),
    (33554432, "PROT_GROWSUP"),
];

/// The lowest four bits of the flags of mmap.
#[rustfmt::skip]
pub(super) const MAP_TYPES: &[(i64, &str)] = &[
    (1, "MAP_SHARED"),
    (2, "MAP_PRIVATE"),
    (3, "MAP_SHARED_VALIDATE"),
    (8, "MAP_DROPPABLE"),
];

/// The other flags of mmap.
#[rustfmt::skip]
pub(super) const MAP_FLAGS: &[(i64, &str)] = &[
    (16, "MAP_FIXED"),
    (32, "MAP_ANONYMOUS"),
    (256, "MAP_GROWSDOWN"),
    (2048, "MAP_DENYWRITE"),
    (4096, "MAP_EXECUTABLE"),
    (8192, "MAP_LOCKED"),
    (16384, "MAP_NORESERVE"),
    (32768, "MAP_POPULATE"),
    (65536, "MAP_NONBLOCK"),
    (131072, "MAP_STACK"),
    (262144, "MAP_HUGETLB"),
    (524288, "MAP_SYNC"),
    (1048576, "MAP_FIXED_NOREPLACE"),
];

/// Sizes of huge pages, in the highest six bits.
#[rustfmt::skip]
pub(super) const MAP_HUGE: &[(i64, &str)] = &[
    (939524096, "MAP_HUGE_16KB"),
    (1073741824, "MAP_HUGE_64KB"),
    (1275068416, "MAP_HUGE_512KB"),
    (1342177280, "MAP_HUGE_1MB"),
    (1409286144, "MAP_HUGE_2MB"),
    (1543503872, "MAP_HUGE_8MB"),
    (1610612736, "MAP_HUGE_16MB"),
    (1677721600, "MAP_HUGE_32MB"),
    (1879048192, "MAP_HUGE_256MB"),
    (1946157056, "MAP_HUGE_512MB"),
    (2013265920, "MAP_HUGE_1GB"),
    (2080374784, "MAP_HUGE_2GB"),
    (2281701376, "MAP_HUGE_16GB"),
];
