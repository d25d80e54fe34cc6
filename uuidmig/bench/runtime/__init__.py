"""What an interpreter can do: one suite, the same work wherever it is run."""
