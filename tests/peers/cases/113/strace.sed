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
s/, -1/, null/g
s/\(-1/(null/
s/^[0-9]+ +setresuid\(([0-9nul]+), ([0-9nul]+), ([0-9nul]+)\) = -?[0-9]+ ([A-Za-z]+)$/= null\t\1\t\2\t\3\t\4/p
s/^[0-9]+ +setreuid\(([0-9nul]+), ([0-9nul]+)\) = -?[0-9]+ ([A-Za-z]+)$/= null\t\1\t\2\tnull\t\3/p
s/^[0-9]+ +set(fs)?uid\(([0-9nul]+)\) = -?[0-9]+ ([A-Za-z]+)$/= \2\tnull\tnull\tnull\t\3/p
