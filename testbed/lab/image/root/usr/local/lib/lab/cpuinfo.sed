s/^processor[[:space:]]*: *\(.*\)/&\ncpu MHz\t\t: 2000.000\nphysical id\t: 0\ncore id\t\t: \1/
w /run/cpuinfo
