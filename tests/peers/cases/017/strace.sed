s/O_CLOEXEC\|O_DIRECTORY/O_DIRECTORY|O_CLOEXEC/
s/^[0-9]+ +open(at)?\((AT_FDCWD, )?"([^"]*)", ([A-Z_|]+)(, [0-7]+)?\) = (-?[0-9]+) ([A-Za-z]+)$/= \3\t\4\t\6/p
