"""Fakes of every vocoder family made here, their real counterparts, and the models that learn from them."""
