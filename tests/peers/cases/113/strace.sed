s/, -1/, null/g
s/\(-1/(null/
s/^[0-9]+ +setresuid\(([0-9nul]+), ([0-9nul]+), ([0-9nul]+)\) = -?[0-9]+ ([A-Za-z]+)$/= null\t\1\t\2\t\3\t\4/p
s/^[0-9]+ +setreuid\(([0-9nul]+), ([0-9nul]+)\) = -?[0-9]+ ([A-Za-z]+)$/= null\t\1\t\2\tnull\t\3/p
s/^[0-9]+ +set(fs)?uid\(([0-9nul]+)\) = -?[0-9]+ ([A-Za-z]+)$/= \2\tnull\tnull\tnull\t\3/p
