s/^[0-9]+ +setresuid\([-0-9]+, 0, .*/= null\t0/p
