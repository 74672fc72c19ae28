"""The ``rightscan`` command: asks the use cases and shows what they say."""
