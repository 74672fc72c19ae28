"""How well voices are told apart: people the encoder never met, in speech and song, clean and worn."""
