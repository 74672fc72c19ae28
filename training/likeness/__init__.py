"""How the voice encoder is made: voices of clear licence, worn and varied; a small network; its card."""
