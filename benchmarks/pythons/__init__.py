"""One suite on every interpreter of this machine: `make bench-pythons`."""
