/BPF_PROG_LOAD/!d
s/^[0-9]+ +bpf\(BPF_PROG_LOAD, \{prog_type=(BPF_PROG_TYPE_[A-Z_]+), insn_cnt=([0-9]+),.*prog_name="([^"]*)".* = -?[0-9]+ ([A-Za-z]+)$/= \1\t\3\t\2\t\4/p
