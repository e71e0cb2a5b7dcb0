"""Files written whole or not at all: a new file and a rename, or a change by a root switch."""
