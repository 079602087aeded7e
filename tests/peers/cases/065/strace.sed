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
s/^[0-9]+ +connect\([0-9]+, \{sa_family=AF_INET, sin_port=htons\(([0-9]+)\), sin_addr=inet_addr\("([^"]*)"\)\}, 16\) = -?[0-9]+ ([A-Za-z]+)$/= \2:\1\t\3/p
s/^[0-9]+ +connect\([0-9]+, \{sa_family=AF_INET6, sin6_port=htons\(([0-9]+)\), .*inet_pton\(AF_INET6, "([^"]*)".* = -?[0-9]+ ([A-Za-z]+)$/= [\2]:\1\t\3/p
s/^[0-9]+ +connect\([0-9]+, \{sa_family=AF_UNIX, sun_path="([^"]*)"\}, [0-9]+\) = -?[0-9]+ ([A-Za-z]+)$/= unix:\1\t\2/p
