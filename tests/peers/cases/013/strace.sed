s/^[0-9]+ +clock_nanosleep\(.*\{tv_sec=0, tv_nsec=([0-9]+)\}.*/= \1/p
s/^[0-9]+ +clock_nanosleep\(.*\{tv_sec=([0-9]+), tv_nsec=0\}.*/= \1000000000/p
