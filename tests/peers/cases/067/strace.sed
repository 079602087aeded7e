s/\) += /) = /
s/= -1 ENOENT .*/= -2 ENOENT/
s/= -1 EACCES .*/= -13 EACCES/
s/= -1 EPERM .*/= -1 EPERM/
s/= -1 EINVAL .*/= -22 EINVAL/
s/= -1 EEXIST .*/= -17 EEXIST/
s/= -1 ENOTDIR .*/= -20 ENOTDIR/
s/= -1 EBADF .*/= -9 EBADF/
s/= -1 ENOTEMPTY .*/= -39 ENOTEMPTY/
s/= -1 ECONNREFUSED .*/= -111 ECONNREFUSED/
s/= -1 ENOTTY .*/= -25 ENOTTY/
s/= (-?[0-9]+) ([A-Z]+)$/= \1 \2/
s/= ([0-9]+)$/= \1 null/
s/^[0-9]+ +socket\((AF_[A-Z0-9]+), ([A-Z_|]+), (IPPROTO_[A-Z]+)\) = (-?[0-9]+) [A-Za-z]+$/= \1\t\2\t\3\t\4/p
s/^[0-9]+ +socket\((AF_UNIX|AF_NETLINK), ([A-Z_|]+), [A-Z_0-9]+\) = (-?[0-9]+) [A-Za-z]+$/= \1\t\2\t-\t\3/p
