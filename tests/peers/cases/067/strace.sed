s/SOCK_CLOEXEC\|SOCK_NONBLOCK/SOCK_NONBLOCK|SOCK_CLOEXEC/
s/^[0-9]+ +socket\((AF_[A-Z0-9]+), ([A-Z_|]+), (IPPROTO_[A-Z]+)\) = (-?[0-9]+) [A-Za-z]+$/= \1\t\2\t\3\t\4/p
s/^[0-9]+ +socket\((AF_UNIX|AF_NETLINK), ([A-Z_|]+), (0|NETLINK_ROUTE)\) = (-?[0-9]+) [A-Za-z]+$/= \1\t\2\tIPPROTO_IP\t\4/p
