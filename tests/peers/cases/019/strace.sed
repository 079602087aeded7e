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
/null$/!d
s/^[0-9]+ +openat\(AT_FDCWD, "(\/etc\/[^"]*)", (O_(WRONLY|RDWR)[A-Z_|]*)(, [0-7]+)?\).*/= \1/p
