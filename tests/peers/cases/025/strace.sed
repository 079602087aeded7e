s/^[0-9]+ +(sync|syncfs|fsync|fdatasync)\(.*/= /p
