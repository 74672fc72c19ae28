"""Rights: who performed, what a finding means, and how won are shared (pure; import the modules directly)."""
