"""What tests share: tables, oracles, measures."""
