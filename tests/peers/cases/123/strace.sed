s/^[0-9]+ +(clock_settime|settimeofday|adjtimex|clock_adjtime)\(.*= -?[0-9]+ ([A-Za-z]+)$/= \2/p
