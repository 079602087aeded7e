s/^[0-9]+ +connect\([0-9]+, \{sa_family=AF_INET, sin_port=htons\(([0-9]+)\), sin_addr=inet_addr\("([^"]*)"\)\}, 16\) = -?[0-9]+ ([A-Za-z]+)$/= \2:\1\t\3/p
s/^[0-9]+ +connect\([0-9]+, \{sa_family=AF_INET6, sin6_port=htons\(([0-9]+)\), .*inet_pton\(AF_INET6, "([^"]*)".* = -?[0-9]+ ([A-Za-z]+)$/= [\2]:\1\t\3/p
s/^[0-9]+ +connect\([0-9]+, \{sa_family=AF_UNIX, sun_path="([^"]*)"\}, [0-9]+\) = -?[0-9]+ ([A-Za-z]+)$/= unix:\1\t\2/p
