/null$/!d
s/^[0-9]+ +openat\(AT_FDCWD, "(\/etc\/[^"]*)", (O_(WRONLY|RDWR)[A-Z_|]*)(, [0-7]+)?\).*/= \1/p
