"""A schema with everything that can hang on a table, its rows, and what is done with it."""
