s/^[0-9]+ +(unlink|rmdir)\("([^"]*)"\) = -?[0-9]+ ([A-Za-z]+)$/= \2\tabsent\tabsent\t\3/p
s/^[0-9]+ +unlinkat\(AT_FDCWD, "([^"]*)", .*\) = -?[0-9]+ ([A-Za-z]+)$/= \1\tabsent\tabsent\t\2/p
s/^[0-9]+ +(rename|link|symlink)\("([^"]*)", "([^"]*)"\) = -?[0-9]+ ([A-Za-z]+)$/= absent\t\2\t\3\t\4/p
s/^[0-9]+ +(renameat2?|linkat|symlinkat)\((AT_FDCWD, )?"([^"]*)", (AT_FDCWD, )?"([^"]*)".*\) = -?[0-9]+ ([A-Za-z]+)$/= absent\t\3\t\5\t\6/p
