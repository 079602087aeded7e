s/\) += /) = /
s/= -1 ENOENT .*/= -2 ENOENT/
s/= -1 EACCES .*/= -13 EACCES/
s/= -1 EPERM .*/= -1 EPERM/
s/= -1 EINVAL .*/= -22 EINVAL/
s/= -1 EEXIST .*/= -17 EEXIST/
s/= -1 ENOTDIR .*/= -20 ENOTDIR/
s/= -1 EBADF .*/= -9 EBADF/
s/= (-?[0-9]+) ([A-Z]+)$/= \1 \2/
s/= ([0-9]+)$/= \1 null/
/BPF_PROG_LOAD/!d
s/^[0-9]+ +bpf\(BPF_PROG_LOAD, \{prog_type=(BPF_PROG_TYPE_[A-Z_]+), insn_cnt=([0-9]+),.*prog_name="([^"]*)".* = -?[0-9]+ ([A-Za-z]+)$/= \1\t\3\t\2\t\4/p
