"""rightscan: finds registered performances in uploaded media and says who is to be paid."""

__version__ = "0.1.0"
