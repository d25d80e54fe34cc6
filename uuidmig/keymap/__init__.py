"""Key maps: files of old and new keys, for what lies outside the database."""
