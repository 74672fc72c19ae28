"""How the learned voice detector is trained, measured and shipped: ``python -m training.synthesis.voice``."""
