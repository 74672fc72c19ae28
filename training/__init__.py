"""How the shipped models are made: everything they learned from, and the programs that taught them."""
